#include "daemon/bragg/headline_json.h"

#include <stdarg.h>
#include <stdio.h>

#include "daemon/bragg/statistics_json.h"

static json_t *rate_json(const struct found_rate *rate, const char *name, double confidence)
{
    const double n = (double)rate->n, x = (double)rate->found;
    if (rate->n == 0)
        return json_null();
    return json_pack("{s:f, s:I, s:I, s:o, s:o}", "contrast", rate->contrast, "n",
                     (json_int_t)rate->n, "found", (json_int_t)rate->found, name,
                     number_json(x / n), "interval",
                     interval_json(clopper_pearson_interval(x, n, confidence)));
}

json_t *found_rate_json(const struct found_rate *found, double confidence)
{
    return rate_json(found, "tpr", confidence);
}

json_t *false_rate_json(const struct found_rate *alarms, double confidence)
{
    return rate_json(alarms, "fpr", confidence);
}

static json_t *rates_json(const struct error_rates *rates)
{
    static const char *const null_tests[] = {
        [RATE_GIVEN] = "given",
        [RATE_TESTED] = "null_test",
        [RATE_TESTED_IN_SERIES] = "null_test_of_series",
    };
    return json_pack("{s:f, s:f, s:s, s:f, s:f, s:s}", "fpr", rates->false_positive, "fpr_error",
                     rates->false_positive_error, "fpr_from",
                     null_tests[rates->false_positive_from], "tpr", rates->true_positive,
                     "tpr_error", rates->true_positive_error, "tpr_from",
                     rates->true_positive_from == RATE_GIVEN ? "given" : "injection_test");
}

json_t *corrected_json(bool known, const struct corrected_fraction *corrected,
                       const struct error_rates *rates)
{
    if (!known)
        return json_null();
    return json_pack("{s:o, s:o, s:o}", "fraction", number_json(corrected->fraction), "interval",
                     interval_json(corrected->interval), "rates", rates_json(rates));
}

/* ---- why ---- */

struct words {
    size_t n;
    char text[600];
};

__attribute__((format(printf, 2, 3))) static void say(struct words *words, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    const int n =
        vsnprintf(words->text + words->n, sizeof words->text - words->n, format, arguments);
    va_end(arguments);
    if (n > 0 && (size_t)n < sizeof words->text - words->n)
        words->n += (size_t)n;
}

static void say_alarms(struct words *words, const struct found_rate *alarms)
{
    if (alarms->n > 0)
        say(words, "of %llu patterns of named glass %.1f %% have such a one (bragg_null_test); ",
            (unsigned long long)alarms->n, 100 * (double)alarms->found / (double)alarms->n);
}

static void say_what_counts(struct words *words, const struct headline *headline)
{
    const struct found_rate *const found = &headline->found;
    if (!(headline->min_contrast > 0)) {
        say(words, "any reflection counts, for %s: the weakest that is found depends on the dose; ",
            headline->why_any);
        return;
    }
    say(words, "reflections of at least contrast %g (bragg.contrast_min) count; ",
        headline->min_contrast);
    if (found->n > 0)
        say(words, "of %llu of that contrast put into patterns %.1f %% were found; ",
            (unsigned long long)found->n, 100 * (double)found->found / (double)found->n);
    else
        say(words, "how often such are found was not measured (bragg_injection_test); ");
}

static json_t *why_json(const struct headline *headline)
{
    struct words words = {0};
    say_what_counts(&words, headline);
    say_alarms(&words, &headline->alarms);
    say(&words, "%s",
        headline->clustered ? "several scans: the interval is for how scans differ"
                            : "one scan: neighbouring patterns are alike, so that it counts as "
                              "fewer; the interval is for this scan's film, not for how films or "
                              "places differ");
    return json_string(words.text);
}

json_t *headline_json(const struct headline *headline, double confidence)
{
    const bool any = !(headline->min_contrast > 0);
    return json_pack(
        "{s:s, s:o, s:I, s:o, s:o, s:f, s:o, s:o, s:o, s:o}", "method",
        headline->clustered ? "clustered" : "effective_size", "min_contrast",
        any ? json_null() : json_real(headline->min_contrast), "count", (json_int_t)headline->count,
        "fraction", number_json(headline->fraction), "interval", interval_json(headline->interval),
        "design_effect", headline->design_effect, "true_positive",
        found_rate_json(&headline->found, confidence), "false_positive",
        false_rate_json(&headline->alarms, confidence), "corrected",
        corrected_json(headline->corrected_known, &headline->corrected, &headline->rates), "why",
        why_json(headline));
}
