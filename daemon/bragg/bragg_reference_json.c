#include "daemon/bragg/bragg_reference_json.h"

#include <errno.h>
#include <math.h>

/* ---- out ---- */

static json_t *number(double value)
{
    return isfinite(value) ? json_real(value) : json_null();
}

static json_t *pair(double a, double b)
{
    return json_pack("[o, o]", number(a), number(b));
}

json_t *bragg_settings_json(const struct bragg_settings *settings)
{
    return json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "centre",
                     pair(settings->centre_y, settings->centre_x), "annulus",
                     pair(settings->inner, settings->outer), "disk_radius",
                     number(settings->disk_radius), "wide_radius", number(settings->wide_radius),
                     "alpha", number(settings->alpha), "overdispersion",
                     number(settings->overdispersion), "speckle", number(settings->speckle),
                     "contrast_min", number(settings->contrast_min), "centre_uncertainty",
                     number(settings->centre_uncertainty));
}

/* Where a value came from. */
static const char *source_of(double given, bool measured)
{
    return !isnan(given) ? "given" : measured ? "measured" : "assumed";
}

static json_t *speckle_json(const struct bragg_reference_values *values)
{
    const struct bragg_settings *const settings = &values->settings;
    json_t *const radius = json_array(), *const matched = json_array(), *const wide = json_array();
    const double step = (settings->outer - settings->inner) / (BRAGG_SPECKLE_POINTS - 1);
    for (unsigned i = 0; i < BRAGG_SPECKLE_POINTS; i++) {
        json_array_append_new(radius, json_real(settings->inner + i * step));
        json_array_append_new(matched, number(values->speckle[BRAGG_MATCHED][i]));
        json_array_append_new(wide, number(values->speckle[BRAGG_WIDE][i]));
    }
    return json_pack("{s:s, s:o, s:o, s:o}", "source",
                     source_of(settings->speckle, values->speckle_measured), "radius", radius,
                     "matched", matched, "wide", wide);
}

static json_t *report_json(const struct bragg_reference *reference)
{
    struct bragg_reference_report report;
    bragg_reference_report(reference, &report);
    return json_pack("{s:[I, I], s:I, s:I, s:I, s:f}", "positions",
                     (json_int_t)report.n_positions[BRAGG_MATCHED],
                     (json_int_t)report.n_positions[BRAGG_WIDE], "pixels",
                     (json_int_t)report.n_pixels, "bad", (json_int_t)report.n_bad, "static",
                     (json_int_t)report.n_static, "counts_per_pixel", report.counts_per_pixel);
}

json_t *bragg_reference_json(const struct bragg_reference *reference)
{
    const struct bragg_reference_values *const values = bragg_reference_values(reference);
    return json_pack("{s:o, s:[I, I], s:I, s:{s:o, s:s}, s:o, s:o}", "settings",
                     bragg_settings_json(&values->settings), "shape", (json_int_t)values->height,
                     (json_int_t)values->width, "frames", (json_int_t)values->n_frames,
                     "overdispersion", "value", number(values->overdispersion), "source",
                     source_of(values->settings.overdispersion, values->overdispersion_measured),
                     "speckle", speckle_json(values), "report", report_json(reference));
}

/* ---- back ---- */

static double number_of(const json_t *json)
{
    return json_is_number(json) ? json_number_value(json) : NAN;
}

static double member(const json_t *object, const char *name)
{
    return number_of(json_object_get(object, name));
}

static double item(const json_t *object, const char *name, size_t i)
{
    return number_of(json_array_get(json_object_get(object, name), i));
}

static void read_settings(struct bragg_settings *settings, const json_t *json)
{
    *settings = (struct bragg_settings){
        .centre_y = item(json, "centre", 0),
        .centre_x = item(json, "centre", 1),
        .inner = item(json, "annulus", 0),
        .outer = item(json, "annulus", 1),
        .disk_radius = member(json, "disk_radius"),
        .wide_radius = member(json, "wide_radius"),
        .alpha = member(json, "alpha"),
        .overdispersion = member(json, "overdispersion"),
        .speckle = member(json, "speckle"),
        .contrast_min = member(json, "contrast_min"),
        .centre_uncertainty = member(json, "centre_uncertainty"),
    };
}

static bool is_measured(const json_t *object)
{
    const char *const source = json_string_value(json_object_get(object, "source"));
    return source && source[0] == 'm';
}

int bragg_reference_from_json(struct bragg_reference_values *values, const json_t *json,
                              struct error *error)
{
    const json_t *const settings = json_object_get(json, "settings");
    const json_t *const shape = json_object_get(json, "shape");
    const json_t *const overdispersion = json_object_get(json, "overdispersion");
    const json_t *const speckle = json_object_get(json, "speckle");
    *values = (struct bragg_reference_values){
        .height = (uint32_t)json_integer_value(json_array_get(shape, 0)),
        .width = (uint32_t)json_integer_value(json_array_get(shape, 1)),
        .n_frames = (uint64_t)json_integer_value(json_object_get(json, "frames")),
        .overdispersion = member(overdispersion, "value"),
        .overdispersion_measured = is_measured(overdispersion),
        .speckle_measured = is_measured(speckle),
    };
    read_settings(&values->settings, settings);
    bool whole = json_is_object(settings) && values->height > 0 && values->width > 0 &&
                 isfinite(values->overdispersion);
    for (unsigned i = 0; i < BRAGG_SPECKLE_POINTS; i++) {
        values->speckle[BRAGG_MATCHED][i] = item(speckle, "matched", i);
        values->speckle[BRAGG_WIDE][i] = item(speckle, "wide", i);
        whole = whole && isfinite(values->speckle[BRAGG_MATCHED][i]);
    }
    return whole ? 0
                 : error_set(error, -EINVAL,
                             "this is no reference of Bragg reflections: settings, shape, "
                             "overdispersion or speckle are missing");
}
