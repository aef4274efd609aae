#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/cpu.h"
#include "common/error.h"
#include "detector/pixel_format.h"

/*
 * Virtual detectors: a product each, so that one can be replaced while the others go on.
 *
 * Pixel (y, x) is row y, column x; (0, 0) is the centre of the first pixel and a pixel reaches half
 * a pixel to each side. Angles are azimuths in degrees from +x (columns) towards +y (rows, down the
 * picture): docs/orientation.md.
 */
struct product;

enum virtual_detector_shape {
    VIRTUAL_DETECTOR_DISK,      /* distance from the centre <= outer */
    VIRTUAL_DETECTOR_ANNULUS,   /* inner <= distance <= outer */
    VIRTUAL_DETECTOR_SECTOR,    /* of the annulus: start_angle <= azimuth < stop_angle */
    VIRTUAL_DETECTOR_SEGMENTED, /* the annulus in n_sectors equal sectors, a map each, the first one
                                   from start_angle on; four: quadrants for DPC */
    VIRTUAL_DETECTOR_RECTANGLE, /* |y - centre_y| <= height / 2 and |x - centre_x| <= width / 2 */
    VIRTUAL_DETECTOR_POINT,     /* the one pixel that the centre lies in */
    VIRTUAL_DETECTOR_K_BAND,    /* k_inner / pixel_size_k <= distance <= k_outer / pixel_size_k */
    VIRTUAL_DETECTOR_MASK,      /* a weight for each pixel, from a .npy file or from memory */
};
#define VIRTUAL_DETECTOR_SHAPES 8

/* HARD: a pixel belongs when its centre does. ANTIALIASED: it counts by the part of its area that
 * belongs, in 1/256 (16 x 16 points of each pixel at the border). */
enum virtual_detector_edge { VIRTUAL_DETECTOR_HARD, VIRTUAL_DETECTOR_ANTIALIASED };

/* SUM: sum(w n). MEAN: sum(w n) / sum(w), NaN where no pixel of the frame belongs. */
enum virtual_detector_mode { VIRTUAL_DETECTOR_SUM, VIRTUAL_DETECTOR_MEAN };

#define VIRTUAL_DETECTOR_SECTORS_MAX 64

struct mask_values;

/* `mask` is the only thing in it that is shared: whoever keeps settings keeps a reference, see
 * virtual_detector_settings_copy. A zeroed struct with a name is a disk of radius 0. */
struct virtual_detector_settings {
    char name[48]; /* letters, digits, "_" and "-" */
    enum virtual_detector_shape shape;
    double centre_y, centre_x; /* pixels; not of a mask */
    bool centre_given;   /* else the centre of the frame, ((height - 1) / 2, (width - 1) / 2) */
    double inner, outer; /* pixels */
    enum virtual_detector_edge edge;
    enum virtual_detector_mode mode;
    double start_angle, stop_angle; /* degrees; stop_angle > start_angle, at most by 360 */
    unsigned n_sectors;             /* 2 to VIRTUAL_DETECTOR_SECTORS_MAX */
    double height, width;           /* of the rectangle, pixels */
    double k_inner, k_outer;        /* nm^-1, k = 1/d */
    double pixel_size_k;            /* nm^-1 per pixel; 0: not known */
    char mask_path[1024];           /* a .npy file; "" when there is none */
    struct mask_values *mask;       /* what was in the file, or came from elsewhere; NULL: read the
                                       file when the detector is prepared */
};

/* What is known of the detector's pixels, [height][width] of the frame. Both may be NULL. */
struct detector_pixels {
    const uint8_t
        *bad; /* not 0: dead or hot. Its weight goes to its good neighbours in equal parts */
    const float *gain; /* counts are multiplied by it */
};

/*
 * One virtual detector. Maps: NAME, of a segmented detector NAME_1 .. NAME_n in the order of their
 * azimuth. Corrections are folded into the weights (processing/products/mask_corrections.h), so
 * that frames are not touched.
 *
 * A sum whose weights are whole numbers is u64 and exact (up to 2^30, and as long as the sum over a
 * frame at full scale fits 63 bits). Any other map is float64: of two exact sums of integers
 * (processing/pixels/weight_planes.h), so that it does not depend on instruction set, number of
 * threads or order either.
 *
 * -EINVAL: settings that mean nothing, a mask that does not fit the frame, or none of its pixels
 * counts; -ENOTSUP: no code for
 * such pixels; -ENOMEM; or what reading the mask's file returned. All with a sentence that names
 * the detector and the remedy, and nothing to free.
 */
int virtual_detector_prepare(struct product *product,
                             const struct virtual_detector_settings *settings,
                             const struct pixel_format *format,
                             const struct detector_pixels *pixels, enum cpu_isa isa,
                             struct error *error);

/* Maps that a detector makes: n_sectors of a segmented one, else 1. */
unsigned virtual_detector_n_maps(const struct virtual_detector_settings *settings);

/* The name of map i, at most 50 characters. */
void virtual_detector_map_name(const struct virtual_detector_settings *settings, unsigned i,
                               char *name, size_t size);

/* Whether the names of two detectors, or of maps of theirs, are the same. */
bool virtual_detectors_share_a_name(const struct virtual_detector_settings *a,
                                    const struct virtual_detector_settings *b);

/*
 * Adds to weights[n_pixels] what the pixels of a frame weigh in a map of any product: in one of a
 * virtual detector as it was made (up to a constant), in any other all pixels alike, which may all
 * matter.
 */
void virtual_detector_weights(const struct product *product, unsigned map, double *weights,
                              size_t n_pixels);

/*
 * Whether it is a segmented detector of four sectors, whose maps are the quadrants for DPC
 * (map_shift.h); then sets *azimuth to that of the first one's middle, degrees.
 */
bool virtual_detector_is_quadrants(const struct product *product, double *azimuth);

/* "disk", "annulus", "sector", "segmented", "rectangle", "point", "k_band", "mask". */
const char *virtual_detector_shape_name(enum virtual_detector_shape shape);
/* "hard", "antialiased". */
const char *virtual_detector_edge_name(enum virtual_detector_edge edge);
/* "sum", "mean". */
const char *virtual_detector_mode_name(enum virtual_detector_mode mode);

/* Another owner of the same settings: takes a reference of the mask. */
void virtual_detector_settings_copy(struct virtual_detector_settings *copy,
                                    const struct virtual_detector_settings *settings);

/* Gives back the reference of the mask. */
void virtual_detector_settings_finish(struct virtual_detector_settings *settings);

/*
 * Reads the file of a mask that has one and was not read, so that errors come when a run is planned
 * and not when it begins. Does nothing for other shapes. 0 or a negative errno with a sentence that
 * names the detector and the file.
 */
int virtual_detector_settings_load(struct virtual_detector_settings *settings, struct error *error);
