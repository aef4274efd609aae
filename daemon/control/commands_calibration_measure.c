#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/control/commands.h"
#include "daemon/control/commands_calibration.h"
#include "daemon/control/measure_halo.h"
#include "daemon/control/measuring.h"

/* What the newest run tells of the calibration. Nothing is taken over unless `apply` says so. */

void measuring_refuse(struct request *request, const struct error *error)
{
    request_fail(request,
                 error->code == -ENOMEM   ? "internal"
                 : error->code == -EINVAL ? "bad_value"
                                          : "no_data",
                 NULL, "%s", error->text);
}

void measuring_set(struct measuring *measuring, enum calibration_item item, double first,
                   double second, double first_error, double second_error, const char *what)
{
    char source[64];
    const double value[2] = {first, second}, error[2] = {first_error, second_error};
    snprintf(source, sizeof source, "%s of run %s", what, measuring->run->plan->id);
    calibration_set(&measuring->calibration, item, value, error, source);
}

void measuring_succeed(struct measuring *measuring, const char *what, json_t *measured)
{
    if (!measured) {
        request_fail(measuring->request, "no_data", NULL,
                     "the %s could not be measured: not every result is a finite number", what);
        return;
    }
    if (measuring->apply) {
        calibration_derive(&measuring->calibration);
        acquisition_set_calibration(measuring->service->acquisition, &measuring->calibration);
    }
    json_t *const result = calibration_reply(measuring->service);
    json_object_update_new(result, json_pack("{s:s, s:s, s:I, s:b, s:o}", "what", what, "run",
                                             measuring->run->plan->id, "frames",
                                             (json_int_t)measuring->pattern.n_frames, "applied",
                                             measuring->apply, what, measured));
    request_succeed(measuring->request, result, NULL, 0);
}

/* ---- the halo ---- */

static void measure_halo(struct measuring *measuring)
{
    struct halo_reference measured;
    if (!measure_halo_take(measuring->request, measuring->args, NULL, &measuring->pattern,
                           &measuring->calibration, measuring->run, &measured) ||
        !measure_halo_save(measuring->request, measuring->service, measuring->args, &measured))
        return;
    const struct halo *const halo = &measured.halo;
    double ratio, azimuth;
    halo_ellipse(halo, &ratio, &azimuth);
    if (measuring->apply) {
        measuring_set(measuring, CALIBRATION_CENTRE, halo->centre_y, halo->centre_x,
                      halo->centre_y_error, halo->centre_x_error, "halo");
        measuring_set(measuring, CALIBRATION_ELLIPSE, ratio, azimuth, 0, 0, "halo");
    }
    measuring_succeed(measuring, "halo", measure_halo_json(&measured, &measuring->calibration));
}

/* ---- rings ---- */

/* The list d. NULL: the request was refused. */
static double *take_spacings(const struct measuring *measuring, size_t *n)
{
    const json_t *const list = json_object_get(measuring->args, "d");
    *n = json_array_size(list);
    double *const spacings = *n > 0 && *n <= RINGS_MAX ? calloc(*n, sizeof *spacings) : NULL;
    bool good = spacings;
    for (size_t i = 0; i < *n && good; i++) {
        spacings[i] = json_number_value(json_array_get(list, i));
        good = spacings[i] >= 1e-3 && spacings[i] <= 1000;
    }
    if (good)
        return spacings;
    request_fail(measuring->request, "bad_value", "args.d",
                 "d must be a list of 1 to %d d-spacings in nm, the crystal's rings from its first "
                 "on",
                 RINGS_MAX);
    free(spacings);
    return NULL;
}

static json_t *rings_json(const struct ring_calibration *rings, const double *spacings)
{
    json_t *const assigned = json_array();
    for (size_t i = 0; i < rings->n_assigned; i++) {
        const struct ring_assignment *const ring = &rings->assigned[i];
        json_array_append_new(
            assigned, json_pack("{s:f, s:f, s:f, s:f, s:b}", "d", spacings[ring->spacing],
                                "radius_px", ring->radius, "radius_error_px", ring->radius_error,
                                "residual_px", ring->residual, "blended", ring->blended));
    }
    return json_pack("{s:f, s:f, s:f, s:I, s:o}", "pixel_size_k", rings->k_per_pixel,
                     "pixel_size_k_error", rings->k_per_pixel_error, "reduced_chi2",
                     rings->reduced_chi2, "found", (json_int_t)rings->n_found, "assigned",
                     assigned);
}

