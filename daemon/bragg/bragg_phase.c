#include "daemon/bragg/bragg_phase.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "processing/products/bragg_product.h"
#include "processing/products/virtual_detector.h"
#include "processing/run/given_maps.h"
#include "processing/run/run_products.h"

/* ---- the request ---- */

static bool take_threshold(struct threshold *threshold, const json_t *given)
{
    if (json_is_number(given)) {
        *threshold = (struct threshold){.rule = THRESHOLD_VALUE, .level = json_number_value(given)};
        return true;
    }
    const char *const word = given ? json_string_value(given) : "half";
    for (unsigned i = 0; word && threshold_rule_names[i]; i++) {
        if (strcmp(word, threshold_rule_names[i]) == 0) {
            *threshold = (struct threshold){.rule = (enum threshold_rule)i};
            return true;
        }
    }
    return false;
}

struct bragg_phase_wanted bragg_phase_planned(const struct bragg_phase_plan *plan)
{
    return (struct bragg_phase_wanted){.map = plan->map, .threshold = plan->threshold};
}

json_t *bragg_phase_plan_json(const struct bragg_phase_plan *plan)
{
    if (!*plan->map)
        return json_null();
    return json_pack("{s:s, s:o}", "map", plan->map, "threshold",
                     plan->threshold.rule == THRESHOLD_VALUE
                         ? json_real(plan->threshold.level)
                         : json_string(threshold_rule_names[plan->threshold.rule]));
}

int bragg_phase_take(struct bragg_phase_wanted *wanted, const json_t *given, const char **field,
                     struct error *error)
{
    wanted->map = json_string_value(json_object_get(given, "map"));
    *field = "args.phase";
    if (!wanted->map)
        return error_set(error, -EINVAL, "phase must be {map, threshold} and name a map");
    *field = "args.phase.threshold";
    if (!take_threshold(&wanted->threshold, json_object_get(given, "threshold")))
        return error_set(error, -EINVAL, "threshold must be half, median, otsu or a number");
    *field = "args.phase.map";
    return 0;
}

/* ---- a map that looks where reflections are would find them again ---- */

/* 1 where a disk can lie that is looked for: the annulus and one disk radius beyond its borders,
 * [height][width]. NULL: no memory. */
static uint8_t *searched_pixels(const struct run *run)
{
    const struct pixel_format *const format = &run->format;
    const struct bragg_settings *const settings = &bragg_product_setup(run_bragg(run))->settings;
    const double inner = settings->inner - settings->disk_radius,
                 outer = settings->outer + settings->disk_radius;
    uint8_t *const pixels = calloc((size_t)format->height * format->width, 1);
    for (uint32_t y = 0; pixels && y < format->height; y++) {
        for (uint32_t x = 0; x < format->width; x++) {
            const double r = hypot(y - settings->centre_y, x - settings->centre_x);
            pixels[(size_t)y * format->width + x] = r >= inner && r <= outer;
        }
    }
    return pixels;
}

/* Whether a client put it: then nobody but the client knows what it looked at. */
static bool was_put(const struct product *product)
{
    char *const text = product->given ? given_maps_provenance(product) : NULL;
    json_t *const provenance = text ? json_loads(text, 0, NULL) : NULL;
    const char *const origin = json_string_value(json_object_get(provenance, "origin"));
    const bool put = origin && strcmp(origin, "put") == 0;
    json_decref(provenance);
    free(text);
    return put;
}

/* Where no reflections are looked for there is nothing that the map could have seen before. */
static int check_circular(const struct run *run, const char *name, struct error *error)
{
    unsigned map;
    const struct product *const product = run_find_map(run, name, &map);
    if (!product || was_put(product) || !run_bragg(run))
        return 0;
    const size_t n = (size_t)run->format.height * run->format.width;
    double *const weights = calloc(n, sizeof *weights);
    uint8_t *const searched = searched_pixels(run);
    int r = -ENOMEM;
    if (weights && searched) {
        virtual_detector_weights(product, map, weights, n);
        r = phase_check_circular(weights, searched, n, NULL, error);
    } else {
        error_set(error, r, "no memory for the phase");
    }
    free(searched);
    free(weights);
    return r;
}

/* ---- the phase ---- */

int bragg_phase_make(uint8_t **phase, struct threshold *threshold,
                     const struct bragg_phase_wanted *wanted, const struct run *run,
                     const struct map_pass *pass, struct error *error)
{
    const uint64_t n = (uint64_t)pass->ny * pass->nx;
    double *values = NULL;
    uint8_t *made = NULL;
    int r = map_values_read(&values, run, pass, wanted->map, error);
    if (r == 0)
        r = check_circular(run, wanted->map, error);
    if (r == 0) {
        *threshold = wanted->threshold;
        made = malloc(n + 1);
        r = made ? phase_from_map(made, threshold, values, n, error)
                 : error_set(error, -ENOMEM, "no memory for the phase");
    }
    free(values);
    if (r < 0) {
        free(made);
        return r;
    }
    *phase = made;
    return 0;
}

int bragg_phase_make_whole(uint8_t **phase, struct threshold *threshold,
                           const struct bragg_phase_wanted *wanted, const struct run *run,
                           const struct scan_geometry *geometry, uint32_t ny, uint32_t nx,
                           struct error *error)
{
    const struct run_view view = {.scan = *geometry};
    const struct map_pass whole = {.view = &view, .passes = 1, .ny = ny, .nx = nx};
    return bragg_phase_make(phase, threshold, wanted, run, &whole, error);
}
