#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/error.h"
#include "processing/statistics/proportion.h"

/*
 * Whether reflections and a phase go together: 2 x 2 tables of counts.
 *
 *                  with reflections   without
 *   in the phase          a              b
 *   outside               c              d
 *
 * All tests take patterns as independent. Neighbouring ones are not: toroidal_shift.h has the test
 * that minds it, and what is said here is orientation beside it.
 */
struct two_by_two {
    double a, b, c, d;
};

/* Of two maps of n positions, 0, 1 and, left out, anything else. */
struct two_by_two two_by_two_of(const uint8_t *reflections, const uint8_t *phase, size_t n);

enum association_test { ASSOCIATION_FISHER, ASSOCIATION_CHI_SQUARE };

struct association {
    double odds_ratio; /* a d / (b c); INFINITY or 0 with an empty cell, NAN with an empty margin */
    /* Woolf's (1955): log odds ratio -+ z sqrt(1/a + 1/b + 1/c + 1/d); with 1/2 added to all cells
     * where one is empty (Haldane, Anscombe 1956), as the ratio in it then is too. */
    struct interval odds_ratio_interval;
    double smallest_expected;
    enum association_test test; /* Fisher's where an expected count is below 5 (Cochran 1954) */
    double p;                   /* of that test */
    double p_fisher;            /* two-sided: all tables at most as likely */
    double chi_square, p_chi_square; /* Pearson's, without Yates' correction, 1 degree of freedom;
                                        NAN with an empty margin */
};

/* -EINVAL: counts that are negative or no whole numbers, or add up to more than 1e9. With nothing
 * in a row or column: odds_ratio NAN, interval [0, INFINITY], p = 1. */
int association_of(struct association *association, const struct two_by_two *table,
                   double confidence, struct error *error);

/*
 * Cochran, Mantel and Haenszel over strata, here scans: does the association hold within scans,
 * however much these differ (Mantel and Haenszel 1959; Agresti, Categorical Data Analysis, 6.3)?
 * Common odds ratio sum(a d / n) / sum(b c / n), its interval by Robins, Breslow and Greenland
 * (1986); chi-square (sum a - sum E a)^2 / sum Var a, without correction of continuity, 1 degree of
 * freedom.
 */
struct common_association {
    size_t n_strata;   /* that have both rows and both columns, the rest says nothing */
    double odds_ratio; /* NAN: no such stratum */
    struct interval odds_ratio_interval;
    double chi_square, p;
};

int cochran_mantel_haenszel(struct common_association *common, const struct two_by_two *strata,
                            size_t n_strata, double confidence, struct error *error);
