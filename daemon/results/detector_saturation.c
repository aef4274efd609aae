#include "daemon/results/detector_saturation.h"

#include <stdlib.h>
#include <string.h>

#include "common/counter.h"
#include "processing/products/virtual_detector.h"
#include "processing/run/run_products.h"

struct detector_saturation {
    struct run *run; /* holds a reference */
    size_t n_pixels;
    uint64_t *patterns[RUN_MAX_LAYERS]; /* [n_pixels] frames at full scale; NULL: none */
    double *weights;                    /* [n_pixels], of the detector at hand */
};

/* "saturation" of each layer. false: no memory. */
static bool read_patterns(struct detector_saturation *saturation)
{
    const struct product_set *const set = run_set(saturation->run);
    for (unsigned i = 0; i < set->n; i++) {
        const struct product *const product = set->products[i];
        if (product->flag != FRAME_FLAG_SATURATED)
            continue;
        uint64_t *const pattern = calloc(saturation->n_pixels, sizeof *pattern);
        saturation->patterns[product->layer] = pattern;
        if (!pattern || run_array(saturation->run, product, 0, pattern) < 0)
            return false;
    }
    return true;
}

struct detector_saturation *detector_saturation_create(struct run *run)
{
    struct detector_saturation *const saturation = calloc(1, sizeof *saturation);
    if (!saturation)
        return NULL;
    saturation->run = run_ref(run);
    saturation->n_pixels = (size_t)run->format.height * run->format.width;
    saturation->weights = calloc(saturation->n_pixels, sizeof *saturation->weights);
    if (saturation->weights &&
        (counter_read(&run->counts.saturated) == 0 || read_patterns(saturation)))
        return saturation;
    detector_saturation_destroy(saturation);
    return NULL;
}

void detector_saturation_destroy(struct detector_saturation *saturation)
{
    if (!saturation)
        return;
    for (unsigned layer = 0; layer < RUN_MAX_LAYERS; layer++)
        free(saturation->patterns[layer]);
    free(saturation->weights);
    run_unref(saturation->run);
    free(saturation);
}

struct saturated_pixels detector_saturation_of(const struct detector_saturation *saturation,
                                               const struct product *product, unsigned map)
{
    const uint64_t *const pattern = saturation->patterns[product->layer];
    struct saturated_pixels found = {0, 0};
    memset(saturation->weights, 0, saturation->n_pixels * sizeof *saturation->weights);
    virtual_detector_weights(product, map, saturation->weights, saturation->n_pixels);
    for (size_t i = 0; i < saturation->n_pixels; i++) {
        if (saturation->weights[i] == 0)
            continue;
        found.pixels++;
        found.pixel_frames += pattern ? pattern[i] : 0;
    }
    return found;
}

/* Of the product in its layer, once for all its maps: sectors have no pixel in common. */
static void add_product(const struct detector_saturation *saturation, const struct product *product,
                        uint64_t *pixels, uint64_t *pixel_frames)
{
    for (unsigned map = 0; map < product->n_maps; map++) {
        const struct saturated_pixels found = detector_saturation_of(saturation, product, map);
        *pixels += product->layer == 0 ? found.pixels : 0;
        *pixel_frames += found.pixel_frames;
    }
}

json_t *detector_saturation_json(const struct detector_saturation *saturation, const char *name)
{
    const struct product_set *const set = run_set(saturation->run);
    const uint64_t frames = counter_read(&saturation->run->counts.analysed);
    uint64_t pixels = 0, pixel_frames = 0;
    bool there = false;
    for (unsigned i = 0; i < set->n; i++) {
        const struct product *const product = set->products[i];
        if (product->given || strcmp(product->source, name) != 0)
            continue;
        there = true;
        add_product(saturation, product, &pixels, &pixel_frames);
    }
    if (!there)
        return json_null();
    const double all = (double)pixels * (double)frames;
    return json_pack("{s:I, s:I, s:I, s:f}", "pixels", (json_int_t)pixels, "frames",
                     (json_int_t)frames, "pixel_frames", (json_int_t)pixel_frames, "fraction",
                     all > 0 ? (double)pixel_frames / all : 0.0);
}
