#pragma once

#include <stdbool.h>

#include "processing/bragg/bragg_disk.h"

/*
 * The place of a disk that its edges serve badly: they are soft (a cluster smaller than the probe),
 * masked in part, or another disk touches them. The disk's profile, as wide as the two windows say
 * that it is, is fitted to the pixels that are used. That takes some 15 microseconds for a
 * reflection, a hundred times what its edges take.
 */

#define BRAGG_PROFILES 8      /* widths that soft edges are told apart by */
#define BRAGG_PROFILE_STEPS 8 /* in a pixel */
#define BRAGG_PROFILE_REACH 16
#define BRAGG_PROFILE_POINTS (BRAGG_PROFILE_STEPS * (BRAGG_PROFILE_REACH + 2))

/* A uniform disk smeared by a normal law, as pixels, charge sharing and a small cluster do. */
struct bragg_profile {
    double wide_excess; /* counts of the wide window over those of the matched one */
    double caught;      /* part of the disk's counts that the matched window holds */
    int reach;          /* pixels no farther are fitted */
    /* By distance from the middle. */
    double at[BRAGG_PROFILE_POINTS];    /* 1: inside a sharp disk */
    double slope[BRAGG_PROFILE_POINTS]; /* in a pixel */
};

/* What the fits of one reference have in common. */
struct bragg_profile_fit {
    bool is_possible; /* else nothing else is set */
    double radius;
    double clusters; /* variance over mean of counts */
    struct bragg_profile profiles[BRAGG_PROFILES];
};

/* Of disks that are also looked for with the wide window. */
void bragg_profile_fit_init(struct bragg_profile_fit *fit, const struct bragg_disk *matched,
                            const struct bragg_disk *wide, double overdispersion);

/* The profile of which the wide window catches so many times what the matched one does. */
const struct bragg_profile *bragg_profile_of(const struct bragg_profile_fit *fit,
                                             double wide_excess);

/* Pixels round the place where a disk was found, those that are used. */
#define BRAGG_PROFILE_PIXELS 800 /* (y, x) with y^2 + x^2 <= BRAGG_PROFILE_REACH^2 */
struct bragg_profile_window {
    int n;
    int dy[BRAGG_PROFILE_PIXELS], dx[BRAGG_PROFILE_PIXELS];
    double background[BRAGG_PROFILE_PIXELS], excess[BRAGG_PROFILE_PIXELS]; /* counts */
    double speckle; /* variance of a pixel over its background that speckle adds, V B of the disk */
};

struct bragg_profile_place {
    double y, x;  /* of the disk's middle, from the window's */
    double sigma; /* of a coordinate */
};

/* Starts from *place; `counts`: about as many as the matched window has above its background.
 * false: the pixels do not tell, *place is as it was. */
bool bragg_profile_fit_place(const struct bragg_profile_fit *fit,
                             const struct bragg_profile *profile,
                             const struct bragg_profile_window *window, double counts,
                             struct bragg_profile_place *place);
