#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include "daemon/bragg/bragg_phase.h"
#include "daemon/bragg/bragg_run_json.h"
#include "daemon/bragg/bragg_statistics_json.h"
#include "daemon/control/analysis.h"
#include "daemon/control/commands.h"
#include "daemon/control/label_rows.h"
#include "daemon/control/take_rates.h"
#include "processing/bragg_run/bragg_injection.h"
#include "processing/run/run_glass.h"
#include "processing/run/run_products.h"

/* bragg: the statistics of a run's Bragg reflections. */

#define CRYSTALS_MAX 16
#define SPACINGS_MAX 64
#define INJECTED 2000 /* frames, to measure a true-positive rate */

struct bragg_request {
    struct analysis *analysis;
    struct bragg_statistics_settings settings;
    struct bragg_scan scan;
    uint8_t *areas, *phase;
    const char *phase_name;
    struct threshold threshold;
    bool measures_rate; /* the true-positive rate of contrast_rates */
    struct crystal_phase crystals[CRYSTALS_MAX];
    double spacings[CRYSTALS_MAX][SPACINGS_MAX]; /* nm */
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

/* What was found in the run's glass; a true-positive rate of 0 is not known yet. */
static int take_false_rate(struct analysis *analysis, struct error_rates *rates,
                           const struct found_rate *alarms, const char *field)
{
    if (!found_rate_set_false(rates, alarms))
        return analysis_refuse(analysis, "no_data", field,
                               "no part of the run with classes is named as glass: give its area "
                               "to bragg_null_test");
    return rates->true_positive > rates->false_positive || rates->true_positive == 0
               ? 0
               : analysis_refuse(analysis, "no_data", field,
                                 "reflections were found in %.1f %% of the glass, which is not "
                                 "below tpr: no fraction can be corrected for that",
                                 100 * rates->false_positive);
}

static int take_rates(struct bragg_request *bragg)
{
    struct analysis *const analysis = bragg->analysis;
    struct bragg_statistics_settings *const settings = &bragg->settings;
    const json_t *const given = json_object_get(analysis->args, "rates");
    struct taken_rates taken;
    if (!given)
        return 0;
    if (!rates_take(&taken, false, given))
        return analysis_refuse(analysis, "bad_value", "args.rates", RATES_SENTENCE);
    settings->rates_known = true;
    settings->rates = taken.rates;
    return taken.measures_false
               ? take_false_rate(analysis, &settings->rates, &settings->alarms, "args.rates")
               : 0;
}

static int take_contrast_rates(struct bragg_request *bragg)
{
    struct analysis *const analysis = bragg->analysis;
    struct bragg_statistics_settings *const settings = &bragg->settings;
    const json_t *const given = json_object_get(analysis->args, "contrast_rates");
    struct taken_rates taken;
    if (!given)
        return 0;
    if (!rates_take(&taken, true, given))
        return analysis_refuse(analysis, "bad_value", "args.contrast_rates", RATES_SENTENCE);
    settings->contrast_rates = taken.rates;
    settings->contrast_rates_known = !taken.measures_true;
    bragg->measures_rate = taken.measures_true;
    if ((taken.measures_true || taken.measures_false) && !(settings->min_contrast > 0))
        return analysis_refuse(analysis, "bad_value", "args.min_contrast",
                               "the rate is that of reflections of a contrast: give min_contrast");
    return taken.measures_false ? take_false_rate(analysis, &settings->contrast_rates,
                                                  &settings->contrast_alarms, "args.contrast_rates")
                                : 0;
}

/* By the injection test, with disks of the least contrast that counts. */
static int measure_rate(struct bragg_request *bragg)
{
    struct analysis *const analysis = bragg->analysis;
    struct error_rates *const rates = &bragg->settings.contrast_rates;
    struct bragg_injection injection = {
        .run = analysis->run,
        .n_contrasts = 1,
        .rates[0].contrast = bragg->settings.min_contrast,
        .max_frames = INJECTED,
        .n_threads = analysis->run->n_workers,
    };
    if (!bragg->measures_rate)
        return 0;
    const int r = bragg_injection_test(&injection, &analysis->error);
    if (r < 0)
        return analysis_refuse_error(analysis, r, "args.contrast_rates");
    const struct found_rate *const found = &injection.rates[0];
    bragg->settings.found = *found;
    found_rate_set(rates, found);
    bragg->settings.contrast_rates_known = found_rate_tells(found, rates->false_positive);
    return bragg->settings.contrast_rates_known
               ? 0
               : analysis_refuse(analysis, "no_data", "args.contrast_rates",
                                 "of reflections of contrast %g put into frames of the run %.1f %% "
                                 "are found, not more than the false alarms: no fraction can be "
                                 "corrected for that",
                                 bragg->settings.min_contrast, 100 * rates->true_positive);
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
    settings->contrast_alarms = run_glass_alarms(analysis->run, settings->min_contrast);
    if (analysis_take_number(analysis, "tolerance", 0.01, 100, &settings->tolerance) < 0 ||
        analysis_take_number(analysis, "texture", 0.01, 1, &settings->texture_fraction) < 0 ||
        analysis_take_number(analysis, "spacing_tolerance", 1e-6, 0.5,
                             &settings->spacing_tolerance) < 0)
        return -1;
    return take_tile(bragg) < 0 || take_rates(bragg) < 0 ? -1 : take_contrast_rates(bragg);
}

/* ---- crystalline phases ---- */

/* One {name, d: [nm, ...]}; false: it is none. */
static bool read_crystal(struct crystal_phase *crystal, double *spacings, const json_t *json)
{
    const json_t *const d = json_object_get(json, "d");
    crystal->name = json_string_value(json_object_get(json, "name"));
    crystal->spacings = spacings;
    crystal->n_spacings = json_array_size(d);
    for (size_t i = 0; i < crystal->n_spacings; i++) {
        spacings[i] = json_number_value(json_array_get(d, i));
        if (!(spacings[i] > 0))
            return false;
    }
    return crystal->name && *crystal->name && crystal->n_spacings > 0 &&
           crystal->n_spacings <= SPACINGS_MAX;
}

static int take_crystals(struct bragg_request *bragg)
{
    const json_t *const given = json_object_get(bragg->analysis->args, "crystals");
    const size_t n = json_array_size(given);
    if (!given)
        return 0;
    bool good = n > 0 && n <= CRYSTALS_MAX;
    for (size_t i = 0; good && i < n; i++)
        good = json_array_size(json_object_get(json_array_get(given, i), "d")) <= SPACINGS_MAX &&
               read_crystal(&bragg->crystals[i], bragg->spacings[i], json_array_get(given, i));
    if (!good)
        return analysis_refuse(bragg->analysis, "bad_value", "args.crystals",
                               "crystals must be 1 to %d of {name, d: [1 to %d spacings in nm]}",
                               CRYSTALS_MAX, SPACINGS_MAX);
    if (!(bragg->scan.results.pixel_size > 0))
        return analysis_refuse(bragg->analysis, "bad_value", "args.crystals",
                               "spacings need the size of a pixel in nm^-1, which was not known in "
                               "this run: set pixel_size_k (calibration) before it");
    bragg->settings.crystals = bragg->crystals;
    bragg->settings.n_crystals = n;
    return 0;
}

/* ---- areas ---- */

static int take_areas(struct bragg_request *bragg)
{
    struct analysis *const analysis = bragg->analysis;
    const struct map_pass *const pass = &analysis->pass;
    const json_t *const areas = json_object_get(analysis->args, "areas");
    const json_t *const regions = json_object_get(analysis->args, "regions");
    if (!areas && !regions)
        return 0;
    if (areas && regions)
        return analysis_refuse(analysis, "bad_value", "args.regions",
                               "give areas or regions: they are two ways to say the same");
    bragg->areas = calloc((size_t)pass->ny * pass->nx + 1, 1);
    if (!bragg->areas)
        return analysis_refuse(analysis, "internal", NULL, "no memory for the areas");
    if (regions)
        return label_regions_take(analysis, pass->ny, pass->nx, bragg->areas);
    return label_rows_take(areas, pass->ny, pass->nx, bragg->areas)
               ? 0
               : analysis_refuse(analysis, "bad_value", "args.areas",
                                 "areas must be %u lines of %u labels from 0 to 255, the shape of "
                                 "the scan",
                                 pass->ny, pass->nx);
}

static int take_excluded(struct bragg_request *bragg)
{
    struct analysis *const analysis = bragg->analysis;
    const struct map_pass *const pass = &analysis->pass;
    if (!json_object_get(analysis->args, "excluded"))
        return 0;
    uint8_t *const mask = calloc((size_t)pass->ny * pass->nx + 1, 1);
    if (!mask)
        return analysis_refuse(analysis, "internal", NULL, "no memory for what is excluded");
    const int r = label_excluded_take(analysis, pass->ny, pass->nx, mask);
    if (r == 0)
        bragg_scan_exclude(&bragg->scan, mask);
    free(mask);
    return r;
}

/* ---- the phase ---- */

static int take_phase(struct bragg_request *bragg)
{
    struct analysis *const analysis = bragg->analysis;
    const json_t *const given = json_object_get(analysis->args, "phase");
    struct bragg_phase_wanted wanted;
    const char *field;
    if (!given)
        return 0;
    int r = bragg_phase_take(&wanted, given, &field, &analysis->error);
    if (r == 0)
        r = bragg_phase_make(&bragg->phase, &bragg->threshold, &wanted, analysis->run,
                             &analysis->pass, &analysis->error);
    bragg->phase_name = wanted.map;
    /* What would be circular is a bad value. */
    return r < 0 ? analysis_refuse_error(analysis, r == -EDOM ? -EINVAL : r, field) : 0;
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
    if (take_scan(&bragg) == 0 && take_settings(&bragg) == 0 && take_crystals(&bragg) == 0 &&
        take_excluded(&bragg) == 0 && take_areas(&bragg) == 0 && take_phase(&bragg) == 0 &&
        measure_rate(&bragg) == 0)
        compute(&bragg);
    bragg_scan_finish(&bragg.scan);
    free(bragg.areas);
    free(bragg.phase);
}

void command_bragg(const struct control_service *service, struct request *request, json_t *args)
{
    if (rates_measures(json_object_get(args, "contrast_rates"), "tpr"))
        analysis_start_long(service, request, args, work);
    else
        analysis_start(service, request, args, work);
}
