#include "daemon/control/commands_analysis_shift.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- the maps ---- */

/* NULL: the centre of mass is wanted. */
static const char *dpc_of(const struct analysis *analysis)
{
    return json_string_value(json_object_get(analysis->args, "dpc"));
}

static int read_maps(struct shift_values *shift, struct analysis *analysis)
{
    unsigned number;
    const json_t *const given = json_object_get(analysis->args, "dpc");
    const char *const detector = dpc_of(analysis);
    if (given && !detector)
        return analysis_refuse(analysis, "bad_value", "args.dpc",
                               "dpc must be the name of a segmented virtual detector");
    if (analysis_take_layer(analysis, &number) < 0)
        return -1;
    const int r = detector ? shift_values_init_dpc(shift, analysis->run, number, &analysis->pass,
                                                   detector, &analysis->error)
                           : shift_values_init(shift, analysis->run, number, &analysis->pass,
                                               &analysis->error);
    if (r < 0)
        return analysis_refuse_error(analysis, r,
                                     detector ? "args.dpc"
                                     : number ? "args.layer"
                                              : NULL);
    json_object_set_new(analysis->result, "layer",
                        json_string(run_layer_name(analysis->run, number)));
    json_object_set_new(analysis->result, "dpc", detector ? json_string(detector) : json_null());
    json_object_set_new(analysis->result, "measured", json_integer((json_int_t)shift->n_measured));
    return 0;
}

/* ---- descan ---- */

static const char *const model_names[] = {"constant", "plane", "parabola", "none", NULL};
enum { MODEL_NONE = 3 };

static unsigned take_terms(const json_t *list, double *terms)
{
    const size_t n = json_array_size(list);
    for (size_t i = 0; i < n && i < DESCAN_MAX_TERMS; i++) {
        if (!json_is_number(json_array_get(list, i)))
            return 0;
        terms[i] = json_number_value(json_array_get(list, i));
    }
    return n == 1 || n == 3 || n == 6 ? (unsigned)n : 0;
}

/* The fit of another run, of a vacuum scan, as its reply had it. */
static int take_given_fit(struct analysis *analysis, const json_t *given, struct descan_fit *fit)
{
    const json_t *const centre = json_object_get(given, "centre");
    *fit = (struct descan_fit){0};
    fit->n_terms = take_terms(json_object_get(given, "y"), fit->y);
    const unsigned n_x = take_terms(json_object_get(given, "x"), fit->x);
    fit->centre_y = json_number_value(json_array_get(centre, 0));
    fit->centre_x = json_number_value(json_array_get(centre, 1));
    if (fit->n_terms && fit->n_terms == n_x && json_is_number(json_array_get(centre, 0)) &&
        json_is_number(json_array_get(centre, 1)))
        return 0;
    return analysis_refuse(analysis, "bad_value", "args.descan",
                           "descan must be none, constant, plane, parabola, {reference: NAME} of a "
                           "vacuum reference, or what another reply has as descan: {centre: [y, "
                           "x], y: [terms], x: [terms]} with 1, 3 or "
                           "6 terms each");
}

json_t *descan_json(const struct descan_fit *fit, const char *model)
{
    json_t *const descan = json_pack(
        "{s:s, s:[f, f], s:o, s:o}", "model", model, "centre", fit->centre_y, fit->centre_x, "y",
        analysis_numbers(fit->y, fit->n_terms), "x", analysis_numbers(fit->x, fit->n_terms));
    if (fit->n_measured == 0)
        return descan;
    json_object_set_new(descan, "y_error", analysis_numbers(fit->y_error, fit->n_terms));
    json_object_set_new(descan, "x_error", analysis_numbers(fit->x_error, fit->n_terms));
    json_object_set_new(descan, "noise",
                        analysis_numbers((const double[]){fit->noise_y, fit->noise_x}, 2));
    json_object_set_new(descan, "used", json_integer((json_int_t)fit->n_used));
    return descan;
}

/* The descan of a vacuum reference, which has to be of a scan of this shape. */
static int take_reference_fit(struct analysis *analysis, const json_t *given,
                              struct descan_fit *fit)
{
    const char *const name = json_string_value(json_object_get(given, "reference"));
    const json_t *const descan = json_object_get(analysis->vacuum, "descan");
    const json_t *const shape = json_object_get(descan, "shape");
    const json_int_t ny = json_integer_value(json_array_get(shape, 0)),
                     nx = json_integer_value(json_array_get(shape, 1));
    if (!json_is_object(descan))
        return analysis_refuse(analysis, analysis->vacuum ? "no_data" : "bad_value", "args.descan",
                               analysis->vacuum
                                   ? "the vacuum reference %.50s has no descan: it was not "
                                     "measured in a scan"
                                   : "there is no vacuum reference %.50s: references lists them",
                               name ? name : "without a name");
    if (ny != analysis->pass.ny || nx != analysis->pass.nx)
        return analysis_refuse(analysis, "bad_value", "args.descan",
                               "the vacuum reference %.50s was measured in a scan of %lld x %lld "
                               "positions, this one has %u x %u: scan vacuum in the same way",
                               name, (long long)ny, (long long)nx, analysis->pass.ny,
                               analysis->pass.nx);
    return take_given_fit(analysis, descan, fit);
}

