#include "daemon/opened/opened_settings.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "daemon/bragg/bragg_excluded.h"
#include "daemon/bragg/bragg_glass.h"
#include "daemon/bragg/bragg_reference_json.h"
#include "daemon/calibration/calibration_json.h"
#include "daemon/config/virtual_detector_text.h"
#include "daemon/record/hdf5_error.h"
#include "processing/pixels/mask_values.h"
#include "processing/pixels/pixel_mask.h"

/* ---- images of the detector's size ---- */

/* A dataset of [height][width] as values of a type, for free(). NULL: there is none, or of another
 * size. */
static void *read_frame(const struct opened_file *file, const char *path, hid_t type,
                        size_t value_size)
{
    const hid_t entry = file->recording.entry;
    const size_t n = (size_t)file->format.height * file->format.width;
    const hid_t dataset = file_has(entry, path) ? H5Dopen2(entry, path, H5P_DEFAULT) : -1;
    unsigned rank;
    hsize_t extent[FILE_RANK_MAX];
    void *values = NULL;
    if (dataset >= 0 && file_extent(dataset, &rank, extent) && rank == 2 &&
        extent[0] == file->format.height && extent[1] == file->format.width)
        values = malloc(n * value_size);
    if (values && H5Dread(dataset, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, values) < 0) {
        free(values);
        values = NULL;
    }
    if (dataset >= 0)
        H5Dclose(dataset);
    hdf5_error_forget();
    return values;
}

static struct pixel_mask *read_mask(const struct opened_file *file)
{
    const size_t n = (size_t)file->format.height * file->format.width;
    uint32_t *const mask =
        read_frame(file, "instrument/detector/pixel_mask", H5T_NATIVE_UINT32, sizeof *mask);
    uint8_t *const bad = mask ? malloc(n) : NULL;
    struct pixel_mask *made = NULL;
    struct error error = {0};
    for (size_t i = 0; bad && i < n; i++)
        bad[i] = mask[i] != 0;
    if (bad && pixel_mask_create(&made, bad, file->format.height, file->format.width, &error) < 0)
        log_warning("opened", "%s: the mask of bad pixels: %s", file->path, error.text);
    free(bad);
    free(mask);
    return made;
}

static struct mask_values *read_gain(const struct opened_file *file)
{
    float *const values =
        read_frame(file, "instrument/detector/flatfield", H5T_NATIVE_FLOAT, sizeof *values);
    struct mask_values *made = NULL;
    struct error error = {0};
    if (values &&
        mask_values_create(&made, values, file->format.height, file->format.width, &error) < 0)
        log_warning("opened", "%s: the gain of the pixels: %s", file->path, error.text);
    free(values);
    return made;
}

static void keep_source(struct calibration_origin *origin, const json_t *json)
{
    const char *const source = json_string_value(json_object_get(json, "source"));
    snprintf(origin->source, sizeof origin->source, "%s", source ? source : "the opened file");
}

void opened_settings_calibration(const struct opened_file *file, struct calibration *calibration)
{
    const json_t *const json = json_object_get(file->settings, "calibration");
    calibration_from_json(calibration, json);
    calibration->bad_pixels = read_mask(file);
    calibration->gain = read_gain(file);
    keep_source(&calibration->bad_pixels_origin, json_object_get(json, "bad_pixels"));
    keep_source(&calibration->gain_origin, json_object_get(json, "gain"));
}

/* ---- virtual detectors and profiles ---- */

static bool read_detector(const struct opened_file *file, json_t *json,
                          struct virtual_detector_settings *settings)
{
    struct error error = {0};
    const char *key;
    json_t *const bare = json_copy(json);
    json_object_del(bare, "mask_shape");
    char *const text = bare ? json_dumps(bare, JSON_COMPACT) : NULL;
    const bool good = text && virtual_detector_from_text(settings, text, &key, &error) == 0 &&
                      virtual_detector_settings_load(settings, &error) == 0;
    if (!good) {
        log_warning("opened", "%s: virtual detector %s is left out: %s", file->path,
                    json_string_value(json_object_get(json, "name")), error.text);
        virtual_detector_settings_finish(settings);
        *settings = (struct virtual_detector_settings){0};
    }
    free(text);
    json_decref(bare);
    return good;
}

static void forget_detectors(struct config *config)
{
    for (size_t i = 0; i < config->n_virtual_detectors; i++)
        virtual_detector_settings_finish(&config->virtual_detectors[i]);
    config->n_virtual_detectors = 0;
}

static int take_detectors(const struct opened_file *file, struct config *config)
{
    const json_t *const list = json_object_get(file->settings, "virtual_detectors");
    const size_t n = json_array_size(list);
    if (!json_is_array(list))
        return 0;
    struct virtual_detector_settings *const settings = calloc(n + 1, sizeof *settings);
    if (!settings)
        return -ENOMEM;
    forget_detectors(config);
    free(config->virtual_detectors);
    config->virtual_detectors = settings;
    for (size_t i = 0; i < n; i++)
        config->n_virtual_detectors +=
            read_detector(file, json_array_get(list, i), &settings[config->n_virtual_detectors]);
    return 0;
}

