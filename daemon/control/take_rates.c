#include "daemon/control/take_rates.h"

#include <string.h>

static double rate(const json_t *rates, const char *name)
{
    const json_t *const value = json_object_get(rates, name);
    return json_is_number(value) ? json_number_value(value) : 0;
}

bool rates_measures(const json_t *rates, const char *name)
{
    const char *const word = json_string_value(json_object_get(rates, name));
    return word && strcmp(word, "measure") == 0;
}

bool rates_take(struct taken_rates *taken, bool may_measure_true, const json_t *given)
{
    const struct error_rates rates = {
        .false_positive = rate(given, "fpr"),
        .false_positive_error = rate(given, "fpr_error"),
        .true_positive = rate(given, "tpr"),
        .true_positive_error = rate(given, "tpr_error"),
    };
    *taken = (struct taken_rates){
        .rates = rates,
        .measures_false = rates_measures(given, "fpr"),
        .measures_true = may_measure_true && rates_measures(given, "tpr"),
    };
    return json_is_object(given) && rates.false_positive >= 0 &&
           (taken->measures_true
                ? rates.false_positive < 1
                : rates.true_positive <= 1 && rates.true_positive > rates.false_positive);
}
