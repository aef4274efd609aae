#include "clients/ctl/bragg_table.h"

#include <math.h>
#include <string.h>

#include "clients/ctl/bragg_names.h"
#include "clients/ctl/output.h"

/* "12.3 %", "-" */
static struct text text_of_percent(double fraction)
{
    struct text text = {"-"};
    if (isfinite(fraction))
        snprintf(text.text, sizeof text.text, "%.1f %%", 100 * fraction);
    return text;
}

/* "12.3 to 45.6 %", "-" */
static struct text text_of_interval(const json_t *interval)
{
    struct text text = {"-"};
    const double low = number_or_nan(json_array_get(interval, 0)),
                 high = number_or_nan(json_array_get(interval, 1));
    if (isfinite(low) && isfinite(high))
        snprintf(text.text, sizeof text.text, "%.1f to %.1f %%", 100 * low, 100 * high);
    return text;
}

/* "0.023", "2e-07": two figures that matter. */
static struct text text_of_probability(double p)
{
    struct text text = {"-"};
    if (isfinite(p))
        snprintf(text.text, sizeof text.text, p >= 0.001 ? "%.3f" : "%.1e", p);
    return text;
}

static uint64_t bragg_of(const json_t *counted)
{
    return member_count(counted, "n") - member_count(counted, "none");
}

static void print_classes(FILE *out, const json_t *statistics)
{
    const double n = member_number(statistics, "n");
    fprintf(out, "  %-22s %9s %9s\n", "class", "patterns", "fraction");
    for (size_t i = 0; i < CLASSES_THAT_COUNT; i++) {
        const uint64_t count = member_count(statistics, bragg_class_members[i]);
        fprintf(out, "  %-22s %9s %9s\n", class_words[i], text_of_count(count).text,
                text_of_percent((double)count / n).text);
    }
    fprintf(out, "  %-22s %9s %9s\n", "with reflections", text_of_count(bragg_of(statistics)).text,
            text_of_percent(member_or_nan(statistics, "fraction")).text);
    static const struct {
        const char *member, *words;
    } apart[] = {{"excluded", "excluded"}, {"not_analysed", "not analysed"}};
    for (size_t i = 0; i < 2; i++)
        if (member_count(statistics, apart[i].member) > 0)
            fprintf(out, "  %-22s %9s\n", apart[i].words,
                    text_of_count(member_count(statistics, apart[i].member)).text);
}

static void print_interval(FILE *out, const char *name, const json_t *interval, const char *remark)
{
    fprintf(out, "  %-22s %-18s %s\n", name, text_of_interval(interval).text, remark);
}

static void print_intervals(FILE *out, const json_t *statistics)
{
    const json_t *const effective = json_object_get(statistics, "effective_size");
    const json_t *const bootstrap = json_object_get(statistics, "block_bootstrap");
    char remark[80];
    fprintf(out, "intervals of the fraction with any, at %g %%\n",
            100 * member_number(statistics, "confidence"));
    snprintf(remark, sizeof remark, "as %.0f independent patterns (design effect %.1f)",
             member_number(effective, "n_effective"), member_number(effective, "design_effect"));
    print_interval(out, "effective size", json_object_get(effective, "interval"), remark);
    if (json_is_object(bootstrap)) {
        snprintf(remark, sizeof remark, "blocks of %llu; too narrow on small maps",
                 (unsigned long long)member_count(bootstrap, "block"));
        print_interval(out, "block bootstrap", json_object_get(bootstrap, "interval"), remark);
    }
    static const char *const independent = "as if patterns were independent";
    print_interval(out, "Wilson", json_object_get(statistics, "wilson"), independent);
    print_interval(out, "Clopper-Pearson", json_object_get(statistics, "clopper_pearson"),
                   independent);
}

