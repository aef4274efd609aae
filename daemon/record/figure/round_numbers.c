#include "daemon/record/figure/round_numbers.h"

#include <math.h>

/* So that 3 * 0.1 counts as 0.3. */
#define SLACK 1e-9

double round_number_below(double limit)
{
    const double power = pow(10, floor(log10(limit) + SLACK));
    const double rest = limit / power * (1 + SLACK);
    if (rest >= 5)
        return 5 * power;
    return rest >= 2 ? 2 * power : power;
}

struct round_marks round_marks_between(double low, double high, unsigned wanted)
{
    const double range = high - low;
    if (!(range > 0) || !isfinite(range))
        return (struct round_marks){low, 1, 1};
    /* The next larger of 1, 2, 5: never more marks than wanted. */
    const double step = round_number_below(range / wanted * 2.5);
    const double first = ceil(low / step - SLACK) * step;
    return (struct round_marks){first, step, (unsigned)floor((high - first) / step + SLACK) + 1};
}
