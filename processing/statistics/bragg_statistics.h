#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/error.h"
#include "processing/statistics/block_bootstrap.h"
#include "processing/statistics/class_counts.h"
#include "processing/statistics/contingency.h"
#include "processing/statistics/domains.h"
#include "processing/statistics/effective_size.h"
#include "processing/statistics/found_rate.h"
#include "processing/statistics/proportion.h"
#include "processing/statistics/reflections.h"
#include "processing/statistics/texture.h"
#include "processing/statistics/toroidal_shift.h"

/*
 * All that is said of the Bragg reflections of one scan. docs/bragg-statistics.md has the method
 * and how often the intervals cover; each number's definition is at the function that makes it.
 */

/* 0 where a default is named. */
struct bragg_statistics_settings {
    double confidence;       /* of all intervals, 0: 0.95 */
    uint32_t block;          /* positions, at least two probe diameters; 0: 3 */
    uint32_t tile_y, tile_x; /* positions, 0: 10 */
    uint32_t n_resamples;    /* of the block bootstrap, 0: 1999 */
    uint32_t max_shifts;     /* of the phase test, 0: 1999 */
    uint64_t seed;
    bool rates_known;
    struct error_rates rates; /* of any reflection, at the run's dose */
    double min_contrast;      /* rho_0; 0: the fraction above it is not asked for */
    bool contrast_rates_known;
    struct error_rates contrast_rates; /* of reflections of at least min_contrast; not known: those
                                          of found and contrast_alarms, where both are */
    struct found_rate found;           /* told where it is of min_contrast; n 0: not measured */
    struct found_rate alarms, contrast_alarms; /* in glass, of any and of min_contrast; likewise */
    double g_step, g_max;    /* of the histogram of |g|, detector pixels, 0: 1 and the longest */
    double azimuth_step;     /* degrees, 0: 10 */
    double tolerance;        /* for two g to be the same, detector pixels, 0: 1.5 */
    double texture_fraction; /* of positions that share a reflection that stays put, 0: 0.5 */
    const struct crystal_phase *crystals; /* to name reflections by; needs the pixel size */
    size_t n_crystals;
    double spacing_tolerance; /* relative, 0: 0.02 */
};

#define BRAGG_STATISTICS_TEXTURE_MAX 32

/* A scan's results. Maps are [ny][nx], C order; what is NULL is not asked for. */
struct bragg_scan_results {
    uint32_t ny, nx;
    const uint8_t *classes;                    /* enum scan_class */
    const double *contrast;                    /* of the strongest reflection, NAN: none */
    const uint8_t *phase;                      /* 1 in the phase, 0 outside, 255 unknown */
    const uint8_t *areas;                      /* label of a drawn area, 0: none */
    const struct scan_reflection *reflections; /* ordered by position */
    size_t n_reflections;
    double pixel_size; /* nm^-1 per detector pixel, 0: not known */
};

struct bragg_contrast_statistics {
    bool asked;
    double min_contrast;
    uint64_t count; /* positions with a reflection of at least that */
    double fraction;
    struct effective_size effective; /* its interval is the one to quote */
    bool corrected_known;
    struct corrected_fraction corrected;
    struct error_rates rates;        /* that it was corrected with */
    struct found_rate found, alarms; /* n 0: not measured */
};

struct bragg_phase_statistics {
    bool asked;
    struct two_by_two table;
    struct association association;
    struct toroidal_shift shift;
};

/* A drawn area. */
struct bragg_area {
    uint8_t label;
    struct class_counts counts;
};

struct bragg_statistics {
    double confidence;
    uint32_t ny, nx;
    struct class_counts counts;
    uint64_t n, bragg;
    double fraction; /* NAN: n is 0 */
    struct interval wilson, clopper_pearson;
    struct effective_size effective; /* its interval is the one to quote */
    bool bootstrap_known;            /* not for n = 0 */
    struct block_bootstrap bootstrap;
    bool corrected_known;
    struct corrected_fraction corrected;
    struct error_rates rates; /* that it was corrected with */
    struct found_rate alarms; /* in glass, n 0: not measured */
    struct bragg_contrast_statistics contrast;
    struct bragg_phase_statistics phase;

    uint32_t tile_y, tile_x, tiles_shape[2];
    struct class_counts *tiles; /* [tiles_shape[0]][tiles_shape[1]] */
    struct bragg_area *areas;   /* by label */
    size_t n_areas;

    bool reflections_known;
    uint64_t n_reflections;
    double pixel_size; /* 0: not known */
    struct histogram lengths, azimuths;
    const struct crystal_phase *crystals; /* those of the settings */
    size_t n_crystals;
    double spacing_tolerance;
    uint64_t *crystal_counts; /* [n_crystals + 2]: of each, none, ambiguous; NULL: not asked for */
    struct domains domains;
    struct static_reflection texture[BRAGG_STATISTICS_TEXTURE_MAX];
    size_t n_texture;
};

/*
 * bragg_statistics_finish frees it. -EINVAL: a side of 0, more than 2^31 positions, or a setting
 * out of its range, which the sentence names; -ENOMEM. A scan of which nothing is classified is no
 * error: n is 0, the fraction NAN and all intervals [0, 1].
 */
int bragg_statistics_init(struct bragg_statistics *statistics,
                          const struct bragg_scan_results *scan,
                          const struct bragg_statistics_settings *settings, struct error *error);
/* Also of zeroed statistics. */
void bragg_statistics_finish(struct bragg_statistics *statistics);
