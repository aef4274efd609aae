#include "daemon/control/measuring.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "daemon/calibration/calibration_json.h"
#include "processing/analysis/bad_pixels.h"
#include "processing/analysis/flat_field.h"

/* The detector's bad pixels and the gain of the others, for calibration_measure. */

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

/* ---- gain ---- */

static int apply_gain(struct measuring *measuring, const float *found, struct error *error)
{
    struct mask_values *gain;
    char source[64];
    const int r = mask_values_create(&gain, found, measuring->pattern.height,
                                     measuring->pattern.width, error);
    if (r < 0)
        return r;
    snprintf(source, sizeof source, "run %s", measuring->run->plan->id);
    calibration_set_gain(&measuring->calibration, gain, source);
    return 0;
}

void measuring_gain(struct measuring *measuring)
{
    const struct summed_pattern *const pattern = &measuring->pattern;
    struct flat_field field = {0};
    struct error error = {0};
    float *const gain = calloc((size_t)pattern->height * pattern->width, sizeof *gain);
    int r = gain ? flat_field_measure(gain, &field, pattern->counts, pattern->height,
                                      pattern->width, pattern->overdispersion, &error)
                 : error_set(&error, -ENOMEM, "no memory for a gain map");
    if (r == 0 && measuring->apply)
        r = apply_gain(measuring, gain, &error);
    if (r == 0)
        measuring_succeed(measuring, "gain",
                          json_pack("{s:f, s:f, s:f, s:f, s:f, s:I}", "counts", field.mean,
                                    "spread", field.spread, "noise", field.noise, "least",
                                    field.least, "most", field.most, "pixels",
                                    (json_int_t)field.n_good));
    else
        measuring_refuse(measuring->request, &error);
    free(gain);
}
