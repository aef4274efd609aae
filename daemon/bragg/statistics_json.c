#include "daemon/bragg/statistics_json.h"

#include <math.h>

const char *const class_names[SCAN_CLASSES] = {"none", "two_beam", "three_beam", "on_axis",
                                               "multiple"};

json_t *number_json(double value)
{
    return isfinite(value) ? json_real(value) : json_null();
}

json_t *interval_json(struct interval interval)
{
    return json_pack("[o, o]", number_json(interval.low), number_json(interval.high));
}

json_t *class_counts_json(const struct class_counts *counts, double confidence)
{
    const uint64_t n = class_counts_n(counts), bragg = class_counts_bragg(counts);
    json_t *const json = json_pack("{s:I}", "n", (json_int_t)n);
    for (unsigned i = 0; i < SCAN_CLASSES; i++)
        json_object_set_new(json, class_names[i], json_integer((json_int_t)counts->of[i]));
    json_object_set_new(json, "fraction", number_json(class_counts_fraction(counts)));
    json_object_set_new(json, "wilson",
                        interval_json(wilson_interval((double)bragg, (double)n, confidence)));
    return json;
}
