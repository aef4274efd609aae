#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include "common/log.h"
#include "processing/products/profile_products.h"
#include "processing/run/run_products.h"
#include "processing/run/run_remarks.h"

/* The products of a run's first set: what its plan asks for. */

/* The products of one layer that are being made. */
struct making {
    struct run *run;
    unsigned layer;
    struct product *products[RUN_MAX_PRODUCTS];
    size_t n;
    struct error *error;
};

/* What these frames cannot give, or what is one result too many, is left out and told: frames are
 * kept and shown without it. */
static int leave_out(struct making *making, int status)
{
    if (status == -ENOMEM)
        return status;
    (void)run_remark(making->run, "%s; it is left out of this run", making->error->text);
    return 0;
}

static int take(struct making *making, int status, const struct product *prepared,
                const char *source)
{
    if (status < 0)
        return leave_out(making, status);
    struct product *const product =
        run_add_product(making->run, prepared, making->layer, source, making->error);
    if (!product)
        return leave_out(making, making->error->code);
    making->products[making->n++] = product;
    return 0;
}

/* Positions that lie next to each other see the same structure: the blocks of the errors are whole
 * lines. */
static struct variance_settings variance_settings_of(const struct run *run)
{
    struct variance_settings settings = run->plan->analysis.variance_settings;
    if (settings.block_length == 0)
        settings.block_length = run->scan.nx;
    return settings;
}

/* Frames without squares have no variance. */
static bool can_have_variance(struct run *run)
{
    if (run->format.counter_depth != 1)
        return true;
    (void)run_remark(run, "no variance of 1-bit frames: n(n - 1) is 0 in all of them; sum at least "
                          "two exposures, or count with 6 bits");
    return false;
}

static int make_profiles(struct making *making)
{
    struct run *const run = making->run;
    const struct analysis_settings *const analysis = &run->plan->analysis;
    const uint8_t *const bad = run_bad_pixels(run);
    const enum cpu_isa isa = cpu_isa_best();
    int r = 0;
    if (analysis->radial_profile) {
        struct product radial = {0};
        r = radial_profile_prepare(&radial, &analysis->variance_settings.rings, bad, &run->format,
                                   isa, making->error);
        r = take(making, r, &radial, "");
    }
    if (r == 0 && analysis->variance && can_have_variance(run)) {
        const struct variance_settings settings = variance_settings_of(run);
        struct product variance = {0};
        r = variance_prepare(&variance, &settings, bad, &run->format, isa, making->error);
        r = take(making, r, &variance, "");
    }
    return r;
}

/* Of the first layer. What cannot be searched is no reason to refuse the run. */
static int make_bragg(struct making *making)
{
    struct run *const run = making->run;
    struct product product = {0};
    if (!run->plan->bragg.enabled || making->layer > 0)
        return 0;
    struct error why = {0};
    const int r = run_prepare_bragg(run, &run->plan->bragg, &product, &why);
    if (r == 0)
        return take(making, 0, &product, "");
    run_set_bragg_error(run, &why);
    log_error("run", "run %s goes on without Bragg reflections: %s", run->plan->id, why.text);
    return r == -ENOMEM ? r : 0;
}

static int make_layer(struct making *making)
{
    const struct run *const run = making->run;
    const struct acquisition_plan *const plan = run->plan;
    const struct detector_pixels pixels = run_detector_pixels(run);
    const enum cpu_isa isa = cpu_isa_best();
    int r = 0;
    for (size_t i = 0; i < plan->n_virtual_detectors && r == 0; i++) {
        const struct virtual_detector_settings *const settings = &plan->virtual_detectors[i];
        struct product detector = {0};
        r = virtual_detector_prepare(&detector, settings, &run->format, &pixels, isa,
                                     making->error);
        r = take(making, r, &detector, settings->name);
    }
    if (r < 0)
        return r;
    struct product centre = {0}, sum = {0};
    r = centre_of_mass_prepare(&centre, &run->format, isa, making->error);
    r = take(making, r, &centre, "");
    if (r < 0)
        return r;
    r = patterns_prepare(&sum, pixels.bad, &run->format, isa, making->error);
    r = take(making, r, &sum, "");
    if (r == 0 && run->format.counter_depth != 1) {
        struct product saturation = {0};
        r = saturation_prepare(&saturation, &run->format, isa, making->error);
        r = take(making, r, &saturation, "");
    }
    if (r == 0)
        r = make_profiles(making);
    return r < 0 ? r : make_bragg(making);
}

/* A mask of another detector, or of other rows of it. */
static void remark_on_masks(struct run *run)
{
    const struct pixel_mask *const mask = run->plan->calibration.bad_pixels;
    if (mask && !run_bad_pixels(run))
        (void)run_remark(run,
                         "the mask of bad pixels (%s) is of %" PRIu32 " x %" PRIu32
                         " pixels and is not used for frames of %" PRIu32 " x %" PRIu32,
                         run->plan->calibration.bad_pixels_origin.source, mask->height, mask->width,
                         run->format.height, run->format.width);
    const struct mask_values *const gain = run->plan->calibration.gain;
    if (gain && !run_gain(run))
        (void)run_remark(run,
                         "the gain (%s) is of %" PRIu32 " x %" PRIu32
                         " pixels and is not used for frames of %" PRIu32 " x %" PRIu32,
                         run->plan->calibration.gain_origin.source, gain->height, gain->width,
                         run->format.height, run->format.width);
}

int run_prepare_products(struct run *run, struct error *error)
{
    remark_on_masks(run);
    struct making *const making = calloc(1, sizeof *making);
    if (!making)
        return error_set(error, -ENOMEM, "no memory for the live results");
    making->run = run;
    making->error = error;
    int r = 0;
    for (; making->layer < run->n_layers && r == 0; making->layer++)
        r = make_layer(making);
    if (r == 0 && !run_change_set(run, NULL, 0, making->products, making->n))
        r = error_set(error, -ENOMEM, "no memory for the live results");
    free(making);
    return r;
}
