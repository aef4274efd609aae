#pragma once

/* A disk's middle lies anywhere between those of windows: at so many places, equally likely, along
 * both axes. */
#define POWER_STEPS 6
#define POWER_PLACES (POWER_STEPS * POWER_STEPS)

/* Section 2.5 of the design: what can be found at all. */
struct power_question {
    double background;     /* B, counts in the disk's window */
    double overdispersion; /* F */
    double speckle;        /* V of the window */
    double share;          /* of the ring, that the window covers: the rest tells the background */
    double alpha;          /* per frame */
    double positions;      /* that are looked at */
    double parts[POWER_PLACES]; /* of a reflection's counts, what its window catches */
};

/* The least count S whose probability P(X >= S) without a reflection is below alpha / positions. */
double power_threshold(const struct power_question *question);

/* Counts of a reflection of which the part that is caught lifts the sum over the threshold with
 * this probability, over all places. */
double power_counts(const struct power_question *question, double probability);
