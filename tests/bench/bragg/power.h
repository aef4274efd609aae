#pragma once

/* Section 2.5 of the design: what can be found at all. */
struct power_question {
    double background;     /* B, counts in the disk's window */
    double overdispersion; /* F */
    double speckle;        /* V of the window */
    double share;          /* of the ring, that the window covers: the rest tells the background */
    double alpha;          /* per frame */
    double positions;      /* that are looked at */
};

/* The least count S whose probability P(X >= S) without a reflection is below alpha / positions. */
double power_threshold(const struct power_question *question);

/* Counts of a reflection that lift the sum over the threshold with this probability. */
double power_excess(const struct power_question *question, double probability);
