#include "clients/ctl/bragg_report.h"

#include <math.h>

#include "clients/ctl/bragg_names.h"
#include "clients/ctl/bragg_table.h"
#include "clients/ctl/output.h"

static double item(const json_t *array, size_t i)
{
    return number_or_nan(json_array_get(array, i));
}

/* "name  [128, 128]", "name  3.36", "name  measured" */
static void print_value(FILE *out, const char *name, const json_t *value, const char *absent)
{
    fprintf(out, "  %-22s ", name);
    if (json_is_array(value))
        fprintf(out, "[%g, %g]\n", item(value, 0), item(value, 1));
    else if (json_is_number(value))
        fprintf(out, "%g\n", json_number_value(value));
    else if (json_is_boolean(value))
        fprintf(out, "%s\n", json_is_true(value) ? "yes" : "no");
    else
        fprintf(out, "%s\n", json_is_string(value) ? json_string_value(value) : absent);
}

static void print_search(FILE *out, const json_t *settings)
{
    static const char *const members[] = {"centre", "annulus", "disk_radius", "alpha"};
    for (size_t i = 0; i < sizeof members / sizeof *members; i++)
        print_value(out, members[i], json_object_get(settings, members[i]), "not known");
}

/* ---- references ---- */

static void print_reference(FILE *out, const json_t *reference)
{
    const json_t *const overdispersion = json_object_get(reference, "overdispersion");
    const json_t *const speckle = json_object_get(reference, "speckle");
    fprintf(out, "%s  %s frames of run %s%s%s\n", member_text(reference, "name"),
            text_of_count(member_count(reference, "frames")).text, member_text(reference, "run"),
            json_object_get(reference, "saved") ? ", saved " : "",
            text_of_time(json_object_get(reference, "saved")).text);
    print_search(out, json_object_get(reference, "settings"));
    fprintf(out, "  %-22s %.3g (%s)\n", "overdispersion F", member_or_nan(overdispersion, "value"),
            member_text(overdispersion, "source"));
    double least = INFINITY, most = -INFINITY;
    size_t i;
    const json_t *v;
    json_array_foreach(json_object_get(speckle, "matched"), i, v)
    {
        least = fmin(least, number_or_nan(v));
        most = fmax(most, number_or_nan(v));
    }
    fprintf(out, "  %-22s %.3g to %.3g (%s)\n", "speckle V", least, most,
            member_text(speckle, "source"));
}

void bragg_report_references(FILE *out, const json_t *result)
{
    const json_t *const references = json_object_get(result, "references");
    size_t i;
    const json_t *reference;
    if (json_array_size(references) == 0)
        fputs("no reference is kept: merlinctl bragg measure NAME\n", out);
    json_array_foreach(references, i, reference) print_reference(out, reference);
}

void bragg_report_measured(FILE *out, const json_t *result)
{
    print_reference(out, json_object_get(result, "reference"));
}

void bragg_report_removed(FILE *out, const json_t *result)
{
    fprintf(out, "%s: removed\n", member_text(result, "removed"));
}

/* ---- settings ---- */

void bragg_report_settings(FILE *out, const json_t *result)
{
    const json_t *const settings = json_object_get(result, "settings");
    static const char *const more[] = {"contrast_min", "tile", "block"};
    print_value(out, "enabled", json_object_get(settings, "enabled"), "no");
    print_value(out, "reference", json_object_get(settings, "reference"), "none: each run learns");
    print_search(out, settings);
    print_value(out, "overdispersion", json_object_get(settings, "overdispersion"), "measured");
    print_value(out, "speckle", json_object_get(settings, "speckle"), "measured");
    print_value(out, "counts", json_object_get(settings, "counts"), "all");
    for (size_t i = 0; i < sizeof more / sizeof *more; i++)
        print_value(out, more[i], json_object_get(settings, more[i]), "not known");
    const json_t *const phase = json_object_get(settings, "phase");
    print_value(out, "phase", json_object_get(phase, "map"), "none");
    if (json_is_object(phase))
        print_value(out, "threshold", json_object_get(phase, "threshold"), "half");
}

