#pragma once

#include <math.h>
#include <stdbool.h>
#include <stdint.h>

#include "processing/bragg/bragg_settings.h"

/* Disks on the pixel grid, and speckle, whose grains are as large as they. */

#define BRAGG_REACH_MAX 32 /* floor(BRAGG_DISK_RADIUS_MAX + BRAGG_DISK_MARGIN) */

/* The window is a little wider than the disk, because the disk's middle lies between pixels. */
#define BRAGG_DISK_MARGIN 0.3

/* The pixels (dy, dx) with dy^2 + dx^2 <= (radius + BRAGG_DISK_MARGIN)^2. */
struct bragg_disk {
    double radius;
    int reach;                           /* largest |dy| and |dx| */
    int half_width[BRAGG_REACH_MAX + 1]; /* largest |dx| of row |dy|; never grows with |dy| */
    uint32_t area;                       /* pixels */
};
void bragg_disk_init(struct bragg_disk *disk, double radius);

/* By how many pixels windows are moved to find a disk's middle. Those of larger disks are moved
 * farther, since more of their counts lie in soft edges. */
#define BRAGG_LARGE_RADIUS 5
static inline int bragg_edge_distance(double radius)
{
    return radius < BRAGG_LARGE_RADIUS ? 1 : 2;
}

/* Variance of where in its pixel a disk's middle lies. */
#define BRAGG_PIXEL_VARIANCE (1. / 12)

/* F of whole clusters, where F is that of the part of them that a window holds: 2.2 for 2.0. */
static inline double bragg_whole_clusters(double overdispersion)
{
    return 1 + 1.2 * (overdispersion - 1);
}

/* Of the counts of an electron, those in the pixels on each side, along each axis. */
double bragg_disk_shared(double overdispersion);

/*
 * How many pixels a uniform disk lies off the window's middle for a slope of 1: the counts of the
 * window moved forth by bragg_edge_distance less those of it moved back, over those of the window
 * where it is. pi R_d / 4 were pixels small, 3.2 instead of 2.7 for R_d 3.4. Charge sharing of
 * overdispersion F makes the disk's edges soft.
 */
double bragg_disk_off_slope(const struct bragg_disk *disk, double overdispersion);

/* Pairs of pixels of the disk that are (dy, dx) apart. */
uint64_t bragg_disk_pairs(const struct bragg_disk *disk, int dy, int dx);

static inline double bragg_radius_at(const struct bragg_settings *settings, double y, double x)
{
    const double dy = y - settings->centre_y, dx = x - settings->centre_x;
    return sqrt(dy * dy + dx * dx);
}

static inline bool bragg_in_annulus(const struct bragg_settings *settings, double y, double x)
{
    const double radius = bragg_radius_at(settings, y, x);
    return radius >= settings->inner && radius <= settings->outer;
}

/* Area that two circles of radius a and b have in common at this distance. */
double bragg_lens_area(double a, double b, double distance);

/* Correlation of the intensities of two pixels at this distance, 1 at 0: the square of the overlap
 * of two apertures (circular complex Gaussian field). */
double bragg_speckle_correlation(double disk_radius, double distance);

/* Area over which speckle is correlated: the integral of bragg_speckle_correlation, pixels. */
double bragg_speckle_area(double disk_radius);
