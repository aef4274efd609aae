#include "daemon/bragg/bragg_series_json.h"

#include <math.h>

#include "daemon/bragg/headline_json.h"
#include "daemon/bragg/statistics_json.h"

static json_t *flags_json(unsigned flags)
{
    json_t *const json = json_array();
    if (flags & SERIES_DOSE)
        json_array_append_new(json, json_string("dose"));
    if (flags & SERIES_THICKNESS)
        json_array_append_new(json, json_string("thickness"));
    if (flags & SERIES_DRIFT)
        json_array_append_new(json, json_string("drift"));
    return json;
}

static void set_fraction(json_t *json, const struct series_fraction *fraction)
{
    json_object_set_new(
        json, "method",
        json_string(fraction->method == SERIES_CLUSTERED ? "clustered" : "effective_size"));
    json_object_set_new(json, "interval", interval_json(fraction->interval));
    json_object_set_new(json, "design_effect", number_json(fraction->design_effect));
    json_object_set_new(
        json, "corrected",
        corrected_json(fraction->corrected_known, &fraction->corrected, &fraction->rates));
}

/* Positions with a reflection of at least a contrast, of n. */
static json_t *contrast_json(double min, uint64_t count, double n)
{
    return json_pack("{s:f, s:I, s:o}", "min", min, "count", (json_int_t)count, "fraction",
                     number_json(n > 0 ? (double)count / n : NAN));
}

static json_t *row_headline_json(const struct series_row *row, double confidence)
{
    const bool strong = row->min_contrast > 0;
    const struct series_fraction *const quoted = strong ? &row->contrast : &row->all;
    const struct headline headline = {
        .min_contrast = row->min_contrast,
        .why_any = "scans have no least contrast in common (bragg.contrast_min)",
        .count = strong ? row->contrast_count : class_counts_bragg(&row->counts),
        .fraction = quoted->fraction,
        .interval = quoted->interval,
        .design_effect = quoted->design_effect,
        .clustered = quoted->method == SERIES_CLUSTERED,
        .found = row->found,
        .alarms = strong ? row->contrast_alarms : row->alarms,
        .corrected_known = quoted->corrected_known,
        .corrected = quoted->corrected,
        .rates = quoted->rates,
    };
    return headline_json(&headline, confidence);
}

static json_t *row_contrast_json(const struct series_row *row, double confidence)
{
    if (!(row->min_contrast > 0))
        return json_null();
    json_t *const json =
        contrast_json(row->min_contrast, row->contrast_count, (double)class_counts_n(&row->counts));
    set_fraction(json, &row->contrast);
    json_object_set_new(json, "true_positive", found_rate_json(&row->found, confidence));
    json_object_set_new(json, "false_positive", false_rate_json(&row->contrast_alarms, confidence));
    return json;
}

static json_t *row_json(const struct series_row *row, double confidence)
{
    json_t *const json = class_counts_json(&row->counts, confidence);
    json_object_set_new(json, "value", json_string(row->value));
    json_object_set_new(json, "scans", json_integer((json_int_t)row->n_scans));
    set_fraction(json, &row->all);
    json_object_set_new(json, "headline", row_headline_json(row, confidence));
    json_object_set_new(json, "contrast", row_contrast_json(row, confidence));
    json_object_set_new(json, "dose", number_json(row->dose));
    json_object_set_new(json, "flags", flags_json(row->flags));
    return json;
}

static json_t *scan_contrast_json(const struct series_scan *scan, double confidence)
{
    if (!(scan->contrast.min > 0))
        return json_null();
    json_t *const json = contrast_json(scan->contrast.min, scan->contrast.count,
                                       (double)class_counts_n(&scan->counts));
    json_object_set_new(json, "interval", interval_json(scan->contrast.interval));
    json_object_set_new(json, "true_positive", found_rate_json(&scan->contrast.found, confidence));
    json_object_set_new(json, "false_positive",
                        false_rate_json(&scan->contrast.alarms, confidence));
    return json;
}