void bragg_report_proposal(FILE *out, const json_t *result)
{
    const json_t *const settings = json_object_get(result, "settings");
    const json_t *const sources = json_object_get(result, "sources");
    static const char *const members[] = {"centre", "annulus", "disk_radius", "centre_uncertainty"};
    for (size_t i = 0; i < sizeof members / sizeof *members; i++) {
        print_value(out, members[i], json_object_get(settings, members[i]), "not known");
        if (*member_text(sources, members[i]))
            fprintf(out, "  %-22s (%s)\n", "", member_text(sources, members[i]));
    }
    bragg_table_print_warnings(out, json_object_get(result, "warnings"));
}

/* ---- can the classes be believed ---- */

void bragg_report_injection(FILE *out, const json_t *result)
{
    size_t i;
    const json_t *rate;
    fprintf(out, "  %8s %9s %9s %9s  interval at %g %%\n", "contrast", "put in", "found", "rate",
            100 * member_number(result, "confidence"));
    json_array_foreach(json_object_get(result, "rates"), i, rate)
    {
        const json_t *const interval = json_object_get(rate, "interval");
        fprintf(out, "  %8g %9s %9s %7.1f %%  %.1f to %.1f %%\n", member_number(rate, "contrast"),
                text_of_count(member_count(rate, "n")).text,
                text_of_count(member_count(rate, "found")).text, 100 * member_or_nan(rate, "tpr"),
                100 * item(interval, 0), 100 * item(interval, 1));
    }
}

void bragg_report_null_test(FILE *out, const json_t *result)
{
    const json_t *const interval = json_object_get(result, "interval");
    if (member_count(result, "n") > 0)
        fprintf(out,
                "reflections in %s of %s patterns of glass: %.2f %% (%.2f to %.2f %%), alpha %g "
                "%%\n",
                text_of_count(member_count(result, "found")).text,
                text_of_count(member_count(result, "n")).text, 100 * member_or_nan(result, "rate"),
                100 * item(interval, 0), 100 * item(interval, 1),
                100 * member_number(result, "alpha"));
    fprintf(out, "%s\n", member_text(result, "verdict"));
    if (json_is_true(json_object_get(result, "glass")))
        fputs("the run's fractions are corrected for what is found there\n", out);
}

void bragg_report_excluded(FILE *out, const json_t *result)
{
    const size_t n = json_array_size(json_object_get(result, "regions"));
    fprintf(out, "%s positions in %zu region%s are left out as no part of the film\n",
            text_of_count(member_count(result, "positions")).text, n, n == 1 ? "" : "s");
}

static void print_agreement(FILE *out, const char *what, const json_t *agreement)
{
    const json_t *const interval = json_object_get(agreement, "kappa_interval");
    fprintf(out, "%s: agreed on %.1f %% of %s patterns, kappa %.3f (%.3f to %.3f)\n", what,
            100 * member_or_nan(agreement, "observed"),
            text_of_count(member_count(agreement, "n")).text, member_or_nan(agreement, "kappa"),
            item(interval, 0), item(interval, 1));
}

void bragg_report_labels(FILE *out, const json_t *result)
{
    const json_t *const classes = json_object_get(result, "classes");
    print_agreement(out, "with reflections or none", json_object_get(result, "bragg"));
    print_agreement(out, "all classes", classes);
    fprintf(out, "  %-14s", "person \\ found");
    for (size_t i = 0; i < CLASSES_THAT_COUNT; i++)
        fprintf(out, " %10s", class_words[i]);
    fputs("\n", out);
    for (size_t i = 0; i < CLASSES_THAT_COUNT; i++) {
        const json_t *const row = json_array_get(json_object_get(classes, "confusion"), i);
        fprintf(out, "  %-14s", class_words[i]);
        for (size_t j = 0; j < CLASSES_THAT_COUNT; j++)
            fprintf(out, " %10lld", (long long)json_integer_value(json_array_get(row, j)));
        fputs("\n", out);
    }
}
