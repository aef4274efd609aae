#pragma once

#include "processing/products/bragg_plan.h"
#include "processing/run/run.h"
#include "processing/statistics/bragg_statistics.h"
#include "processing/statistics/series.h"

/*
 * What the statistics of Bragg reflections are made from: the classes of a run's frames as a map,
 * the strongest contrast of each, and all reflections by position.
 */
struct bragg_scan {
    struct bragg_scan_results results; /* points into what follows; phase and areas are NULL */
    uint8_t *classes;                  /* [ny][nx] */
    double *contrast;                  /* [ny][nx] */
    struct scan_reflection *reflections;
    /* Mean counts per pixel of the annulus of the frames classed none, where there are any, so that
     * reflections do not pass for dose; else of all. NAN: no frame has a class. */
    double dose;
};

/* Positions of a map (run_map_shape), [first, first + ny * nx) of them as ny rows. */
struct bragg_scan_part {
    const struct scan_geometry *scan;
    uint64_t first;
    uint32_t ny, nx;
};

/* All passes of the run, seen through a geometry, below each other. -EFBIG: more positions than can
 * be counted. */
int bragg_scan_whole(struct bragg_scan_part *part, const struct run *run,
                     const struct scan_geometry *scan, struct error *error);

/* -ENODATA with a sentence: no Bragg reflections are looked for; -ENOMEM. */
int bragg_scan_init(struct bragg_scan *scan, const struct run *run,
                    const struct bragg_scan_part *part, struct error *error);
/* Positions [ny][nx] where the mask is not 0 are no part of the film: neither their classes nor
 * their reflections count. The dose stays that of all frames. */
void bragg_scan_exclude(struct bragg_scan *scan, const uint8_t *mask);
/* Also of a zeroed one. */
void bragg_scan_finish(struct bragg_scan *scan);

/* The statistics' settings as the run's Bragg reflections have them. */
struct bragg_statistics_settings bragg_scan_settings(const struct run *run);

/* The maps from which a scan of a series is counted; they are the scan's. */
struct series_scan_maps bragg_scan_series_maps(const struct bragg_scan *scan,
                                               const struct run *run);
