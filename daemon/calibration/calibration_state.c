#include "daemon/calibration/calibration_state.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "processing/analysis/calibration.h"

static void set_origin(struct calibration_origin *origin, const char *source)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    snprintf(origin->source, sizeof origin->source, "%s", source);
    origin->time_ns = (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

void calibration_set(struct calibration *calibration, enum calibration_item item,
                     const double *value, const double *error, const char *source)
{
    struct calibration_value *const entry = &calibration->values[item];
    *entry = (struct calibration_value){.known = true};
    memcpy(entry->value, value, sizeof entry->value);
    if (error)
        memcpy(entry->error, error, sizeof entry->error);
    set_origin(&entry->origin, source);
}

void calibration_forget(struct calibration *calibration, enum calibration_item item)
{
    calibration->values[item] = (struct calibration_value){0};
}

void calibration_set_bad_pixels(struct calibration *calibration, struct pixel_mask *mask,
                                const char *source)
{
    pixel_mask_unref(calibration->bad_pixels);
    calibration->bad_pixels = mask;
    calibration->bad_pixels_origin = (struct calibration_origin){0};
    if (mask)
        set_origin(&calibration->bad_pixels_origin, source);
}

void calibration_set_gain(struct calibration *calibration, struct mask_values *gain,
                          const char *source)
{
    mask_values_unref(calibration->gain);
    calibration->gain = gain;
    calibration->gain_origin = (struct calibration_origin){0};
    if (gain)
        set_origin(&calibration->gain_origin, source);
}

int calibration_read_gain(struct mask_values **gain, const char *path, struct error *error)
{
    struct mask_values *values;
    const int r = mask_values_read(&values, path, error);
    if (r < 0)
        return r;
    for (size_t i = 0; i < (size_t)values->height * values->width; i++) {
        if (values->values[i] >= 0)
            continue;
        error_set(
            error, -EINVAL,
            "gain file %s: the gain of pixel (y, x) = (%zu, %zu) is negative; set it to 1 and "
            "mark the pixel as bad",
            path, i / values->width, i % values->width);
        mask_values_unref(values);
        return -EINVAL;
    }
    *gain = values;
    return 0;
}

static size_t slot_of(const struct calibration *calibration, const char *kind)
{
    for (size_t i = 0; i < CALIBRATION_REFERENCES; i++) {
        const struct calibration_reference *const one = calibration->references[i];
        if (one && strcmp(one->kind, kind) == 0)
            return i;
    }
    return CALIBRATION_REFERENCES;
}

const struct calibration_reference *calibration_attached(const struct calibration *calibration,
                                                         const char *kind)
{
    const size_t i = slot_of(calibration, kind);
    return i < CALIBRATION_REFERENCES ? calibration->references[i] : NULL;
}

void calibration_detach(struct calibration *calibration, const char *kind)
{
    const size_t i = slot_of(calibration, kind);
    if (i == CALIBRATION_REFERENCES)
        return;
    calibration_reference_unref(calibration->references[i]);
    calibration->references[i] = NULL;
}

int calibration_attach(struct calibration *calibration, struct calibration_reference *reference)
{
    calibration_detach(calibration, reference->kind);
    for (size_t i = 0; i < CALIBRATION_REFERENCES; i++) {
        if (calibration->references[i])
            continue;
        calibration->references[i] = reference;
        return 0;
    }
    calibration_reference_unref(reference);
    return -ENOSPC;
}

/* ---- what follows ---- */

/* A value that follows keeps its time as long as it is the same. */
static void follow(struct calibration *calibration, enum calibration_item item, double value,
                   double error, const char *source)
{
    struct calibration_value *const entry = &calibration->values[item];
    const double pair[2] = {value}, errors[2] = {error};
    if (!isfinite(value) || value <= 0)
        calibration_forget(calibration, item);
    else if (!entry->known || entry->value[0] != value || strcmp(entry->origin.source, source) != 0)
        calibration_set(calibration, item, pair, errors, source);
}

static void derive_pixel_size(struct calibration *calibration, double wavelength)
{
    const struct calibration_value *const entry = &calibration->values[CALIBRATION_PIXEL_SIZE_K];
    const double length = calibration_number(calibration, CALIBRATION_CAMERA_LENGTH, NAN);
    if (!entry->known || strcmp(entry->origin.source, CALIBRATION_FROM_CAMERA) == 0)
        follow(calibration, CALIBRATION_PIXEL_SIZE_K,
               k_per_pixel_of_camera(length, wavelength, MERLIN_PIXEL_PITCH_UM), 0,
               CALIBRATION_FROM_CAMERA);
}

void calibration_derive(struct calibration *calibration)
{
    const struct calibration_value *const kv = &calibration->values[CALIBRATION_KV];
    const struct calibration_value *const disk = &calibration->values[CALIBRATION_DISK_RADIUS];
    const double wavelength = kv->known ? electron_wavelength(kv->value[0]) : NAN;
    follow(calibration, CALIBRATION_WAVELENGTH, wavelength, 0, kv->origin.source);
    derive_pixel_size(calibration, wavelength);
    const double k = calibration_number(calibration, CALIBRATION_PIXEL_SIZE_K, NAN);
    follow(calibration, CALIBRATION_CONVERGENCE,
           disk->known ? angle_of_radius(disk->value[0], k, wavelength) : NAN,
           angle_of_radius(disk->error[0], k, wavelength), disk->origin.source);
}

/* ---- configuration ---- */

static void set_configured(struct calibration *calibration, enum calibration_item item,
                           double number)
{
    const double value[2] = {number};
    if (!isnan(number))
        calibration_set(calibration, item, value, NULL, "configuration");
}

static int read_pixels(struct calibration *calibration, const struct calibration_settings *settings,
                       struct error *error)
{
    struct pixel_mask *mask = NULL;
    struct mask_values *gain = NULL;
    int r = settings->bad_pixels[0] ? pixel_mask_read(&mask, settings->bad_pixels, error) : 0;
    if (r < 0) {
        error_prefix(error, "calibration.bad_pixels");
        return r;
    }
    calibration_set_bad_pixels(calibration, mask, "configuration");
    r = settings->gain[0] ? calibration_read_gain(&gain, settings->gain, error) : 0;
    if (r < 0) {
        error_prefix(error, "calibration.gain");
        return r;
    }
    calibration_set_gain(calibration, gain, "configuration");
    return 0;
}

int calibration_init(struct calibration *calibration, const struct calibration_settings *settings,
                     struct error *error)
{
    *calibration = (struct calibration){.reference_age = settings->reference_age};
    set_configured(calibration, CALIBRATION_KV, settings->kv);
    set_configured(calibration, CALIBRATION_CAMERA_LENGTH, settings->camera_length);
    set_configured(calibration, CALIBRATION_PIXEL_SIZE_K, settings->pixel_size_k);
    set_configured(calibration, CALIBRATION_SCAN_STEP, settings->scan_step);
    set_configured(calibration, CALIBRATION_SCAN_ROTATION, settings->scan_rotation);
    set_configured(calibration, CALIBRATION_BEAM_CURRENT, settings->beam_current);
    calibration_derive(calibration);
    return read_pixels(calibration, settings, error);
}

/* ---- use ---- */

void calibration_complete_detector(const struct calibration *calibration,
                                   struct virtual_detector_settings *settings)
{
    if (settings->shape == VIRTUAL_DETECTOR_K_BAND && settings->pixel_size_k == 0)
        settings->pixel_size_k = calibration_number(calibration, CALIBRATION_PIXEL_SIZE_K, 0);
}

void calibration_complete_rings(const struct calibration *calibration,
                                struct radial_settings *rings)
{
    const struct calibration_value *const centre = &calibration->values[CALIBRATION_CENTRE];
    const struct calibration_value *const ellipse = &calibration->values[CALIBRATION_ELLIPSE];
    if (!rings->centre_given && centre->known) {
        rings->centre_given = true;
        rings->centre_y = centre->value[0];
        rings->centre_x = centre->value[1];
    }
    if (rings->ellipse_ratio <= 1 && ellipse->known) {
        rings->ellipse_ratio = ellipse->value[0];
        rings->ellipse_angle = ellipse->value[1];
    }
}
