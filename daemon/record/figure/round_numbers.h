#pragma once

/* 1, 2 or 5 times a power of ten: the largest that is not above `limit` (positive). */
double round_number_below(double limit);

/* Places of marks along an axis: from `first` on every `step`, n of them, about `wanted`. */
struct round_marks {
    double first, step;
    unsigned n;
};
struct round_marks round_marks_between(double low, double high, unsigned wanted);