/* [[in the phase with, without], [outside with, without]]; null: no phase. */
static json_t *table_json(const struct series_scan *scan)
{
    const struct two_by_two *const t = &scan->table;
    if (!scan->has_table)
        return json_null();
    return json_pack("[[I, I], [I, I]]", (json_int_t)t->a, (json_int_t)t->b, (json_int_t)t->c,
                     (json_int_t)t->d);
}

static json_t *scan_json(const struct series_scan *scan, double confidence)
{
    const double n = (double)class_counts_n(&scan->counts);
    json_t *const json = class_counts_json(&scan->counts, confidence);
    json_object_set_new(json, "name", json_string(scan->name));
    json_object_set_new(json, "value", json_string(scan->value));
    json_object_set_new(json, "interval", interval_json(scan->interval));
    json_object_set_new(json, "design_effect", json_real(n > 0 ? n / scan->n_effective : 1));
    json_object_set_new(json, "contrast", scan_contrast_json(scan, confidence));
    json_object_set_new(json, "dose", number_json(scan->dose));
    json_object_set_new(json, "thickness", number_json(scan->thickness));
    json_object_set_new(json, "drift", number_json(scan->drift));
    json_object_set_new(json, "left_out", json_boolean(scan->left_out));
    json_object_set_new(json, "table", table_json(scan));
    json_object_set_new(json, "keep", scan->keep > 0 ? json_real(scan->keep) : json_null());
    json_object_set_new(json, "flags", flags_json(scan->flags));
    return json;
}

static json_t *phase_json(const struct common_association *phase,
                          const struct labelled_series *series)
{
    const struct toroidal_shift *const shift = &series->shift;
    if (phase->n_strata == 0)
        return json_null();
    return json_pack("{s:I, s:o, s:o, s:o, s:f, s:I, s:o, s:f, s:I}", "scans",
                     (json_int_t)phase->n_strata, "odds_ratio", number_json(phase->odds_ratio),
                     "odds_ratio_interval", interval_json(phase->odds_ratio_interval), "chi_square",
                     number_json(phase->chi_square), "p", phase->p, "scans_shifted",
                     (json_int_t)series->n_shifted, "difference",
                     number_json(series->n_shifted ? shift->difference : NAN), "p_toroidal",
                     series->n_shifted ? shift->p : 1.0, "shifts", (json_int_t)shift->n_shifts);
}

static json_t *warnings_json(const struct series_scan *scans, size_t n_scans)
{
    unsigned flags = 0;
    json_t *const warnings = json_array();
    for (size_t i = 0; i < n_scans; i++)
        flags |= scans[i].flags;
    if (flags & SERIES_DOSE)
        json_array_append_new(
            warnings,
            json_string("the dose differs by more than a tenth within the series, and "
                        "with it the smallest contrast that can be seen: compare "
                        "fractions of at least one contrast, or thin to the lowest dose"));
    if (flags & SERIES_THICKNESS)
        json_array_append_new(warnings,
                              json_string("the thickness differs by more than a tenth within the "
                                          "series: thicker film shows more clusters"));
    if (flags & SERIES_DRIFT)
        json_array_append_new(warnings,
                              json_string("in some scans the specimen moved more than half a "
                                          "step"));
    return warnings;
}

json_t *bragg_series_json(const struct series *made, const struct labelled_series *series,
                          double confidence)
{
    json_t *const rows = json_array(), *const list = json_array();
    for (size_t i = 0; i < made->n_rows; i++)
        json_array_append_new(rows, row_json(&made->rows[i], confidence));
    for (size_t i = 0; i < series->n; i++)
        json_array_append_new(list, scan_json(&series->members[i], confidence));
    return json_pack("{s:s, s:o, s:o, s:o, s:o}", "label", series->label, "rows", rows, "scans",
                     list, "phase", phase_json(&made->phase, series), "warnings",
                     warnings_json(series->members, series->n));
}
