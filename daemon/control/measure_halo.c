#include "daemon/control/measure_halo.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "daemon/control/commands_calibration.h"
#include "daemon/control/commands_references.h"

void measure_newest_pattern(const struct control_service *service, struct request *request,
                            const json_t *args, pattern_answer_fn answer)
{
    const struct run *const run = acquisition_run(service->acquisition);
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

static uint64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

/* The window as the request has it; 0: not there. */
static bool take_window(struct request *request, const json_t *args, struct halo_settings *settings)
{
    double centre[2];
    bool given;
    if (!calibration_take_number(request, args, "inner", 0.5, 1e5, &settings->inner) ||
        !calibration_take_number(request, args, "outer", 0.5, 1e5, &settings->outer) ||
        !calibration_take_pair(request, args, "centre", centre, &given))
        return false;
    if (given) {
        settings->centre_y = centre[0];
        settings->centre_x = centre[1];
    }
    return true;
}

static int complete_window(const struct summed_pattern *pattern,
                           const struct calibration *calibration, struct halo_settings *settings,
                           struct error *error)
{
    struct summed_pattern about = *pattern; /* borrows */
    double inner, outer;
    if (settings->inner > 0 && settings->outer > 0)
        return 0;
    about.centre_y = settings->centre_y;
    about.centre_x = settings->centre_x;
    const int r = halo_window(&about, calibration, &inner, &outer, error);
    if (r < 0)
        return r;
    settings->inner = settings->inner > 0 ? settings->inner : inner;
    settings->outer = settings->outer > 0 ? settings->outer : outer;
    return 0;
}

bool measure_halo_take(struct request *request, const json_t *args,
                       const struct halo_reference *like, const struct summed_pattern *pattern,
                       const struct calibration *calibration, const struct run *run,
                       struct halo_reference *measured)
{
    struct error error = {0};
    *measured = (struct halo_reference){
        .time_ns = now_ns(),
        .height = pattern->height,
        .width = pattern->width,
        .settings = {.centre_y = pattern->centre_y, .centre_x = pattern->centre_x},
        .camera_length = calibration_number(calibration, CALIBRATION_CAMERA_LENGTH, NAN),
    };
    snprintf(measured->run, sizeof measured->run, "%s", run->plan->id);
    if (like)
        measured->settings = like->settings;
    measured->settings.overdispersion = pattern->overdispersion;
    if (!take_window(request, args, &measured->settings))
        return false;
    int r = complete_window(pattern, calibration, &measured->settings, &error);
    if (r == 0)
        r = halo_measure(&measured->halo, &measured->settings, pattern->counts, pattern->height,
                         pattern->width, &error);
    if (r < 0)
        request_fail(request,
                     r == -ENOMEM   ? "internal"
                     : r == -EINVAL ? "bad_value"
                                    : "no_data",
                     NULL, "%s", error.text);
    return r == 0;
}

bool measure_halo_save(struct request *request, const struct control_service *service,
                       const json_t *args, const struct halo_reference *measured)
{
    struct halo_reference named = *measured;
    struct error error = {0};
    const char *name;
    if (!calibration_take_name(request, args, "save_as", &name))
        return false;
    if (!name)
        return true;
    snprintf(named.name, sizeof named.name, "%s", name);
    if (halo_references_put(acquisition_kept(service->acquisition), &named,
                            acquisition_run(service->acquisition),
                            acquisition_calibration(service->acquisition), &error) == 0) {
        references_renew(service, HALO_KIND, name);
        return true;
    }
    request_fail(request, error.code == -ENOMEM ? "internal" : "bad_value", "args.save_as", "%s",
                 error.text);
    return false;
}

static void set_k(json_t *json, const struct halo *halo, const struct calibration *calibration)
{
    const struct calibration_value *const size = &calibration->values[CALIBRATION_PIXEL_SIZE_K];
    double k, k_error;
    json_object_set_new(json, "k", json_null());
    json_object_set_new(json, "k_error", json_null());
    json_object_set_new(json, "fwhm_k", json_null());
    if (!size->known)
        return;
    halo_peak_k(halo, size->value[0], size->error[0], &k, &k_error);
    json_object_set_new(json, "k", json_real(k));
    json_object_set_new(json, "k_error", json_real(k_error));
    json_object_set_new(json, "fwhm_k", json_real(halo->width * size->value[0]));
}

json_t *measure_halo_json(const struct halo_reference *measured,
                          const struct calibration *calibration)
{
    const struct halo *const halo = &measured->halo;
    double ratio, azimuth;
    halo_ellipse(halo, &ratio, &azimuth);
    json_t *const json = json_pack(
        "{s:[f, f], s:[f, f], s:{s:f, s:f}, s:[f, f], s:[f, f], s:f, s:f, s:f, s:f, s:f, s:f, s:f, "
        "s:f, s:[f, f]}",
        "centre", halo->centre_y, halo->centre_x, "centre_error", halo->centre_y_error,
        halo->centre_x_error, "ellipse", "ratio", ratio, "angle", azimuth, "e", halo->e1, halo->e2,
        "e_error", halo->e1_error, halo->e2_error, "radius_px", halo->radius, "radius_error_px",
        halo->radius_error, "fwhm_px", halo->width, "fwhm_error_px", halo->width_error, "height",
        halo->height, "background", halo->background, "counts", halo->counts, "reduced_chi2",
        halo->reduced_chi2, "window", measured->settings.inner, measured->settings.outer);
    set_k(json, halo, calibration);
    return json;
}

json_t *halo_warnings_json(double camera_length, const struct halo_reference *reference)
{
    json_t *const list = json_array();
    if (isnan(camera_length) || isnan(reference->camera_length))
        json_array_append_new(
            list, json_string("the camera length is not known for both: the mean of e_xx and e_yy "
                              "holds only if it was the same"));
    else if (camera_length != reference->camera_length)
        json_array_append_new(list,
                              json_string("the reference was measured at another camera length: "
                                          "the mean of e_xx and e_yy means nothing"));
    return list;
}

bool halo_take_reference(const struct control_service *service, struct request *request,
                         const json_t *args, uint32_t height, uint32_t width,
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
    if (reference->height != height || reference->width != width) {
        request_fail(request, "bad_value", "args.reference",
                     "reference %s is of frames of %u x %u pixels, the newest run has %u x %u: "
                     "take another reference",
                     reference->name, reference->height, reference->width, height, width);
        return false;
    }
    return true;
}
