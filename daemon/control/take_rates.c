#include "daemon/control/take_rates.h"

#include <string.h>

static double rate(const json_t *rates, const char *name)
{
    const json_t *const value = json_object_get(rates, name);
    return json_is_number(value) ? json_number_value(value) : 0;
}

bool rates_take(struct error_rates *rates, bool *measured, const json_t *given)
{
    const char *const word = json_string_value(json_object_get(given, "tpr"));
    const bool measures = measured && word && strcmp(word, "measure") == 0;
    *rates = (struct error_rates){
        .false_positive = rate(given, "fpr"),
        .false_positive_error = rate(given, "fpr_error"),
        .true_positive = rate(given, "tpr"),
        .true_positive_error = rate(given, "tpr_error"),
    };
    if (measured)
        *measured = measures;
    return json_is_object(given) && rates->false_positive >= 0 &&
           (measures ? rates->false_positive < 1
                     : rates->true_positive <= 1 && rates->true_positive > rates->false_positive);
}
