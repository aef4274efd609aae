#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "detector/sim/random.h"

/*
 * What the sensor makes of electrons: charge sharing, flat-field, defects, and what is in the way.
 * All of it stays the same from frame to frame but for chance.
 */
struct glass_sensor_settings {
    bool charge_sharing; /* an electron counts in 1 to 4 pixels of a random 2 x 2 corner (.45, .35,
                            .15, .05): variance / mean of sums over many pixels is 2.2, of a disk
                            of 37 pixels 2.0; the mean counts stay as asked */
    double flat_field;   /* relative rms of the pixels' sensitivity */
    double dead, hot;    /* parts of the pixels that always read 0, that count more */
    double hot_counts;   /* mean that a hot pixel counts besides */
    double stop_radius;  /* pixels, of the beam stop about stop_centre; 0: none */
    double stop_centre[2];
    double arm_width; /* pixels, of the stop's arm that leaves the frame to the right */
    uint32_t cross;   /* rows and columns in the middle that read 0: the gap of a quad */
};

#define GLASS_CLUSTER_MEAN 1.8 /* pixels in which an electron counts with charge sharing */
#define GLASS_CLUSTER_OVERDISPERSION                                                               \
    (4 / 1.8) /* mean square of that over its mean: F of large areas */

struct glass_sensor {
    uint32_t side;
    struct glass_sensor_settings settings;
    double best;      /* the largest sensitivity */
    uint16_t *passes; /* [side][side] chance of an electron, of 65535 for `best`; 0: never */
    uint32_t dead_pixels, hot_pixels;
    uint32_t *dead; /* [dead_pixels] that read 0, those of the cross included */
    uint32_t *hot;  /* [hot_pixels] */
};

/* Returns 0 or -ENOMEM. */
int glass_sensor_init(struct glass_sensor *sensor, uint32_t side, uint64_t seed,
                      const struct glass_sensor_settings *settings);
void glass_sensor_finish(struct glass_sensor *sensor);

/* Electrons that have to be drawn for a mean number of counts where the sensor is at its best. */
double glass_sensor_electrons(const struct glass_sensor *sensor, double counts);

/* An electron arrives at (y, x), which may lie outside; returns the counts that it makes. */
unsigned glass_sensor_hit(const struct glass_sensor *sensor, struct random_stream *stream, double y,
                          double x, uint32_t *counts);

/* Applies dead and hot pixels, when all electrons are there. */
void glass_sensor_defects(const struct glass_sensor *sensor, struct random_stream *stream,
                          uint32_t *counts);
