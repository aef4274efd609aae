#pragma once

#include "daemon/calibration/calibration_measure.h"
#include "daemon/control/request.h"

/* A calibration_measure on its way to its reply: what its measurements share. */
struct measuring {
    const struct control_service *service;
    struct request *request;
    const json_t *args;
    const struct run *run;
    struct summed_pattern pattern;
    struct calibration calibration; /* a copy, which apply puts in the place of the one in force */
    bool apply;
};

void measuring_refuse(struct request *request, const struct error *error);

/* Sets a value (of one or two numbers) in measuring->calibration; `what`: the source is "WHAT of
 * run UUID". */
void measuring_set(struct measuring *measuring, enum calibration_item item, double first,
                   double second, double first_error, double second_error, const char *what);

/* Applies what was set when asked to, and replies. Takes over `measured`, the member `what` of the
 * result; it is NULL where a number of it is none (or for want of memory), which is refused. */
void measuring_succeed(struct measuring *measuring, const char *what, json_t *measured);

/* measure_vacuum.c and measure_detector.c: each ends the request. */
void measuring_vacuum(struct measuring *measuring);
void measuring_bad_pixels(struct measuring *measuring);
void measuring_gain(struct measuring *measuring);
