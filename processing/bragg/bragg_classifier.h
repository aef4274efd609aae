#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "common/cpu.h"
#include "common/error.h"
#include "processing/bragg/bragg_reference.h"

/*
 * Which Bragg reflections one pattern has, and which class that makes it. docs/bragg.md has the
 * method. A pattern's result depends on the reference and its pixels alone: not on threads, order
 * or instruction set.
 */

enum bragg_class {
    BRAGG_NONE = 0,
    BRAGG_TWO_BEAM = 1,   /* one direction, one side */
    BRAGG_THREE_BEAM = 2, /* one direction, +g and -g */
    BRAGG_ON_AXIS = 3, /* a lattice: two directions and a third reflection or a partner that fits */
    BRAGG_MULTIPLE = 4,   /* several directions without a lattice: clusters in projection */
    BRAGG_EXCLUDED = 254, /* never given by the classifier: vacuum, hole, cap */
    BRAGG_NOT_ANALYSED = 255,
};

/* bragg_result.flags */
#define BRAGG_LIST_FULL                                                                            \
    (1u << 0)                     /* more reflections than the list holds: the strongest are kept  \
                                   */
#define BRAGG_CROWDED (1u << 1)   /* less than a fifth of the sectors were quiet */
#define BRAGG_NO_COUNTS (1u << 2) /* no count in the annulus: none */
#define BRAGG_OUT_OF_RANGE (1u << 3) /* far brighter or darker than the template: not analysed */

/* bragg_reflection.flags */
#define BRAGG_PARTNER (1u << 0) /* its Friedel partner -g is in the list too */
#define BRAGG_LATTICE (1u << 1) /* fits the lattice of an on-axis pattern */
#define BRAGG_AT_EDGE                                                                              \
    (1u << 2) /* less than 0.85 of its disk lies on good pixels of the annulus                     \
               */
#define BRAGG_WEAK_PARTNER (1u << 3) /* its partner passes only the relaxed single-place test */

struct bragg_reflection {
    double y, x;       /* pixels, in the frame; g = (y, x) - centre */
    double counts;     /* S, in the disk of its width at the best place */
    double background; /* B, expected there without a reflection */
    double contrast;   /* (S - B) / B */
    double log10_p;  /* of the null law at the best place, not corrected for the number of places */
    double sigma;    /* standard deviation of y and of x, pixels */
    int16_t partner; /* index of -g in the list, -1: none */
    uint8_t width;   /* enum bragg_width: of the template that found it */
    uint8_t flags;
};

#define BRAGG_REFLECTIONS_MAX 64
#define BRAGG_BANDS_MAX 16

struct bragg_result {
    uint8_t class; /* enum bragg_class */
    uint8_t flags;
    uint8_t n_directions;
    uint8_t n_bands;
    uint32_t n_reflections;
    uint32_t n_quiet_sectors; /* that the ratio was taken from, of n_sectors */
    uint32_t n_sectors;
    double scale; /* counts of the background in the annulus over those of the mean pattern */
    double ratio[BRAGG_BANDS_MAX];       /* rho_j: the same for each radial band, [n_bands] */
    double ratio_error[BRAGG_BANDS_MAX]; /* relative standard deviation */
    double contrast;                     /* of the strongest reflection, 0 without one */
    /* by falling significance */
    struct bragg_reflection reflections[BRAGG_REFLECTIONS_MAX];
};

/* One pattern: pixels of 1, 2 or 4 bytes, [height][width] of the reference, machine byte order. */
struct bragg_frame {
    const void *image;
    uint32_t pixel_size;
    /* It is one of the frames that the template is the sum of: it is taken out of it again (leave
     * one out), which matters below some 300 frames. */
    bool in_template;
};

/* One thread's memory, for one reference, which must outlive it. */
struct bragg_scratch;
int bragg_scratch_create(struct bragg_scratch **scratch, const struct bragg_reference *reference,
                         enum cpu_isa isa, struct error *error);
/* NULL does nothing. */
void bragg_scratch_destroy(struct bragg_scratch *scratch);

/* Allocates nothing, cannot fail. */
void bragg_classify(struct bragg_scratch *scratch, const struct bragg_frame *frame,
                    struct bragg_result *result);

/* The same result to the last bit, each place tested in plain words; slow. Tests compare them. */
void bragg_classify_plain(struct bragg_scratch *scratch, const struct bragg_frame *frame,
                          struct bragg_result *result);
