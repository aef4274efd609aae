#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "processing/bragg/bragg_classifier.h"
#include "processing/bragg/bragg_kernels.h"
#include "processing/bragg/bragg_reference_parts.h"

/*
 * One pattern while it is searched. The steps, in this order: load the pixels and sum the parts,
 * fit the background, sum the disks, find candidates (places whose counts reach their threshold and
 * that have more excess than such places beside them), choose peaks among them, then once more from
 * the background on without the sectors that hold a peak, then partners, directions and class.
 */

/* A place whose counts the background alone would not reach, and no such place beside it has more
 * excess. */
struct bragg_candidate {
    uint32_t place; /* in maps of the grid */
    uint32_t counts;
    double background, speckle;
    double excess; /* counts - background, for order only */
};

/* What there is of one width. */
struct bragg_width_scratch {
    struct bragg_sums_plan plan;
    void *sums; /* [rows][stride], 16 or 32 bits, with a margin (bragg_positions.h) */
    void *sums_room;
    uint8_t *byte_sums;           /* [rows][stride], up to 255 */
    bool has_sums, has_byte_sums; /* of the frame */
    double *bin_ratio;            /* of radius bins: background over the template's, */
    double *bin_variance;         /* and its relative variance */
    double
        least[BRAGG_RINGS_MAX]; /* background of any place beside one of this ring; 0: not known */
    uint32_t n_candidates;
    struct bragg_candidate *candidates;
};

/* A candidate that became a peak. */
struct bragg_peak {
    double row, column; /* of its best place */
    double radius;      /* of its disk */
    enum bragg_width width;
    bool is_soft;        /* wider than the aperture, if not enough for that width */
    bool is_surely_soft; /* and not by chance */
    double wide_excess;  /* in the wide window over that in the matched one; 0: not known */
    struct bragg_candidate candidate; /* of that width */
};

struct bragg_method;
struct bragg_scratch {
    const struct bragg_reference *reference;
    const struct bragg_kernels *kernels;
    uint32_t *pixels; /* buffer of the grid */
    uint16_t *narrow; /* the same in 16 bits, where the frame's counts fit them */
    uint8_t *bytes;   /* the same, up to 255 */
    bool has_bytes, has_narrow, has_wide; /* which were loaded; bytes alone hold all counts */
    uint16_t *room_16;                    /* of the kernels for sums over disks */
    uint32_t *room_32;
    uint8_t *room_8;
    double *excess; /* of a window round a place (bragg_window_room) */
    struct bragg_lines lines;
    const struct bragg_method *method;
    struct bragg_block *blocks;
    bool sums_are_narrow;
    double keep, own; /* background = (keep * weight - own * counts) * ratio: leave one out */
    uint32_t part_counts[BRAGG_PARTS_MAX];
    double part_template[BRAGG_PARTS_MAX]; /* with the frame left out of it */
    struct bragg_background background;
    struct bragg_width_scratch width[BRAGG_WIDTHS];
    uint32_t n_peaks;
    bool more_peaks; /* than there is room for */
    struct bragg_peak peaks[BRAGG_REFLECTIONS_MAX];
};

/* Leaving a frame out takes no more of the template than leaves this share. */
#define BRAGG_TEMPLATE_LEFT 0.1

static inline uint32_t bragg_sum_at(const struct bragg_scratch *scratch, enum bragg_width width,
                                    size_t place)
{
    const void *const sums = scratch->width[width].sums;
    return scratch->sums_are_narrow ? ((const uint16_t *)sums)[place]
                                    : ((const uint32_t *)sums)[place];
}

/* B and V at a place where the frame has these counts. */
static inline double bragg_background_at(const struct bragg_scratch *scratch,
                                         enum bragg_width width, size_t place, uint32_t counts)
{
    const struct bragg_positions *const p = &scratch->reference->positions[width];
    const double weight = p->weight[place];
    if (scratch->own == 0) /* keep is 1 */
        return weight * scratch->width[width].bin_ratio[p->bin[place]];
    const double left = weight * scratch->keep - counts * scratch->own;
    const double least = weight * BRAGG_TEMPLATE_LEFT;
    return (left > least ? left : least) * scratch->width[width].bin_ratio[p->bin[place]];
}

static inline double bragg_speckle_at(const struct bragg_scratch *scratch, enum bragg_width width,
                                      size_t place)
{
    const struct bragg_positions *const p = &scratch->reference->positions[width];
    return p->speckle[place] + scratch->width[width].bin_variance[p->bin[place]];
}

/* Background of a pixel of the buffer. */
static inline double bragg_expected_at(const struct bragg_scratch *scratch, size_t at)
{
    const struct bragg_reference *const r = scratch->reference;
    const double *const ratio = scratch->background.ratio;
    const double band = r->band_at[at];
    const uint32_t lower = (uint32_t)band;
    const uint32_t upper = lower + 1 < r->background.n_bands ? lower + 1 : lower;
    return r->template[at] * (ratio[lower] + (band - lower) * (ratio[upper] - ratio[lower]));
}

/* How a frame is summed and its candidates are found: quickly, or in plain words. */
struct bragg_method {
    /* Loads the frame and fills part_counts; returns the sum of the annulus. */
    uint64_t (*load)(struct bragg_scratch *scratch, const struct bragg_frame *frame);
    void (*sum_disks)(struct bragg_scratch *scratch, enum bragg_width width);
    /* Has the sums made and fills candidates, by rising place. */
    void (*find)(struct bragg_scratch *scratch, enum bragg_width width);
};
void bragg_classify_by(const struct bragg_method *method, struct bragg_scratch *scratch,
                       const struct bragg_frame *frame, struct bragg_result *result);

/* Has the sums over disks, which frames without reflections mostly do without. */
void bragg_need_sums(struct bragg_scratch *scratch, enum bragg_width width);

/* Has the frame in `pixels`, whatever it was loaded into. */
void bragg_widen_pixels(struct bragg_scratch *scratch);

/* What is told of a place. */
struct bragg_candidate bragg_look_at(const struct bragg_scratch *scratch, enum bragg_width width,
                                     size_t place);

/* Adds the place to the candidates if it is one. */
void bragg_try_place(struct bragg_scratch *scratch, enum bragg_width width, size_t place);

/* Chooses the peaks among the candidates. */
void bragg_choose_peaks(struct bragg_scratch *scratch);

/* Sectors that hold a part of a peak's disk. */
uint64_t bragg_busy_sectors(const struct bragg_scratch *scratch);

/* Measures the peaks and lists them as reflections. */
void bragg_list_reflections(struct bragg_scratch *scratch, struct bragg_result *result);

/* Elements of `excess`. */
size_t bragg_window_room(const struct bragg_reference *reference);

/* Partners, directions, lattice and class. */
void bragg_find_class(const struct bragg_scratch *scratch, struct bragg_result *result);
