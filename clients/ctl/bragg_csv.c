#include <math.h>
#include <string.h>

#include "clients/ctl/bragg_names.h"
#include "clients/ctl/bragg_table.h"
#include "clients/ctl/output.h"

/* Quoted where it must be. */
static void csv_text(FILE *out, const char *text)
{
    if (!strpbrk(text, ",\"\n\r")) {
        fputs(text, out);
        return;
    }
    fputc('"', out);
    for (; *text; text++) {
        if (*text == '"')
            fputc('"', out);
        fputc(*text, out);
    }
    fputc('"', out);
}

static void csv_number(FILE *out, double number)
{
    fputc(',', out);
    if (isfinite(number))
        fprintf(out, "%.6g", number);
}

/* Of strong reflections only; nothing where there is no such fraction. */
static void csv_contrast(FILE *out, const json_t *contrast)
{
    const json_t *interval = json_object_get(contrast, "interval");
    if (!interval)
        interval = json_object_get(json_object_get(contrast, "effective_size"), "interval");
    csv_number(out, member_or_nan(contrast, "min"));
    csv_number(out, member_or_nan(contrast, "fraction"));
    csv_number(out, number_or_nan(json_array_get(interval, 0)));
    csv_number(out, number_or_nan(json_array_get(interval, 1)));
    csv_number(out, member_or_nan(json_object_get(contrast, "true_positive"), "tpr"));
    const json_t *const corrected = json_object_get(contrast, "corrected");
    const json_t *const of_corrected = json_object_get(corrected, "interval");
    csv_number(out, member_or_nan(corrected, "fraction"));
    csv_number(out, number_or_nan(json_array_get(of_corrected, 0)));
    csv_number(out, number_or_nan(json_array_get(of_corrected, 1)));
}

/* `quoted` has the interval and its design effect, where there is one. */
static void csv_line(FILE *out, const char *what, const char *name, const json_t *counted,
                     const json_t *quoted, const char *method)
{
    const json_t *interval = json_object_get(quoted, "interval");
    if (!interval)
        interval = json_object_get(quoted, "wilson");
    fprintf(out, "%s,", what);
    csv_text(out, name);
    fprintf(out, ",%llu", (unsigned long long)member_count(counted, "n"));
    for (size_t i = 0; i < CLASSES_THAT_COUNT; i++)
        fprintf(out, ",%llu", (unsigned long long)member_count(counted, bragg_class_members[i]));
    csv_number(out, member_or_nan(counted, "fraction"));
    csv_number(out, number_or_nan(json_array_get(interval, 0)));
    csv_number(out, number_or_nan(json_array_get(interval, 1)));
    fprintf(out, ",%s", method);
    csv_number(out, member_or_nan(quoted, "design_effect"));
    csv_contrast(out, json_object_get(counted, "contrast"));
    fputs("\n", out);
}

static void csv_scan(FILE *out, const json_t *statistics)
{
    csv_line(out, "scan", member_text(statistics, "run"), statistics,
             json_object_get(statistics, "effective_size"), "effective_size");
}

static void csv_parts(FILE *out, const json_t *statistics)
{
    const json_t *const tiles = json_object_get(statistics, "tiles");
    const json_t *const shape = json_object_get(tiles, "shape");
    const json_int_t columns = json_integer_value(json_array_get(shape, 1));
    size_t i;
    const json_t *part;
    json_array_foreach(json_object_get(statistics, "areas"), i, part)
        csv_line(out, "area", bragg_area_name(part).text, part, part, "wilson");
    json_array_foreach(json_object_get(tiles, "tiles"), i, part)
    {
        char name[48];
        snprintf(name, sizeof name, "%lld/%lld", (long long)i / (columns > 0 ? columns : 1),
                 (long long)i % (columns > 0 ? columns : 1));
        csv_line(out, "tile", name, part, part, "wilson");
    }
}

static void csv_series(FILE *out, const json_t *series)
{
    size_t i;
    const json_t *line;
    json_array_foreach(json_object_get(series, "rows"), i, line)
        csv_line(out, "row", member_text(line, "value"), line, line, member_text(line, "method"));
    json_array_foreach(json_object_get(series, "scans"), i, line)
        csv_line(out, "series scan", member_text(line, "name"), line, line, "effective_size");
}

static void csv_names(FILE *out)
{
    fputs("what,name,n", out);
    for (size_t i = 0; i < CLASSES_THAT_COUNT; i++)
        fprintf(out, ",%s", bragg_class_members[i]);
    fputs(",fraction,low,high,interval,design_effect,min_contrast,contrast_fraction,"
          "contrast_low,contrast_high,contrast_tpr,contrast_corrected,contrast_corrected_low,"
          "contrast_corrected_high\n",
          out);
}

void bragg_table_csv_series(FILE *out, const json_t *series)
{
    csv_names(out);
    csv_series(out, series);
}

void bragg_table_csv(FILE *out, const json_t *statistics)
{
    csv_names(out);
    csv_scan(out, statistics);
    csv_parts(out, statistics);
    csv_series(out, json_object_get(statistics, "series"));
}
