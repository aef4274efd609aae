#pragma once

#include <math.h>
#include <stdint.h>

#include "tests/unit/processing/random_numbers.h"

/* Include after cmocka.h. Prints both numbers when they are farther apart than the tolerance, or
 * one of them is NaN. */
#define assert_near(value, expected, tolerance)                                                    \
    _assert_true(is_near(value, expected, tolerance), #value " near " #expected, __FILE__, __LINE__)

static inline int is_near(double value, double expected, double tolerance)
{
    const int near = fabs(value - expected) <= tolerance;
    if (!near)
        print_error("%.17g, expected %.17g, allowed %g: ", value, expected, tolerance);
    return near;
}
