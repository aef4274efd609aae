#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/bragg/bragg_run_json.h"
#include "daemon/bragg/bragg_statistics_json.h"
#include "daemon/control/analysis.h"
#include "daemon/control/commands.h"
#include "processing/products/bragg_product.h"
#include "processing/products/virtual_detector.h"
#include "processing/run/run_products.h"
#include "processing/statistics/phase_mask.h"

/* bragg: the statistics of the newest run's Bragg reflections. */

struct bragg_request {
    struct analysis *analysis;
    struct bragg_statistics_settings settings;
    struct bragg_scan scan;
    uint8_t *areas, *phase;
    const char *phase_name;
    struct threshold threshold;
};

/* ---- settings ---- */

static int take_tile(struct bragg_request *bragg)
{
    const json_t *const tile = json_object_get(bragg->analysis->args, "tile");
    const json_int_t y = json_integer_value(json_array_get(tile, 0));
    const json_int_t x = json_integer_value(json_array_get(tile, 1));
    if (!tile)
        return 0;
    if (json_array_size(tile) != 2 || y < 1 || x < 1 || y > 65536 || x > 65536)
        return analysis_refuse(bragg->analysis, "bad_value", "args.tile",
                               "tile must be [y, x], positions from 1 to 65536");
    bragg->settings.tile_y = (uint32_t)y;
    bragg->settings.tile_x = (uint32_t)x;
    return 0;
}

static double rate(const json_t *rates, const char *name)
{
    const json_t *const value = json_object_get(rates, name);
    return json_is_number(value) ? json_number_value(value) : 0;
}

static int take_rates(struct bragg_request *bragg, const char *name, struct error_rates *rates,
                      bool *known)
{
    const json_t *const given = json_object_get(bragg->analysis->args, name);
    if (!given)
        return 0;
    *rates = (struct error_rates){
        .false_positive = rate(given, "fpr"),
        .false_positive_error = rate(given, "fpr_error"),
        .true_positive = rate(given, "tpr"),
        .true_positive_error = rate(given, "tpr_error"),
    };
    *known = true;
    if (json_is_object(given) && rates->false_positive >= 0 && rates->true_positive <= 1 &&
        rates->true_positive > rates->false_positive)
        return 0;
    return analysis_refuse(bragg->analysis, "bad_value",
                           known == &bragg->settings.rates_known ? "args.rates"
                                                                 : "args.contrast_rates",
                           "rates must be {fpr, tpr}, from 0 to 1 and tpr above fpr");
}

static int take_settings(struct bragg_request *bragg)
{
    struct analysis *const analysis = bragg->analysis;
    struct bragg_statistics_settings *const settings = &bragg->settings;
    int64_t block = settings->block ? settings->block : 3;
    *settings = bragg_scan_settings(analysis->run);
    if (settings->block)
        block = settings->block;
    if (analysis_take_number(analysis, "confidence", 0.01, 0.9999, &settings->confidence) < 0 ||
        analysis_take_integer(analysis, "block", 1, 1024, &block) < 0 ||
        analysis_take_number(analysis, "min_contrast", 1e-9, 1e9, &settings->min_contrast) < 0)
        return -1;
    settings->block = (uint32_t)block;
    if (take_tile(bragg) < 0 ||
        take_rates(bragg, "rates", &settings->rates, &settings->rates_known) < 0)
        return -1;
    return take_rates(bragg, "contrast_rates", &settings->contrast_rates,
                      &settings->contrast_rates_known);
}

/* ---- areas ---- */

static int read_area_row(const json_t *row, uint8_t *labels, uint32_t nx)
{
    if (json_array_size(row) != nx)
        return -1;
    for (uint32_t x = 0; x < nx; x++) {
        const json_t *const label = json_array_get(row, x);
        const json_int_t value = json_integer_value(label);
        if (!json_is_integer(label) || value < 0 || value > 255)
            return -1;
        labels[x] = (uint8_t)value;
    }
    return 0;
}

static int take_areas(struct bragg_request *bragg)
{
    const struct map_pass *const pass = &bragg->analysis->pass;
    const json_t *const areas = json_object_get(bragg->analysis->args, "areas");
    if (!areas)
        return 0;
    bragg->areas = calloc((size_t)pass->ny * pass->nx + 1, 1);
    bool good = bragg->areas && json_array_size(areas) == pass->ny;
    for (uint32_t y = 0; good && y < pass->ny; y++)
        good = read_area_row(json_array_get(areas, y), bragg->areas + (size_t)y * pass->nx,
                             pass->nx) == 0;
    return good ? 0
                : analysis_refuse(bragg->analysis, "bad_value", "args.areas",
                                  "areas must be %u lines of %u labels from 0 to 255, the shape of "
                                  "the scan",
                                  pass->ny, pass->nx);
}

/* ---- the phase ---- */

/* 1 where a reflection may have counts, [height][width]: disks reach over the annulus' borders.
 * NULL: no memory. */
