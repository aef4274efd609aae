#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "common/error.h"
#include "processing/run/run.h"

/*
 * Whether the disk is large enough for a run: from the number of images, their size and how well
 * the last ones could be compressed.
 */

/* What recording has been like of late; all zero: nothing was recorded yet. */
struct disk_experience {
    uint64_t image_pixels;
    unsigned counter_depth; /* bits */
    unsigned n_layers;
    double ratio;          /* bytes of pixels over bytes in the file */
    double images_per_s;   /* received */
    double image_overhead; /* bytes of an image in the file beside its pixels */
};

/* Takes over what a run that is recorded, or was, shows. */
void disk_experience_take(struct disk_experience *experience, const struct run *run);

/* Before a run. */
struct disk_forecast {
    uint64_t n_images;   /* 0: not known */
    uint64_t bytes;      /* that it will take, 0: not known */
    uint64_t bytes_free; /* now */
    double ratio;        /* that was reckoned with */
    bool ratio_known;    /* else 1 was taken, which is too much */
    double minutes;      /* that the run will take at the rate of the last one, 0: not known */
};

/* Of `n_images` images of this counter depth (0: as lately). */
struct disk_forecast disk_forecast_make(const struct disk_experience *experience, uint64_t n_images,
                                        unsigned counter_depth, uint64_t bytes_free);

enum disk_verdict {
    DISK_SUFFICES, /* or nothing is known */
    DISK_TIGHT,    /* it may not suffice */
    DISK_SHORT,    /* it will not suffice, unless the frames are much emptier than the last ones */
};

/* What it means; of all but DISK_SUFFICES `error` has the sentence with the numbers. */
enum disk_verdict disk_forecast_judge(const struct disk_forecast *forecast, const char *directory,
                                      struct error *error);

/* While a run is recorded. NaN, and 0 of bytes_to_come: not known. */
struct disk_outlook {
    uint64_t bytes_free;
    uint64_t bytes_to_come; /* for the images that are still to come */
    double bytes_per_s;     /* into the file, of late */
    double minutes_left; /* until recording stops at this rate, shortly before the disk is full */
    bool known;          /* bytes_to_come is */
    bool suffices;
};

/* The rate of growth of a file, smoothed over some seconds. Zeroed for every run. */
struct disk_growth {
    uint64_t time_ns, bytes_written, bytes_raw; /* of the last sample */
    double written_per_s, raw_per_s;            /* 0: not known yet */
};
void disk_growth_sample(struct disk_growth *growth, struct run *run, uint64_t now_ns);

struct disk_outlook disk_outlook_of(const struct run *run, const struct disk_growth *growth,
                                    uint64_t bytes_free);

/* {bytes_free, bytes_to_come, minutes_left, suffices}, null what is not known. New reference. */
json_t *disk_outlook_json(const struct disk_outlook *outlook);
