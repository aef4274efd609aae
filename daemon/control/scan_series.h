#pragma once

#include <jansson.h>
#include <stdint.h>
#include <uv.h>

#include "daemon/control/control.h"
#include "daemon/control/scan_drift.h"

/*
 * The same scan several times: when one is complete the next is started with the arguments of the
 * first and the label `scan`, its number from 1. A scan that ends otherwise, `stop` and another
 * `start` end the series. Of every scan it keeps a row: its labels, its file, how long the detector
 * was not armed before it, and how far the specimen had moved. Belongs to the service thread.
 */
struct scan_series {
    const struct control_service *service;
    uv_timer_t *timer; /* starts the next scan from the loop, not from within an event; owned. It
                          outlives the series by a turn of the loop */
    json_t *args;      /* of start, without `series`; NULL: no series goes on */
    json_t *rows;      /* of the newest series, whether it goes on or not; NULL: there was none */
    json_int_t scan, scans;
    uint64_t finished_ns; /* monotonic: when the last scan was over; 0: one is going on */
    bool stopping;        /* the scan that is armed or goes on is the last */
    char run[64];         /* id of the scan that goes on */
    struct scan_drift drift;
};

/* -ENOMEM. */
int scan_series_init(struct scan_series *series, uv_loop_t *loop,
                     const struct control_service *service);
/* The drift that is being computed ends by itself. */
void scan_series_finish(struct scan_series *series);

/* The arguments of start for this scan, with its label; new reference. */
json_t *scan_series_args(json_t *args, json_int_t scan);

/* A scan was started for a client with these arguments of start (`series` among them or not):
 * whatever series went on is over. */
void scan_series_follow(struct scan_series *series, const json_t *args, const char *run);

/* The scan that is armed or goes on is being stopped: it is the last. NULL does nothing. */
void scan_series_stop(struct scan_series *series);

/* The acquisition's state has changed. */
void scan_series_watch(struct scan_series *series);

/* {scan, scans, going_on, rows: [...]}, null members where there was no series; new reference. */
json_t *scan_series_json(const struct scan_series *series);