static int find_descan(struct shift_values *shift, struct analysis *analysis,
                       struct descan_fit *fit, const char **model)
{
    unsigned which = DESCAN_CONSTANT;
    const json_t *const given = json_object_get(analysis->args, "descan");
    *model = "given";
    if (json_object_get(given, "reference")) {
        if (dpc_of(analysis))
            return analysis_refuse(analysis, "bad_value", "args.descan",
                                   "the descan of a reference is in pixels, which DPC has not: "
                                   "take constant, plane or parabola");
        *model = "reference";
        return take_reference_fit(analysis, given, fit);
    }
    if (json_is_object(given))
        return take_given_fit(analysis, given, fit);
    if (analysis_take_word(analysis, "descan", model_names, &which) < 0)
        return -1;
    *model = model_names[which];
    if (which == MODEL_NONE) {
        if (dpc_of(analysis))
            fit->n_terms = 1; /* the middle of four quadrants is 0 */
        else
            shift_centre(fit, analysis->run);
        return 0;
    }
    const int r = descan_fit(fit, (enum descan_model)which, shift->y, shift->x, analysis->pass.ny,
                             analysis->pass.nx, &analysis->error);
    return r < 0 ? analysis_refuse_error(analysis, r, "args.descan") : 0;
}

static int take_descan_away(struct shift_values *shift, struct analysis *analysis)
{
    struct descan_fit fit = {0};
    const char *model;
    if (find_descan(shift, analysis, &fit, &model) < 0)
        return -1;
    descan_subtract(&fit, shift->y, shift->x, analysis->pass.ny, analysis->pass.nx);
    json_object_set_new(analysis->result, "descan", descan_json(&fit, model));
    return 0;
}

/* ---- rotation and flip ---- */

static bool is_auto(const json_t *value)
{
    return json_is_string(value) && strcmp(json_string_value(value), "auto") == 0;
}

/* What the request says. *found: nothing, the curl is to tell. */
static int take_transform(struct analysis *analysis, struct shift_transform *transform, bool *found)
{
    const json_t *const rotation = json_object_get(analysis->args, "rotation");
    const json_t *const flip = json_object_get(analysis->args, "flip");
    *transform = (struct shift_transform){0};
    *found = is_auto(rotation);
    if (flip && !json_is_boolean(flip) && !is_auto(flip))
        return analysis_refuse(analysis, "bad_value", "args.flip",
                               "flip must be true, false or auto");
    if (*found && json_is_boolean(flip))
        return analysis_refuse(analysis, "bad_value", "args.flip",
                               "where the rotation is auto, the flip is found with it: leave flip "
                               "out, or give the rotation too");
    if (!*found && is_auto(flip))
        return analysis_refuse(analysis, "bad_value", "args.flip",
                               "the flip is found together with the rotation only: rotation must "
                               "be auto too");
    transform->flip_y = json_is_true(flip);
    if (*found)
        return 0;
    if (rotation && !json_is_number(rotation))
        return analysis_refuse(analysis, "bad_value", "args.rotation",
                               "rotation must be an angle in degrees, or auto");
    return analysis_take_number(analysis, "rotation", -360, 360, &transform->angle);
}

static json_t *describe_transform(const struct shift_transform *transform, bool found)
{
    return json_pack("{s:f, s:b, s:b}", "rotation", transform->angle, "flip", transform->flip_y,
                     "found", found);
}

static json_t *describe_rotation(const struct shift_rotation *rotation)
{
    json_t *const described = describe_transform(&rotation->transform, true);
    const struct {
        const char *name;
        double value;
    } numbers[] = {
        {"rotation_error", rotation->angle_error},
        {"curl_rms", rotation->curl_rms},
        {"curl_rms_other_flip", rotation->curl_rms_other_flip},
        {"curl_rms_worst", rotation->curl_rms_worst},
        {"mean_divergence", rotation->mean_divergence},
        {"divergence_skewness", rotation->divergence_skewness},
    };
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        json_object_set_new(described, numbers[i].name, analysis_number(numbers[i].value));
    json_object_set_new(described, "polarity_sure", json_boolean(rotation->polarity_sure));
    json_object_set_new(described, "positions", json_integer((json_int_t)rotation->n_positions));
    return described;
}

static int turn(struct shift_values *shift, struct analysis *analysis)
{
    struct shift_transform transform;
    struct shift_rotation rotation;
    bool found;
    const struct map_pass *const pass = &analysis->pass;
    if (take_transform(analysis, &transform, &found) < 0)
        return -1;
    if (found) {
        const int r = shift_rotation_find(&rotation, shift->y, shift->x, pass->ny, pass->nx,
                                          &analysis->error);
        if (r < 0)
            return analysis_refuse_error(analysis, r, "args.rotation");
        transform = rotation.transform;
    }
    json_object_set_new(analysis->result, "transform",
                        found ? describe_rotation(&rotation)
                              : describe_transform(&transform, false));
    shift_transform_apply(&transform, shift->y, shift->x, (uint64_t)pass->ny * pass->nx);
    return 0;
}

int shift_maps_init(struct shift_values *shift, struct analysis *analysis)
{
    *shift = (struct shift_values){0};
    if (read_maps(shift, analysis) == 0 && take_descan_away(shift, analysis) == 0 &&
        turn(shift, analysis) == 0)
        return 0;
    shift_values_finish(shift);
    return -1;
}

const char *shift_maps_unit(const struct analysis *analysis)
{
    return dpc_of(analysis) ? "" : "pixels";
}
