#include "daemon/control/measuring.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "daemon/calibration_json.h"
#include "daemon/control/commands_calibration.h"
#include "processing/analysis/bad_pixels.h"
#include "processing/analysis/calibration.h"
#include "processing/analysis/probe_disk.h"

/* The vacuum reference and the detector's bad pixels, for calibration_measure. */

/* ---- the vacuum reference ---- */

/* Of all good pixels: the current is that on the whole detector. */
static double all_counts(const struct summed_pattern *pattern)
{
    double counts = 0;
    for (size_t i = 0; i < (size_t)pattern->height * pattern->width; i++)
        counts += isnan(pattern->counts[i]) ? 0 : pattern->counts[i];
    return counts;
}

/* With current and exposure also counts per electron. false: the request was refused. */
static bool take_beam(struct measuring *measuring, double value[2])
{
    struct vacuum_exposure beam = {.counts = all_counts(&measuring->pattern),
                                   .frames = (double)measuring->pattern.n_frames,
                                   .overdispersion = measuring->pattern.overdispersion};
    struct error error = {0};
    value[0] = value[1] = NAN;
    if (!calibration_take_number(measuring->request, measuring->args, "current_pa", 1e-9, 1e6,
                                 &beam.current_pa) ||
        !calibration_take_number(measuring->request, measuring->args, "current_error_pa", 0, 1e6,
                                 &beam.current_error_pa) ||
        !calibration_take_number(measuring->request, measuring->args, "exposure_s", 1e-9, 1e6,
                                 &beam.exposure_s))
        return false;
    if (beam.current_pa == 0 && beam.exposure_s == 0)
        return true;
    if (beam.current_pa == 0 || beam.exposure_s == 0) {
        request_fail(measuring->request, "bad_value",
                     beam.current_pa == 0 ? "args.current_pa" : "args.exposure_s",
                     "counts per electron need both current_pa and exposure_s");
        return false;
    }
    if (counts_per_electron(&value[0], &value[1], &beam, &error) == 0)
        return true;
    measuring_refuse(measuring->request, &error);
    return false;
}

static json_t *real_or_null(double value)
{
    return isfinite(value) ? json_real(value) : json_null();
}

static json_t *vacuum_json(const struct probe_disk *disk, const struct calibration *calibration,
                           const double per_electron[2])
{
    const double k = calibration_number(calibration, CALIBRATION_PIXEL_SIZE_K, NAN);
    const double wavelength = calibration_number(calibration, CALIBRATION_WAVELENGTH, NAN);
    json_t *const json = json_pack(
        "{s:[f, f], s:[f, f], s:f, s:f, s:o, s:f, s:f, s:f, s:f, s:f, s:f, s:f, s:f, s:f}",
        "centre", disk->centre_y, disk->centre_x, "centre_error", disk->centre_y_error,
        disk->centre_x_error, "radius_px", disk->radius, "radius_error_px", disk->radius_error,
        "radius_mrad", real_or_null(angle_of_radius(disk->radius, k, wavelength)), "axis_ratio",
        disk->axis_ratio, "axis_ratio_error", disk->axis_ratio_error, "axis_azimuth",
        disk->axis_azimuth, "edge_width_px", disk->edge_width, "edge_width_error_px",
        disk->edge_width_error, "level", disk->level, "background", disk->background, "counts",
        disk->counts, "reduced_chi2", disk->reduced_chi2);
    json_object_set_new(json, "counts_per_electron", real_or_null(per_electron[0]));
    json_object_set_new(json, "counts_per_electron_error", real_or_null(per_electron[1]));
    return json;
}

void measuring_vacuum(struct measuring *measuring)
{
    const struct summed_pattern *const pattern = &measuring->pattern;
    struct probe_disk disk;
    struct error error = {0};
    double per_electron[2];
    if (probe_disk_measure(&disk, pattern->counts, pattern->height, pattern->width,
                           pattern->overdispersion, &error) < 0) {
        measuring_refuse(measuring->request, &error);
        return;
    }
    if (!take_beam(measuring, per_electron))
        return;
    if (measuring->apply) {
        measuring_set(measuring, CALIBRATION_CENTRE, disk.centre_y, disk.centre_x,
                      disk.centre_y_error, disk.centre_x_error, "vacuum");
        measuring_set(measuring, CALIBRATION_DISK_RADIUS, disk.radius, 0, disk.radius_error, 0,
                      "vacuum");
        if (isfinite(per_electron[0]))
            measuring_set(measuring, CALIBRATION_COUNTS_PER_ELECTRON, per_electron[0], 0,
                          per_electron[1], 0, "vacuum");
    }
    measuring_succeed(measuring, "vacuum",
                      vacuum_json(&disk, &measuring->calibration, per_electron));
}