static void print_corrected(FILE *out, const char *name, const json_t *corrected)
{
    if (!json_is_object(corrected))
        return;
    const json_t *const rates = json_object_get(corrected, "rates");
    const bool tested = strcmp(member_text(rates, "fpr_from"), "null_test") == 0;
    fprintf(out, "  %-22s %s (%s), for a false positive rate of %s%s and a true one of %s\n", name,
            text_of_percent(member_or_nan(corrected, "fraction")).text,
            text_of_interval(json_object_get(corrected, "interval")).text,
            text_of_percent(member_or_nan(rates, "fpr")).text, tested ? " (null test)" : "",
            text_of_percent(member_or_nan(rates, "tpr")).text);
}

/* "of contrast at least 2", "of any contrast" */
static struct text text_of_what_counts(const json_t *headline)
{
    struct text text = {"of any contrast"};
    const double least = member_or_nan(headline, "min_contrast");
    if (isfinite(least))
        snprintf(text.text, sizeof text.text, "of contrast at least %g", least);
    return text;
}

/* A rate that was tested on n patterns; `of`: on what. */
static void print_tested(FILE *out, const char *name, const json_t *tested, const char *member,
                         const char *of)
{
    fprintf(out, "  %-22s %s (%s), %s of %s %s\n", name,
            text_of_percent(member_or_nan(tested, member)).text,
            text_of_interval(json_object_get(tested, "interval")).text,
            text_of_count(member_count(tested, "found")).text,
            text_of_count(member_count(tested, "n")).text, of);
}

/* How often what the headline counts is found, and the fraction corrected for that. */
static void print_found(FILE *out, const json_t *headline)
{
    const json_t *const found = json_object_get(headline, "true_positive");
    if (json_is_object(found))
        print_tested(out, "found of such", found, "tpr", "put into patterns");
    else
        fprintf(out, "  %-22s not measured\n", "found of such");
    const json_t *const alarms = json_object_get(headline, "false_positive");
    if (json_is_object(alarms))
        print_tested(out, "false alarms of such", alarms, "fpr", "patterns of glass");
    print_corrected(out, "corrected", json_object_get(headline, "corrected"));
}

/* "3.5 (1.9 to 6.3)" */
static void print_odds_ratio(FILE *out, const json_t *test)
{
    const json_t *const interval = json_object_get(test, "odds_ratio_interval");
    fprintf(out, "  %-22s %.3g (%.3g to %.3g)\n", "odds ratio", member_or_nan(test, "odds_ratio"),
            number_or_nan(json_array_get(interval, 0)), number_or_nan(json_array_get(interval, 1)));
}

static void print_phase(FILE *out, const json_t *phase)
{
    if (!json_is_object(phase))
        return;
    const json_t *const table = json_object_get(phase, "table");
    static const char *const rows[] = {"in the phase", "outside"};
    static const char *const fractions[] = {"fraction_in", "fraction_outside"};
    fprintf(out, "reflections and phase%s%s\n", *member_text(phase, "name") ? ": " : "",
            member_text(phase, "name"));
    fprintf(out, "  %-22s %9s %9s %9s\n", "", "with", "without", "fraction");
    for (size_t i = 0; i < 2; i++) {
        const json_t *const row = json_array_get(table, i);
        fprintf(out, "  %-22s %9lld %9lld %9s\n", rows[i],
                (long long)json_integer_value(json_array_get(row, 0)),
                (long long)json_integer_value(json_array_get(row, 1)),
                text_of_percent(member_or_nan(phase, fractions[i])).text);
    }
    print_odds_ratio(out, phase);
    fprintf(out, "  %-22s p = %s, of %s shifts\n", "toroidal shifts",
            text_of_probability(member_or_nan(phase, "p_toroidal")).text,
            text_of_count(member_count(phase, "shifts")).text);
    fprintf(out, "  %-22s p = %s, as if patterns were independent\n",
            strcmp(member_text(phase, "test"), "fisher") == 0 ? "Fisher's exact test"
                                                              : "chi-square",
            text_of_probability(member_or_nan(phase, "p")).text);
}

