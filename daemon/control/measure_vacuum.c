#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/clock.h"
#include "daemon/calibration/references.h"
#include "daemon/control/commands_analysis_shift.h"
#include "daemon/control/commands_calibration.h"
#include "daemon/control/commands_references.h"
#include "daemon/control/measuring.h"
#include "daemon/results/map_values.h"
#include "processing/analysis/calibration.h"
#include "processing/analysis/probe_disk.h"

/* The vacuum reference, for calibration_measure. */

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

/* ---- descan ---- */

/* The plane in which the pattern wanders over the scan of the run; null: it is no scan, or not
 * enough of it was measured. */
static json_t *measure_descan(const struct run *run)
{
    char name[PRODUCT_NAME_SIZE];
    struct map_pass pass;
    struct descan_fit fit = {0};
    double *y = NULL, *x = NULL;
    const char *const layer = run_layer_name(run, 0);
    json_t *json = NULL;
    if (run_scan(run)->ny < 2 || map_pass_choose(&pass, run, NULL, MAP_PASS_NEWEST, NULL) < 0)
        return json_null();
    snprintf(name, sizeof name, "%s%scom_y", layer, *layer ? "/" : "");
    int r = map_values_read(&y, run, &pass, name, NULL);
    snprintf(name, sizeof name, "%s%scom_x", layer, *layer ? "/" : "");
    r = r < 0 ? r : map_values_read(&x, run, &pass, name, NULL);
    if (r == 0 && descan_fit(&fit, DESCAN_PLANE, y, x, pass.ny, pass.nx, NULL) == 0) {
        json = descan_json(&fit, "plane");
        json_object_set_new(json, "shape",
                            json_pack("[I, I]", (json_int_t)pass.ny, (json_int_t)pass.nx));
    }
    free(y);
    free(x);
    return json ? json : json_null();
}

/* ---- keeping it ---- */

static json_t *document_of(const struct measuring *measuring, const struct probe_disk *disk,
                           json_t *measured)
{
    json_t *const document =
        reference_document(measuring->run, &measuring->calibration, clock_realtime_ns());
    json_object_set_new(document, "frames", json_integer((json_int_t)measuring->pattern.n_frames));
    json_object_set_new(document, "radius_px", json_real(disk->radius));
    /* Its own image tells the angle, whatever was calibrated before. */
    json_object_set(json_object_get(document, "settings"), "convergence_mrad",
                    json_object_get(measured, "radius_mrad"));
    json_object_set(document, "vacuum", measured);
    return document;
}

/* Keeps it under args.save_as when that is given, with the image of the probe: the counts of a
 * frame, NaN at bad pixels. false: the request was refused. */
static bool save(struct measuring *measuring, const struct probe_disk *disk, json_t *measured)
{
    const struct summed_pattern *const pattern = &measuring->pattern;
    const struct kept_array probe = {
        "probe", {NPY_F8, pattern->height, pattern->width, (const uint8_t *)pattern->counts}};
    const char *name;
    struct error error = {0};
    if (!calibration_take_name(measuring->request, measuring->args, "save_as", &name))
        return false;
    if (!name)
        return true;
    json_t *const document = measured ? document_of(measuring, disk, measured) : NULL;
    const int r = document ? kept_store_put(acquisition_kept(measuring->service->acquisition),
                                            VACUUM_KIND, name, document, &probe, 1, &error)
                           : error_set(&error, -ENOMEM, "no memory for a reference");
    json_decref(document);
    if (r == 0) {
        references_renew(measuring->service, VACUUM_KIND, name);
        return true;
    }
    request_fail(measuring->request, r == -ENOMEM ? "internal" : "bad_value", "args.save_as", "%s",
                 error.text);
    return false;
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
    json_t *const measured = vacuum_json(&disk, &measuring->calibration, per_electron);
    json_object_set_new(measured, "descan", measure_descan(measuring->run));
    if (measuring->apply) {
        measuring_set(measuring, CALIBRATION_CENTRE, disk.centre_y, disk.centre_x,
                      disk.centre_y_error, disk.centre_x_error, "vacuum");
        measuring_set(measuring, CALIBRATION_DISK_RADIUS, disk.radius, 0, disk.radius_error, 0,
                      "vacuum");
        if (isfinite(per_electron[0]))
            measuring_set(measuring, CALIBRATION_COUNTS_PER_ELECTRON, per_electron[0], 0,
                          per_electron[1], 0, "vacuum");
    }
    if (save(measuring, &disk, measured))
        measuring_succeed(measuring, "vacuum", measured);
    else
        json_decref(measured);
}