static uint8_t *annulus_pixels(const struct run *run)
{
    const struct pixel_format *const format = &run->format;
    const struct bragg_settings *const settings = &bragg_product_setup(run_bragg(run))->settings;
    uint8_t *const pixels = calloc((size_t)format->height * format->width, 1);
    for (uint32_t y = 0; pixels && y < format->height; y++) {
        for (uint32_t x = 0; x < format->width; x++) {
            const double r = hypot(y - settings->centre_y, x - settings->centre_x);
            pixels[(size_t)y * format->width + x] = r >= settings->inner - settings->disk_radius &&
                                                    r <= settings->outer + settings->disk_radius;
        }
    }
    return pixels;
}

/* A map that looks where reflections are would find them again. */
static int check_circular(struct bragg_request *bragg)
{
    struct analysis *const analysis = bragg->analysis;
    const struct run *const run = analysis->run;
    unsigned map;
    const struct product *const product = run_find_map(run, bragg->phase_name, &map);
    const size_t n = (size_t)run->format.height * run->format.width;
    double *const weights = calloc(n, sizeof *weights);
    uint8_t *const annulus = annulus_pixels(run);
    int r = -ENOMEM;
    error_set(&analysis->error, r, "no memory for the phase");
    if (weights && annulus) {
        virtual_detector_weights(product, map, weights, n);
        r = phase_check_circular(weights, annulus, n, NULL, &analysis->error);
    }
    free(annulus);
    free(weights);
    return r < 0 ? analysis_refuse_error(analysis, r == -EDOM ? -EINVAL : r, "args.phase.map") : 0;
}

static int take_threshold(struct bragg_request *bragg, const json_t *given)
{
    static const char *const rules[] = {"half", "median", "otsu"};
    if (json_is_number(given)) {
        bragg->threshold =
            (struct threshold){.rule = THRESHOLD_VALUE, .level = json_number_value(given)};
        return 0;
    }
    const char *const word = given ? json_string_value(given) : "half";
    for (unsigned i = 0; word && i < 3; i++) {
        if (strcmp(word, rules[i]) == 0) {
            bragg->threshold.rule = (enum threshold_rule)i;
            return 0;
        }
    }
    return analysis_refuse(bragg->analysis, "bad_value", "args.phase.threshold",
                           "threshold must be half, median, otsu or a number");
}

static int take_phase(struct bragg_request *bragg)
{
    struct analysis *const analysis = bragg->analysis;
    const json_t *const phase = json_object_get(analysis->args, "phase");
    double *values;
    if (!phase)
        return 0;
    bragg->phase_name = json_string_value(json_object_get(phase, "map"));
    if (!bragg->phase_name)
        return analysis_refuse(analysis, "bad_value", "args.phase", "phase must name a map");
    if (take_threshold(bragg, json_object_get(phase, "threshold")) < 0)
        return -1;
    int r = map_values_read(&values, analysis->run, &analysis->pass, bragg->phase_name,
                            &analysis->error);
    if (r < 0)
        return analysis_refuse_error(analysis, r == -ENOENT ? -ENODATA : r, "args.phase.map");
    const uint64_t n = (uint64_t)analysis->pass.ny * analysis->pass.nx;
    bragg->phase = malloc(n + 1);
    r = bragg->phase ? phase_from_map(bragg->phase, &bragg->threshold, values, n, &analysis->error)
                     : error_set(&analysis->error, -ENOMEM, "no memory for the phase");
    free(values);
    return r < 0 ? analysis_refuse_error(analysis, r, "args.phase.map") : check_circular(bragg);
}

/* ---- all ---- */

static int compute(struct bragg_request *bragg)
{
    struct analysis *const analysis = bragg->analysis;
    bragg->scan.results.areas = bragg->areas;
    bragg->scan.results.phase = bragg->phase;
    json_t *const json = bragg_run_statistics_json(analysis->run, &bragg->scan.results,
                                                   &bragg->settings, &analysis->error);
    if (!json)
        return analysis_refuse_error(analysis, analysis->error.code, NULL);
    if (bragg->phase)
        bragg_statistics_json_set_phase(json, bragg->phase_name, &bragg->threshold);
    json_object_set_new(json, "provisional", json_boolean(bragg_run_is_provisional(analysis->run)));
    json_object_update(analysis->result, json);
    json_decref(json);
    return 0;
}

static int take_scan(struct bragg_request *bragg)
{
    struct analysis *const analysis = bragg->analysis;
    const struct map_pass *const pass = &analysis->pass;
    const struct bragg_scan_part part = {
        .scan = &pass->view->scan,
        .first = pass->pass * pass->ny * pass->nx,
        .ny = pass->ny,
        .nx = pass->nx,
    };
    const int r = bragg_scan_init(&bragg->scan, analysis->run, &part, &analysis->error);
    return r < 0 ? analysis_refuse_error(analysis, r, NULL) : 0;
}

static void work(struct analysis *analysis)
{
    struct bragg_request bragg = {.analysis = analysis};
    if (take_scan(&bragg) == 0 && take_settings(&bragg) == 0 && take_areas(&bragg) == 0 &&
        take_phase(&bragg) == 0)
        compute(&bragg);
    bragg_scan_finish(&bragg.scan);
    free(bragg.areas);
    free(bragg.phase);
}

void command_bragg(const struct control_service *service, struct request *request, json_t *args)
{
    analysis_start(service, request, args, work);
}
