#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "common/error.h"
#include "detector/pixel_format.h"
#include "processing/bragg/bragg_settings.h"

/*
 * What single patterns are compared with: the template and the laws of its noise. A reference is
 * made from values that a learner measured or a file kept, never changes afterwards and may be used
 * by any number of threads. The same values give the same reference, bit for bit.
 */

enum bragg_width { BRAGG_MATCHED, BRAGG_WIDE, BRAGG_WIDTHS };

/* Points of the profile V(k): evenly spaced in radius, the first at the annulus' inner radius, the
 * last at its outer one, straight lines between. */
#define BRAGG_SPECKLE_POINTS 9

/* All that a reference is made from, and all that is to be stored of it. */
struct bragg_reference_values {
    struct bragg_settings settings;
    uint32_t height, width;
    uint64_t n_frames; /* that the template is the sum of, or is worth */
    /* [height][width], counts: exact sums over n_frames frames, or what a second pass makes of
     * them in the same unit. Pixels outside the annulus are not looked at. */
    const uint64_t *template_sums;
    const uint8_t *bad;    /* [height][width], not 0 where a pixel is not to be used; may be NULL */
    double overdispersion; /* F, a number */
    double speckle[BRAGG_WIDTHS][BRAGG_SPECKLE_POINTS]; /* V of a disk of each width */
    bool overdispersion_measured, speckle_measured;     /* on these data; else assumed or given */
};

struct bragg_reference;

/* Copies the values; frees with bragg_reference_unref. -EINVAL with a sentence naming the key (see
 * bragg_settings_check) or what the template lacks; -ENOMEM. Takes some tens of milliseconds. */
int bragg_reference_create(struct bragg_reference **reference,
                           const struct bragg_reference_values *values, struct error *error);

struct bragg_reference *bragg_reference_ref(struct bragg_reference *reference);
/* NULL does nothing. */
void bragg_reference_unref(struct bragg_reference *reference);

/* The values it was made from; its arrays live as long as the reference. */
const struct bragg_reference_values *bragg_reference_values(
    const struct bragg_reference *reference);

/* Fills V of both widths with the same value of a matched disk, scaled to the wide one by the
 * speckle's correlation length. */
void bragg_speckle_fill(struct bragg_reference_values *values, double speckle);

/* A profile at this part of the way from the inner (0) to the outer radius (1). */
double bragg_profile_at(const double profile[BRAGG_SPECKLE_POINTS], double along);

/* V in a disk of matched or wide radius where single pixels have V_px: the speckle field is the
 * aperture's image, intensities of fields correlated over disks of R_d. */
double bragg_speckle_in_disk(double speckle_px, double disk_radius, double window_radius);

/* What came of the template. */
struct bragg_reference_report {
    uint32_t n_positions[BRAGG_WIDTHS]; /* places where a disk is looked for */
    uint32_t step[BRAGG_WIDTHS];        /* pixels between them, along rows and columns */
    uint32_t n_pixels;                  /* of the annulus that are used */
    uint32_t n_bad;                     /* of the annulus that `bad` or the template rules out */
    uint32_t n_static; /* pixels where the template was cut down to its ring: reflections that stay
                          put over the scan (texture) */
    double counts_per_pixel; /* of the mean pattern in the annulus */
};
void bragg_reference_report(const struct bragg_reference *reference,
                            struct bragg_reference_report *report);

/* 1 where the template was cut down to its ring, [height][width]. */
const uint8_t *bragg_reference_static(const struct bragg_reference *reference);

/* The highest mean of 1-bit frames, counts per pixel in the annulus: above it counters that can
 * hold only one count hide the reflections. */
#define BRAGG_ONE_BIT_COUNTS_MAX 0.15

/* Whether frames of this format can be searched: -EINVAL where they are of another size, -ENOTSUP
 * where they are of 1 bit and above BRAGG_ONE_BIT_COUNTS_MAX, with a sentence. */
int bragg_reference_suits(const struct bragg_reference *reference,
                          const struct pixel_format *format, struct error *error);
