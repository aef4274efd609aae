#pragma once

#include "daemon/bragg/bragg_phase.h"
#include "daemon/bragg/labelled_scans.h"
#include "daemon/control/request.h"
#include "processing/bragg_run/bragg_thinning.h"

/*
 * A series of scans on its way from its request (commands_bragg_series.c) to its reply, and what is
 * looked up in the maps and frames of its scans.
 */

/* Reflections against the phase of one scan, [ny][nx] each; owned. */
struct scan_pair {
    uint8_t *reflections, *phase;
    uint32_t ny, nx;
};

/* What is asked of the maps of every scan. The texts are those of the request's args. */
struct series_maps {
    bool phase;
    struct bragg_phase_wanted wanted;
    const char *before, *after, *thickness; /* NULL: not asked for */
    bool thin;
};

/* Between request and reply it belongs to the job's thread, but for `service` and `request`. */
struct series_job {
    const struct control_service *service;
    struct request *request;
    json_t *args; /* holds a reference */
    char *how;    /* what is asked of the maps, as text */
    struct series_maps maps;
    struct labelled_series series;
    struct run **runs;              /* [series.n] with references; NULL: not in memory */
    struct scan_pair *pair;         /* [series.n] */
    struct bragg_thinning *thinned; /* [series.n] classes of thinned frames, where there are */
    struct series_settings settings;
    json_t *warnings; /* sentences */
    json_t *result;
    const char *field; /* of the request, where `error` is about it */
    struct error error;
};

/*
 * What is asked of the scans in memory, into series.members and series.shift; a scan that lacks
 * something is in the table all the same, and a warning says so. A negative errno with job->error
 * and field: the series is refused.
 */
int bragg_series_look(struct series_job *job);

void bragg_series_job_destroy(struct series_job *job);

/* A sentence about a scan that lacks something. */
void bragg_series_warn(struct series_job *job, size_t i, const char *what,
                       const struct error *error);
