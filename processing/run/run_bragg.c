#include "processing/run/run_bragg.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "processing/products/bragg_product.h"
#include "processing/run/run_products.h"

/* Under the mutex: set by the ingest thread, the service thread and the finisher. */
struct run_bragg {
    pthread_mutex_t mutex;
    struct error error;              /* why Bragg reflections are not looked for, or not finally */
    struct found_rate found;         /* of reflections of the least contrast; n 0: not known */
    const struct product *found_for; /* whose classes it is of */
};

struct run_bragg *run_bragg_create(void)
{
    struct run_bragg *const bragg = calloc(1, sizeof *bragg);
    if (bragg)
        pthread_mutex_init(&bragg->mutex, NULL);
    return bragg;
}

void run_bragg_destroy(struct run_bragg *bragg)
{
    if (!bragg)
        return;
    pthread_mutex_destroy(&bragg->mutex);
    free(bragg);
}

const struct product *run_bragg(const struct run *run)
{
    const struct product_set *const set = run_set(run);
    for (unsigned i = 0; i < set->n; i++) {
        if (product_is_bragg(set->products[i]))
            return set->products[i];
    }
    return NULL;
}

void run_bragg_error(const struct run *run, struct error *error)
{
    pthread_mutex_lock(&run->bragg->mutex);
    *error = run->bragg->error;
    pthread_mutex_unlock(&run->bragg->mutex);
}

void run_set_bragg_error(struct run *run, const struct error *error)
{
    pthread_mutex_lock(&run->bragg->mutex);
    run->bragg->error = *error;
    pthread_mutex_unlock(&run->bragg->mutex);
}

struct found_rate run_bragg_found(const struct run *run)
{
    const struct product *const product = run_bragg(run);
    struct found_rate found = {0};
    pthread_mutex_lock(&run->bragg->mutex);
    if (run->bragg->found_for == product)
        found = run->bragg->found;
    pthread_mutex_unlock(&run->bragg->mutex);
    return found;
}

void run_set_bragg_found(struct run *run, const struct product *product,
                         const struct found_rate *found)
{
    pthread_mutex_lock(&run->bragg->mutex);
    run->bragg->found = *found;
    run->bragg->found_for = product;
    pthread_mutex_unlock(&run->bragg->mutex);
}

/* ---- settings of the run ---- */

static void complete_centre(const struct run *run, struct bragg_settings *settings)
{
    const struct calibration_value *const centre =
        &run->plan->calibration.values[CALIBRATION_CENTRE];
    if (!isnan(settings->centre_y))
        return;
    settings->centre_y = centre->known ? centre->value[0] : (run->format.height - 1) / 2.;
    settings->centre_x = centre->known ? centre->value[1] : (run->format.width - 1) / 2.;
}

static int find_missing(const struct bragg_settings *settings, struct error *error)
{
    if (isnan(settings->inner))
        return error_set(error, -EINVAL,
                         "bragg.annulus is not set: give [inner, outer] in pixels, or ask for a "
                         "proposal (request bragg_propose)");
    if (isnan(settings->disk_radius))
        return error_set(error, -EINVAL,
                         "bragg.disk_radius is not set and the calibration does not know the "
                         "radius of the probe's disk: give it in pixels, or measure it");
    return 0;
}

int run_bragg_settings(const struct bragg_plan *plan, const struct run *run,
                       struct bragg_settings *settings, struct error *error)
{
    *settings = plan->settings;
    complete_centre(run, settings);
    if (isnan(settings->disk_radius))
        settings->disk_radius =
            calibration_number(&run->plan->calibration, CALIBRATION_DISK_RADIUS, NAN);
    const int r = find_missing(settings, error);
    return r < 0 ? r
                 : bragg_settings_check(settings, run->format.height, run->format.width,
                                        run_bad_pixels(run), error);
}

int run_prepare_bragg(const struct run *run, const struct bragg_plan *plan, struct product *product,
                      struct error *error)
{
    struct bragg_product_setup setup = {
        .reference = plan->reference,
        .in_template = plan->in_template,
        .bad = run_bad_pixels(run),
        .counts_min = plan->counts_min,
        .counts_max = plan->counts_max,
        .tile = plan->tile,
        .block_length = plan->block_length,
        .phase = plan->phase,
        .epochs = &run->epochs,
        .keeps_reflections = run->recycle == 0,
        .n_threads = run_product_threads(run),
    };
    memcpy(setup.reference_name, plan->reference_name, sizeof setup.reference_name);
    if (*plan->reference_name && !plan->reference) {
        error_set(error, -EINVAL,
                  "bragg.reference: there is no reference %s: measure and save one "
                  "(bragg_reference)",
                  plan->reference_name);
        return -EINVAL;
    }
    const int r = plan->reference ? 0 : run_bragg_settings(plan, run, &setup.settings, error);
    if (plan->reference)
        setup.settings = bragg_reference_values(plan->reference)->settings;
    return r < 0 ? r : bragg_product_prepare(product, &setup, &run->format, error);
}
