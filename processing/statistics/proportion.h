#pragma once

/*
 * How sure a fraction of counted things is. Intervals are two-sided, at the confidence given
 * (0.95: 2.5 % on either side), and hold for independent things; effective_size.h and clustered.h
 * have those of neighbouring patterns and of several scans.
 */
struct interval {
    double low, high;
};

/* Nothing is known: [0, 1]. */
extern const struct interval interval_unknown;

/*
 * Wilson's score interval (Wilson 1927; Brown, Cai, DasGupta 2001, eq. 4) of x out of n. For
 * display: on average it covers what it says. n = 0: [0, 1].
 */
struct interval wilson_interval(double x, double n, double confidence);

/* The same of a fraction p of n things that need not be whole, with another quantile than the
 * normal law's. */
struct interval wilson_interval_with(double p, double n, double quantile);

/*
 * Clopper and Pearson's (1934) of x out of n, from quantiles of the beta law. For the record: never
 * covers less than it says, also for 0 and n out of n. n = 0: [0, 1].
 */
struct interval clopper_pearson_interval(double x, double n, double confidence);

/* p + delta on the scale of log odds: logit(p) -+ quantile * error / (p (1 - p)), back. error is
 * that of p; 0 < p < 1. */
struct interval logit_interval(double p, double error, double quantile);

/* Where a rate comes from: from who asks; from a test (found_rate.h) of what it is used for, or of
 * other scans of a series. */
enum rate_source { RATE_GIVEN, RATE_TESTED, RATE_TESTED_IN_SERIES };

/* How often a classifier finds what is not there (FPR) and what is (TPR), with the standard errors
 * of both; 0 where they are taken as exact. */
struct error_rates {
    double false_positive, false_positive_error;
    double true_positive, true_positive_error;
    enum rate_source false_positive_from, true_positive_from;
};

struct corrected_fraction {
    double fraction; /* in [0, 1] */
    struct interval interval;
};

/*
 * The fraction before misclassification (Rogan and Gladen, Am. J. Epidemiol. 107, 71, 1978):
 * (observed - FPR) / (TPR - FPR), clipped to [0, 1]. The interval is the observed one through the
 * same map; where the rates have errors, each half of it is widened in quadrature by
 * sqrt((f s_TPR)^2 + ((1 - f) s_FPR)^2) / (TPR - FPR) times the normal quantile (their propagation
 * in Lang and Reiczigel, Prev. Vet. Med. 113, 13, 2014, eq. 4). NAN where TPR <= FPR: such a
 * classifier tells nothing.
 */
struct corrected_fraction rogan_gladen(double observed, struct interval interval,
                                       const struct error_rates *rates, double confidence);
