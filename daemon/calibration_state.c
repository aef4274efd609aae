#include "daemon/calibration_state.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "processing/analysis/calibration.h"

#define FROM_CAMERA "camera length"

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
    if (!entry->known || strcmp(entry->origin.source, FROM_CAMERA) == 0)
        follow(calibration, CALIBRATION_PIXEL_SIZE_K,
               k_per_pixel_of_camera(length, wavelength, MERLIN_PIXEL_PITCH_UM), 0, FROM_CAMERA);
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

int calibration_init(struct calibration *calibration, const struct calibration_settings *settings,
                     struct error *error)
{
    struct pixel_mask *mask = NULL;
    *calibration = (struct calibration){0};
    set_configured(calibration, CALIBRATION_KV, settings->kv);
    set_configured(calibration, CALIBRATION_CAMERA_LENGTH, settings->camera_length);
    set_configured(calibration, CALIBRATION_PIXEL_SIZE_K, settings->pixel_size_k);
    set_configured(calibration, CALIBRATION_SCAN_STEP, settings->scan_step);
    set_configured(calibration, CALIBRATION_SCAN_ROTATION, settings->scan_rotation);
    calibration_derive(calibration);
    if (!settings->bad_pixels[0])
        return 0;
    const int r = pixel_mask_read(&mask, settings->bad_pixels, error);
    if (r < 0) {
        error_prefix(error, "calibration.bad_pixels");
        return r;
    }
    calibration_set_bad_pixels(calibration, mask, "configuration");
    return 0;
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
