#include "daemon/calibration/halo_references.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>

#include "common/clock.h"
#include "daemon/calibration/references.h"

/* The numbers of a document; all are double. */
static const struct {
    const char *name;
    size_t offset;
} fields[] = {
    {"window_centre_y", offsetof(struct halo_reference, settings.centre_y)},
    {"window_centre_x", offsetof(struct halo_reference, settings.centre_x)},
    {"window_inner", offsetof(struct halo_reference, settings.inner)},
    {"window_outer", offsetof(struct halo_reference, settings.outer)},
    {"overdispersion", offsetof(struct halo_reference, settings.overdispersion)},
    {"minimum_counts", offsetof(struct halo_reference, settings.minimum_counts)},
    {"centre_y", offsetof(struct halo_reference, halo.centre_y)},
    {"centre_x", offsetof(struct halo_reference, halo.centre_x)},
    {"centre_y_error", offsetof(struct halo_reference, halo.centre_y_error)},
    {"centre_x_error", offsetof(struct halo_reference, halo.centre_x_error)},
    {"e1", offsetof(struct halo_reference, halo.e1)},
    {"e2", offsetof(struct halo_reference, halo.e2)},
    {"e1_error", offsetof(struct halo_reference, halo.e1_error)},
    {"e2_error", offsetof(struct halo_reference, halo.e2_error)},
    {"radius_px", offsetof(struct halo_reference, halo.radius)},
    {"radius_error_px", offsetof(struct halo_reference, halo.radius_error)},
    {"fwhm_px", offsetof(struct halo_reference, halo.width)},
    {"fwhm_error_px", offsetof(struct halo_reference, halo.width_error)},
    {"height", offsetof(struct halo_reference, halo.height)},
    {"background", offsetof(struct halo_reference, halo.background)},
    {"counts", offsetof(struct halo_reference, halo.counts)},
    {"reduced_chi2", offsetof(struct halo_reference, halo.reduced_chi2)},
};
#define N_FIELDS (sizeof fields / sizeof *fields)

bool halo_references_find(const struct kept_store *store, const char *name,
                          struct halo_reference *reference)
{
    const struct kept *const kept = kept_store_find(store, HALO_KIND, name);
    struct calibration_reference *const common = kept ? reference_of(kept) : NULL;
    if (!common)
        return false;
    *reference = (struct halo_reference){
        .time_ns = common->time_ns,
        .height = common->settings.height,
        .width = common->settings.width,
        .camera_length = common->settings.camera_length,
        .halo.n_pixels = (uint64_t)json_integer_value(json_object_get(kept->document, "n_pixels")),
    };
    calibration_reference_unref(common);
    const char *const run = json_string_value(json_object_get(kept->document, "run"));
    snprintf(reference->name, sizeof reference->name, "%s", kept->name);
    snprintf(reference->run, sizeof reference->run, "%s", run ? run : "");
    for (size_t i = 0; i < N_FIELDS; i++) {
        const json_t *const number = json_object_get(kept->document, fields[i].name);
        if (!json_is_number(number))
            return false;
        *(double *)((char *)reference + fields[i].offset) = json_number_value(number);
    }
    return true;
}

int halo_references_put(struct kept_store *store, const struct halo_reference *reference,
                        const struct run *run, const struct calibration *calibration,
                        struct error *error)
{
    json_t *const document = reference_document(run, calibration, reference->time_ns);
    bool good =
        document && json_object_set_new(document, "n_pixels",
                                        json_integer((json_int_t)reference->halo.n_pixels)) == 0;
    for (size_t i = 0; i < N_FIELDS && good; i++) {
        const double *const number = (const double *)((const char *)reference + fields[i].offset);
        /* Fails for what is no finite number. */
        good = json_object_set_new(document, fields[i].name, json_real(*number)) == 0;
    }
    const int r = good ? kept_store_put(store, HALO_KIND, reference->name, document, NULL, 0, error)
                       : error_set(error, -EINVAL,
                                   "the halo cannot be kept: not every number of it is finite");
    json_decref(document);
    return r;
}