static double number_of(const json_t *json, const char *name, double unknown)
{
    const json_t *const value = json_object_get(json, name);
    return json_is_number(value) ? json_number_value(value) : unknown;
}

static void take_analysis(const json_t *json, struct analysis_settings *analysis)
{
    struct variance_settings *const variance = &analysis->variance_settings;
    struct radial_settings *const rings = &variance->rings;
    const json_t *const centre = json_object_get(json, "centre");
    if (!json_is_object(json))
        return;
    analysis->radial_profile = json_is_true(json_object_get(json, "radial_profile"));
    analysis->variance = json_is_true(json_object_get(json, "variance"));
    variance->counts_per_electron = number_of(json, "counts_per_electron", 0);
    rings->bin_width = number_of(json, "bin_width", 0);
    rings->ellipse_ratio = number_of(json, "ellipse_ratio", 0);
    rings->ellipse_angle = number_of(json, "ellipse_angle", 0);
    rings->centre_given = json_array_size(centre) == 2;
    rings->centre_y = json_number_value(json_array_get(centre, 0));
    rings->centre_x = json_number_value(json_array_get(centre, 1));
}

int opened_settings_configure(const struct opened_file *file, struct config *config)
{
    take_analysis(json_object_get(file->settings, "analysis"), &config->analysis);
    return take_detectors(file, config);
}

/* ---- Bragg reflections ---- */

/* Of the first layer, as everything about Bragg reflections. */
static void bragg_path(const struct opened_file *file, const char *name, char *path, size_t size)
{
    const char *const layer = file->recording.layers[0].name;
    snprintf(path, size, "results/%s%sbragg/%s", layer, *layer ? "/" : "", name);
}

static json_t *read_document(const struct opened_file *file, const char *name)
{
    char path[128];
    bragg_path(file, name, path, sizeof path);
    return file_read_json(file->recording.entry, path);
}

static int make_reference(const struct opened_file *file, const json_t *document,
                          struct bragg_reference **reference, struct error *error)
{
    char path[128];
    struct bragg_reference_values values;
    int r = bragg_reference_from_json(&values, document, error);
    if (r < 0)
        return r;
    bragg_path(file, "template", path, sizeof path);
    uint64_t *const sums = read_frame(file, path, H5T_NATIVE_UINT64, sizeof *sums);
    struct pixel_mask *const mask = read_mask(file);
    values.template_sums = sums;
    values.bad = mask ? mask->bad : NULL;
    r = sums ? bragg_reference_create(reference, &values, error)
             : error_set(error, -EBADMSG, "its template is missing");
    pixel_mask_unref(mask);
    free(sums);
    return r;
}

static void take_counts(const json_t *counts, struct bragg_plan *plan)
{
    const json_t *const least = json_array_get(counts, 0), *const most = json_array_get(counts, 1);
    plan->counts_min = json_is_number(least) ? json_number_value(least) : NAN;
    plan->counts_max = json_is_number(most) ? json_number_value(most) : NAN;
}

bool opened_settings_reference(const struct opened_file *file, struct bragg_plan *plan)
{
    struct bragg_reference *reference = NULL;
    struct error error = {0};
    json_t *const document = read_document(file, "reference");
    const char *const name = json_string_value(json_object_get(document, "name"));
    const char *const state = json_string_value(json_object_get(document, "state"));
    const bool there = document && make_reference(file, document, &reference, &error) == 0;
    if (document && !there)
        log_warning("opened", "%s: the reference of its Bragg reflections: %s", file->path,
                    error.text);
    if (there) {
        bragg_plan_finish(plan);
        plan->enabled = true;
        plan->reference = reference;
        plan->in_template = state && strcmp(state, "final") == 0;
        plan->settings = bragg_reference_values(reference)->settings;
        take_counts(json_object_get(document, "counts"), plan);
        snprintf(plan->reference_name, sizeof plan->reference_name, "%s", name ? name : "");
    }
    json_decref(document);
    return there;
}

void opened_settings_areas(const struct opened_file *file, struct run *run)
{
    json_t *const statistics = read_document(file, "statistics");
    const json_t *const regions = json_object_get(statistics, "excluded_regions");
    struct error error = {0};
    if (json_array_size(regions) > 0 && bragg_exclude(run, regions, &error) < 0)
        log_warning("opened", "%s: what was excluded: %s", file->path, error.text);
    error = (struct error){0};
    if (bragg_glass_take(run, json_object_get(statistics, "glass"), &error) < 0)
        log_warning("opened", "%s: what was named as glass: %s", file->path, error.text);
    json_decref(statistics);
}