/* Heading and line of a table of parts of a scan or of a series. */
static void print_heading(FILE *out, const char *what)
{
    fprintf(out, "%-12s", what);
    fprintf(out, " %8s", "patterns");
    for (size_t i = 0; i < CLASSES_THAT_COUNT; i++)
        fprintf(out, " %10s", class_words[i]);
    fprintf(out, " %9s  %s\n", "fraction", "interval");
}

static void print_counted(FILE *out, const char *name, const json_t *counted,
                          const json_t *interval)
{
    fprintf(out, "%-12s %8s", name, text_of_count(member_count(counted, "n")).text);
    for (size_t i = 0; i < CLASSES_THAT_COUNT; i++)
        fprintf(out, " %10s", text_of_count(member_count(counted, bragg_class_members[i])).text);
    fprintf(out, " %9s  %s", text_of_percent(member_or_nan(counted, "fraction")).text,
            text_of_interval(interval).text);
}

static void print_areas(FILE *out, const json_t *areas)
{
    size_t i;
    const json_t *area;
    if (json_array_size(areas) > 0)
        print_heading(out, "area");
    json_array_foreach(areas, i, area)
    {
        print_counted(out, bragg_area_name(area).text, area, json_object_get(area, "wilson"));
        fprintf(out, "\n");
    }
}

/* How the tiles differ: a row of numbers for each would fill the screen. */
static void print_tiles(FILE *out, const json_t *tiles)
{
    double lowest = INFINITY, highest = -INFINITY;
    size_t i;
    const json_t *tile;
    json_array_foreach(json_object_get(tiles, "tiles"), i, tile)
    {
        lowest = fmin(lowest, member_or_nan(tile, "fraction"));
        highest = fmax(highest, member_or_nan(tile, "fraction"));
    }
    if (i < 2 || lowest > highest)
        return;
    const json_t *const size = json_object_get(tiles, "size");
    fprintf(out, "  %-22s %zu of %lld x %lld positions, fractions from %s to %s\n", "tiles", i,
            (long long)json_integer_value(json_array_get(size, 0)),
            (long long)json_integer_value(json_array_get(size, 1)), text_of_percent(lowest).text,
            text_of_percent(highest).text);
}

static void print_crystals(FILE *out, const json_t *crystals)
{
    size_t i;
    const json_t *phase;
    if (!json_is_object(crystals))
        return;
    json_array_foreach(json_object_get(crystals, "phases"), i, phase)
        fprintf(out, "  %-22s %s reflections\n", member_text(phase, "name"),
                text_of_count(member_count(phase, "n")).text);
    fprintf(out, "  %-22s %s, and %s that fit more than one\n", "no known phase",
            text_of_count(member_count(crystals, "none")).text,
            text_of_count(member_count(crystals, "ambiguous")).text);
}

static void print_reflections(FILE *out, const json_t *reflections)
{
    if (!json_is_object(reflections))
        return;
    const json_t *const domains = json_object_get(reflections, "domains");
    fprintf(out, "  %-22s %s\n", "reflections", text_of_count(member_count(reflections, "n")).text);
    print_crystals(out, json_object_get(reflections, "crystals"));
    fprintf(out, "  %-22s %s, of %.1f positions on average\n", "domains",
            text_of_count(member_count(domains, "n")).text, member_or_nan(domains, "mean_area"));
    const size_t texture = json_array_size(json_object_get(reflections, "texture"));
    if (texture > 0)
        fprintf(out, "  %-22s %zu stay put over the scan\n", "texture", texture);
}

static void print_flags(FILE *out, const json_t *flags)
{
    if (json_array_size(flags) > 0) {
        fprintf(out, "  ! ");
        output_names(out, flags);
    }
    fprintf(out, "\n");
}

static void print_rows(FILE *out, const json_t *series)
{
    size_t i;
    const json_t *row;
    print_heading(out, member_text(series, "label"));
    json_array_foreach(json_object_get(series, "rows"), i, row)
    {
        print_counted(out, member_text(row, "value"), row, json_object_get(row, "interval"));
        const unsigned long long scans = member_count(row, "scans");
        fprintf(out, ", %llu scan%s", scans, scans == 1 ? "" : "s");
        print_flags(out, json_object_get(row, "flags"));
    }
}