/* ---- bad pixels ---- */

/* Pixels that reached full scale in any frame: counted and listed, never masked. New reference. */
static json_t *saturated_json(const struct measuring *measuring, uint64_t *n_saturated)
{
    unsigned which;
    const struct product *const product = run_find_array(measuring->run, "maximum", &which);
    const size_t n = (size_t)measuring->pattern.height * measuring->pattern.width;
    const uint32_t depth = measuring->run->format.counter_depth;
    uint64_t *const values = malloc(n * sizeof *values);
    uint32_t *const maximum = malloc(n * sizeof *maximum);
    uint8_t *const mask = malloc(n);
    json_t *list = NULL;
    *n_saturated = 0;
    if (product && values && maximum && mask &&
        run_array(measuring->run, product, which, values) == 0) {
        for (size_t i = 0; i < n; i++)
            maximum[i] = values[i] < UINT32_MAX ? (uint32_t)values[i] : UINT32_MAX;
        *n_saturated =
            bad_pixels_saturated(mask, maximum, n, depth > 1 && depth < 32 ? (1u << depth) - 1 : 0);
        list = pixel_list_json(mask, 1, measuring->pattern.height, measuring->pattern.width);
    }
    free(values);
    free(maximum);
    free(mask);
    return list ? list : json_array();
}

static json_t *bad_json(const struct measuring *measuring, const struct bad_pixels *found,
                        const uint8_t *mask)
{
    const uint32_t height = measuring->pattern.height, width = measuring->pattern.width;
    uint64_t n_saturated = 0;
    json_t *const saturated = saturated_json(measuring, &n_saturated);
    return json_pack("{s:I, s:I, s:I, s:I, s:o, s:o, s:o}", "n_new", (json_int_t)found->n_bad,
                     "n_dead", (json_int_t)found->n_dead, "n_hot", (json_int_t)found->n_hot,
                     "n_saturated", (json_int_t)n_saturated, "dead",
                     pixel_list_json(mask, BAD_PIXEL_DEAD, height, width), "hot",
                     pixel_list_json(mask, BAD_PIXEL_HOT, height, width), "saturated", saturated);
}

/* Those found beside those that were known. */
static int apply_mask(struct measuring *measuring, const uint8_t *found, struct error *error)
{
    const struct summed_pattern *const pattern = &measuring->pattern;
    const size_t n = (size_t)pattern->height * pattern->width;
    struct pixel_mask *mask = NULL;
    char source[64];
    uint8_t *const both = malloc(n);
    if (!both)
        return error_set(error, -ENOMEM, "no memory for a mask");
    for (size_t i = 0; i < n; i++)
        both[i] = found[i] || (pattern->bad && pattern->bad[i]);
    const int r = pixel_mask_create(&mask, both, pattern->height, pattern->width, error);
    free(both);
    if (r < 0)
        return r;
    snprintf(source, sizeof source, "run %s", measuring->run->plan->id);
    calibration_set_bad_pixels(&measuring->calibration, mask, source);
    return 0;
}

void measuring_bad_pixels(struct measuring *measuring)
{
    const struct summed_pattern *const pattern = &measuring->pattern;
    const struct bad_pixel_settings settings = {
        .overdispersion = pattern->overdispersion,
        .even = json_is_true(json_object_get(measuring->args, "even")),
    };
    struct bad_pixels found = {0};
    struct error error = {0};
    uint8_t *const mask = calloc((size_t)pattern->height * pattern->width, 1);
    int r = mask ? bad_pixels_find(mask, &found, pattern->sums, NULL, pattern->n_frames,
                                   pattern->height, pattern->width, pattern->bad, &settings, &error)
                 : error_set(&error, -ENOMEM, "no memory for a mask");
    json_t *const json = mask && r == 0 ? bad_json(measuring, &found, mask) : NULL;
    if (mask && r == 0 && measuring->apply)
        r = apply_mask(measuring, mask, &error); /* pattern->bad may be gone from here on */
    if (r == 0) {
        measuring_succeed(measuring, "bad_pixels", json);
    } else {
        json_decref(json);
        measuring_refuse(measuring->request, &error);
    }
    free(mask);
}