static int calibrate(const struct measuring *measuring, const struct ring_settings *settings,
                     struct ring_calibration *rings, struct error *error)
{
    struct measured_profile profile;
    int r =
        measured_profile_init(&profile, &measuring->pattern, &measuring->calibration, true, error);
    if (r < 0)
        return r;
    const struct ring_profile measured = {profile.n, profile.counts, profile.areas,
                                          measuring->pattern.overdispersion};
    r = rings_calibrate(rings, &measured, settings, error);
    measured_profile_finish(&profile);
    return r;
}

static void measure_rings(struct measuring *measuring)
{
    struct ring_settings settings = {
        .nominal = calibration_number(&measuring->calibration, CALIBRATION_PIXEL_SIZE_K, 0),
        .tolerance = 0.15,
        .width = 2,
    };
    struct ring_calibration rings = {0};
    struct error error = {0};
    if (!calibration_take_number(measuring->request, measuring->args, "tolerance", 0.001, 1,
                                 &settings.tolerance) ||
        !calibration_take_number(measuring->request, measuring->args, "width", 0.5, 20,
                                 &settings.width))
        return;
    double *const spacings = take_spacings(measuring, &settings.n_spacings);
    if (!spacings)
        return;
    settings.d_spacings = spacings;
    if (calibrate(measuring, &settings, &rings, &error) < 0) {
        measuring_refuse(measuring->request, &error);
    } else {
        if (measuring->apply)
            measuring_set(measuring, CALIBRATION_PIXEL_SIZE_K, rings.k_per_pixel, 0,
                          rings.k_per_pixel_error, 0, "rings");
        measuring_succeed(measuring, "rings", rings_json(&rings, spacings));
    }
    free(spacings);
}

/* ---- the command ---- */

static const struct measurement {
    const char *name;
    void (*measure)(struct measuring *measuring);
    const char *members[5]; /* of args, besides what and apply */
} measurements[] = {
    {"halo", measure_halo, {"save_as", "inner", "outer", "centre"}},
    {"rings", measure_rings, {"d", "tolerance", "width"}},
    {"vacuum", measuring_vacuum, {"save_as", "current_pa", "current_error_pa", "exposure_s"}},
    {"bad_pixels", measuring_bad_pixels, {"even"}},
    {"gain", measuring_gain, {NULL}},
};
#define N_MEASUREMENTS (sizeof measurements / sizeof measurements[0])

static bool take_flag(struct request *request, const json_t *args, const char *name)
{
    char field[64];
    const json_t *const flag = json_object_get(args, name);
    if (!flag || json_is_boolean(flag))
        return true;
    snprintf(field, sizeof field, "args.%s", name);
    request_fail(request, "bad_value", field, "%s must be true or false", name);
    return false;
}

static bool goes_with(const struct measurement *measurement, const char *member)
{
    bool known = strcmp(member, "what") == 0 || strcmp(member, "apply") == 0;
    for (size_t i = 0; measurement->members[i]; i++)
        known = known || strcmp(member, measurement->members[i]) == 0;
    return known;
}

static bool check_members(struct request *request, json_t *args,
                          const struct measurement *measurement)
{
    char field[64];
    const char *member;
    json_t *value;
    json_object_foreach(args, member, value)
    {
        if (goes_with(measurement, member))
            continue;
        snprintf(field, sizeof field, "args.%s", member);
        request_fail(request, "bad_value", field, "%s does not go with %s", member,
                     measurement->name);
        return false;
    }
    return true;
}

void command_calibration_measure(const struct control_service *service, struct request *request,
                                 json_t *args)
{
    const char *const what = json_string_value(json_object_get(args, "what"));
    size_t i = 0;
    while (i < N_MEASUREMENTS && (!what || strcmp(what, measurements[i].name) != 0))
        i++;
    if (i == N_MEASUREMENTS) {
        request_fail(request, "bad_value", "args.what",
                     "what must be halo, rings, vacuum, bad_pixels or gain");
        return;
    }
    if (!check_members(request, args, &measurements[i]) || !take_flag(request, args, "apply") ||
        !take_flag(request, args, "even"))
        return;
    struct measuring measuring = {.service = service,
                                  .request = request,
                                  .args = args,
                                  .run = acquisition_run(service->acquisition),
                                  .apply = json_is_true(json_object_get(args, "apply"))};
    struct error error = {0};
    if (!measuring.run) {
        request_fail(request, "no_data", NULL, "nothing was measured yet: start a scan first");
        return;
    }
    acquisition_want_images(service->acquisition);
    calibration_copy(&measuring.calibration, acquisition_calibration(service->acquisition));
    if (summed_pattern_init(&measuring.pattern, measuring.run, &measuring.calibration, &error) < 0)
        measuring_refuse(request, &error);
    else
        measurements[i].measure(&measuring);
    summed_pattern_finish(&measuring.pattern);
    calibration_finish(&measuring.calibration);
}