/* What to quote of each row: strong reflections only, which the dose does not decide. */
static void print_row_headlines(FILE *out, const json_t *series)
{
    size_t i;
    const json_t *row;
    json_array_foreach(json_object_get(series, "rows"), i, row)
    {
        const json_t *const headline = json_object_get(row, "headline");
        const json_t *const found = json_object_get(headline, "true_positive");
        const json_t *const corrected = json_object_get(headline, "corrected");
        fprintf(out, "%-12s %8s %-30s %10s  %s", member_text(row, "value"),
                text_of_count(member_count(headline, "count")).text,
                text_of_what_counts(headline).text,
                text_of_percent(member_or_nan(headline, "fraction")).text,
                text_of_interval(json_object_get(headline, "interval")).text);
        if (json_is_object(found))
            fprintf(out, ", found %s", text_of_percent(member_or_nan(found, "tpr")).text);
        if (json_is_object(corrected))
            fprintf(out, ", corrected %s (%s)",
                    text_of_percent(member_or_nan(corrected, "fraction")).text,
                    text_of_interval(json_object_get(corrected, "interval")).text);
        fputs("\n", out);
    }
}

static void print_series_phase(FILE *out, const json_t *phase)
{
    if (!json_is_object(phase))
        return;
    fprintf(out, "reflections and phase within %llu scans (Cochran, Mantel, Haenszel)\n",
            (unsigned long long)member_count(phase, "scans"));
    print_odds_ratio(out, phase);
    if (member_count(phase, "shifts") > 0)
        fprintf(out, "  %-22s p = %s, of %s draws over %llu scans\n", "toroidal shifts",
                text_of_probability(member_or_nan(phase, "p_toroidal")).text,
                text_of_count(member_count(phase, "shifts")).text,
                (unsigned long long)member_count(phase, "scans_shifted"));
    fprintf(out, "  %-22s p = %s, as if patterns were independent\n", "chi-square",
            text_of_probability(member_or_nan(phase, "p")).text);
}

void bragg_table_print_warnings(FILE *out, const json_t *warnings)
{
    size_t i;
    const json_t *warning;
    json_array_foreach(warnings, i, warning)
        fprintf(out, "warning: %s\n", json_is_string(warning) ? json_string_value(warning) : "?");
}

void bragg_table_print_series(FILE *out, const json_t *series)
{
    if (!json_is_object(series))
        return;
    print_rows(out, series);
    print_row_headlines(out, series);
    print_series_phase(out, json_object_get(series, "phase"));
    bragg_table_print_warnings(out, json_object_get(series, "warnings"));
}

void bragg_table_print(FILE *out, const json_t *statistics)
{
    const json_t *const headline = json_object_get(statistics, "headline");
    fprintf(out, "Bragg reflections %s in %s of %s patterns: %s (%s)%s\n",
            text_of_what_counts(headline).text, text_of_count(member_count(headline, "count")).text,
            text_of_count(member_count(statistics, "n")).text,
            text_of_percent(member_or_nan(headline, "fraction")).text,
            text_of_interval(json_object_get(headline, "interval")).text,
            json_is_true(json_object_get(statistics, "provisional")) ? ", provisional" : "");
    print_found(out, headline);
    print_classes(out, statistics);
    print_intervals(out, statistics);
    print_corrected(out, "of any, corrected", json_object_get(statistics, "corrected"));
    print_tiles(out, json_object_get(statistics, "tiles"));
    print_reflections(out, json_object_get(statistics, "reflections"));
    print_phase(out, json_object_get(statistics, "phase"));
    print_areas(out, json_object_get(statistics, "areas"));
    bragg_table_print_warnings(out, json_object_get(statistics, "warnings"));
    bragg_table_print_series(out, json_object_get(statistics, "series"));
}
