#include <errno.h>
#include <math.h>
#include <stdio.h>

#include "daemon/control/commands.h"
#include "daemon/control/commands_calibration.h"
#include "daemon/control/measure_halo.h"

/* Strain of the newest run's halo against a halo that was measured before and named. */

/* What makes the two hard to compare, sentences for a person. New reference. */
static json_t *warnings_json(const struct halo_reference *measured,
                             const struct halo_reference *reference)
{
    json_t *const list = json_array();
    if (isnan(measured->camera_length) || isnan(reference->camera_length))
        json_array_append_new(
            list, json_string("the camera length is not known for both: the mean of e_xx and e_yy "
                              "holds only if it was the same"));
    else if (measured->camera_length != reference->camera_length)
        json_array_append_new(list,
                              json_string("the reference was measured at another camera length: "
                                          "the mean of e_xx and e_yy means nothing"));
    return list;
}

static json_t *strain_json(const struct halo_strain *strain, double azimuth)
{
    return json_pack("{s:f, s:f, s:f, s:f, s:f, s:f, s:f, s:f, s:f}", "e_xx", strain->exx, "e_yy",
                     strain->eyy, "e_xy", strain->exy, "e_xx_error", strain->exx_error,
                     "e_yy_error", strain->eyy_error, "e_xy_error", strain->exy_error, "mean_error",
                     strain->mean_error, "difference_error", strain->difference_error, "azimuth",
                     azimuth);
}

/* The reference that args name. false: the request was refused. */
static bool take_reference(const struct control_service *service, struct request *request,
                           const json_t *args, const struct summed_pattern *pattern,
                           struct halo_reference *reference)
{
    const char *name;
    if (!calibration_take_name(request, args, "reference", &name))
        return false;
    if (!name || !halo_references_find(acquisition_kept(service->acquisition), name, reference)) {
        request_fail(request, name ? "no_data" : "bad_value", "args.reference",
                     "there is no reference %s: measure the unstrained halo with "
                     "calibration_measure and save_as first",
                     name ? name : "without a name");
        return false;
    }
    if (reference->height != pattern->height || reference->width != pattern->width) {
        request_fail(request, "bad_value", "args.reference",
                     "reference %s is of frames of %u x %u pixels, the newest run has %u x %u: "
                     "take another reference",
                     reference->name, reference->height, reference->width, pattern->height,
                     pattern->width);
        return false;
    }
    return true;
}

static void answer(const struct control_service *service, struct request *request,
                   const json_t *args, const struct summed_pattern *pattern, const struct run *run)
{
    const struct calibration *const calibration = acquisition_calibration(service->acquisition);
    struct halo_reference reference, measured;
    struct halo_strain strain, turned;
    double azimuth = 0;
    if (!take_reference(service, request, args, pattern, &reference) ||
        !calibration_take_number(request, args, "azimuth", -360, 360, &azimuth))
        return;
    if (!measure_halo_take(request, args, &reference, pattern, calibration, run, &measured) ||
        !measure_halo_save(request, service, args, &measured))
        return;
    halo_strain_against(&strain, &measured.halo, &reference.halo);
    halo_strain_turn(&turned, &strain, azimuth);
    request_succeed(request,
                    json_pack("{s:s, s:{s:s, s:s, s:[I, I]}, s:o, s:o, s:o}", "run", measured.run,
                              "reference", "name", reference.name, "run", reference.run, "time",
                              (json_int_t)(reference.time_ns / 1000000000),
                              (json_int_t)(reference.time_ns % 1000000000), "strain",
                              strain_json(&turned, azimuth), "halo",
                              measure_halo_json(&measured, calibration), "warnings",
                              warnings_json(&measured, &reference)),
                    NULL, 0);
}

void command_halo_strain(const struct control_service *service, struct request *request,
                         json_t *args)
{
    struct run *const run = acquisition_run(service->acquisition);
    struct summed_pattern pattern = {0};
    struct error error = {0};
    if (!run) {
        request_fail(request, "no_data", NULL, "nothing was measured yet: start a scan first");
        return;
    }
    acquisition_want_images(service->acquisition);
    if (summed_pattern_init(&pattern, run, acquisition_calibration(service->acquisition), &error) <
        0)
        request_fail(request, error.code == -ENOMEM ? "internal" : "no_data", NULL, "%s",
                     error.text);
    else
        answer(service, request, args, &pattern, run);
    summed_pattern_finish(&pattern);
}
