#include "daemon/control/running_config.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/acquisition/live_icom.h"
#include "daemon/calibration/calibration_json.h"
#include "daemon/config/config_save.h"
#include "daemon/results/live_detectors.h"

static void leave_out(json_t *left_out, const char *name, const char *why)
{
    json_array_append_new(left_out, json_sprintf("%s: %s", name, why));
}

/* ---- virtual detectors ---- */

static const char *why_not(const struct virtual_detector_settings *settings, size_t n)
{
    if (n == CONFIG_VIRTUAL_DETECTORS_MAX)
        return "a configuration has room for 64 virtual detectors";
    if (settings->shape == VIRTUAL_DETECTOR_MASK && !settings->mask_path[0])
        return "its weights came with a request: a configuration has them in a .npy file (mask)";
    return NULL;
}

/* The configuration does not read the masks' files: it has no references of them. */
static int take_detectors(struct config *running, const struct live_detectors *live,
                          json_t *left_out)
{
    struct virtual_detector_settings *const list = calloc(live->n ? live->n : 1, sizeof *list);
    size_t n = 0;
    if (!list)
        return -ENOMEM;
    for (size_t i = 0; i < live->n; i++) {
        const char *const why = why_not(&live->settings[i], n);
        if (why) {
            leave_out(left_out, live->settings[i].name, why);
            continue;
        }
        list[n] = live->settings[i];
        list[n++].mask = NULL;
    }
    free(running->virtual_detectors);
    running->virtual_detectors = list;
    running->n_virtual_detectors = n;
    return 0;
}

/* ---- calibration ---- */

static bool was_configured(const char *source)
{
    return strcmp(source, "configuration") == 0;
}

static void take_calibration(struct config *running, const struct calibration *calibration,
                             json_t *left_out)
{
    static const char kept[] = "known, but no key of a configuration: calibration_save or a "
                               "reference keeps it";
    const struct {
        enum calibration_item item;
        double *field; /* NULL: there is no key */
    } items[] = {
        {CALIBRATION_KV, &running->calibration.kv},
        {CALIBRATION_CAMERA_LENGTH, &running->calibration.camera_length},
        {CALIBRATION_PIXEL_SIZE_K, &running->calibration.pixel_size_k},
        {CALIBRATION_SCAN_STEP, &running->calibration.scan_step},
        {CALIBRATION_SCAN_ROTATION, &running->calibration.scan_rotation},
        {CALIBRATION_CENTRE, NULL},
        {CALIBRATION_ELLIPSE, NULL},
        {CALIBRATION_COUNTS_PER_ELECTRON, NULL},
        {CALIBRATION_DISK_RADIUS, NULL},
    };
    for (size_t i = 0; i < sizeof items / sizeof *items; i++) {
        const struct calibration_value *const value = &calibration->values[items[i].item];
        /* What follows from the camera length follows again. */
        const bool follows = strcmp(value->origin.source, CALIBRATION_FROM_CAMERA) == 0;
        if (items[i].field)
            *items[i].field = value->known && !follows ? value->value[0] : NAN;
        else if (value->known)
            leave_out(left_out, calibration_item_name(items[i].item), kept);
    }
}

static void take_pixels(struct config *running, const struct calibration *calibration,
                        json_t *left_out)
{
    if (!calibration->bad_pixels)
        running->calibration.bad_pixels[0] = '\0';
    else if (!was_configured(calibration->bad_pixels_origin.source))
        leave_out(left_out, "bad_pixels", "not in a file that is known: bad_pixels_save makes one");
    if (!calibration->gain)
        running->calibration.gain[0] = '\0';
    else if (!was_configured(calibration->gain_origin.source))
        leave_out(left_out, "gain", "not in a file that is known: gain_save makes one");
}

int running_config_init(struct config *running, const struct control_service *service,
                        json_t **left_out)
{
    const struct calibration *const calibration = acquisition_calibration(service->acquisition);
    *left_out = json_array();
    if (config_copy(running, service->config) < 0 ||
        take_detectors(running, acquisition_live_detectors(service->acquisition), *left_out) < 0) {
        config_finish(running);
        json_decref(*left_out);
        return -ENOMEM;
    }
    running->bragg = *acquisition_bragg(service->acquisition);
    running->bragg.reference = NULL; /* by its name */
    running->icom = service->icom->settings;
    take_calibration(running, calibration, *left_out);
    take_pixels(running, calibration, *left_out);
    config_mark_changes(running, service->config);
    return 0;
}
