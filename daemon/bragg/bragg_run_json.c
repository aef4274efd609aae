#include "daemon/bragg/bragg_run_json.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "daemon/bragg/bragg_excluded.h"
#include "daemon/bragg/bragg_glass.h"
#include "daemon/bragg/bragg_phase.h"
#include "daemon/bragg/bragg_reference_json.h"
#include "daemon/bragg/bragg_statistics_json.h"
#include "processing/bragg_run/bragg_final.h"
#include "processing/products/bragg_product.h"
#include "processing/run/run_products.h"

bool bragg_run_is_provisional(const struct run *run)
{
    const struct product *const product = run_bragg(run);
    return product && bragg_product_is_provisional(product);
}

/* What speaks against the run's Bragg reflections; code 0: nothing. */
static void find_error(const struct run *run, struct error *error)
{
    const struct product *const product = run_bragg(run);
    run_bragg_error(run, error);
    if (!error->code && product)
        bragg_product_error(product, error);
}

/* ---- summary ---- */

static const char *state_of(const struct run *run)
{
    const struct product *const product = run_bragg(run);
    if (!product)
        return "refused";
    if (bragg_product_is_provisional(product))
        return "provisional";
    return bragg_product_setup(product)->in_template ? "final" : "frozen";
}

json_t *bragg_run_json(const struct run *run)
{
    struct error error;
    const struct product *const product = run_bragg(run);
    if (!run->plan->bragg.enabled && !product)
        return json_null();
    find_error(run, &error);
    return json_pack("{s:s, s:b, s:s, s:s}", "state", state_of(run), "provisional",
                     bragg_run_is_provisional(run), "reference",
                     product ? bragg_product_setup(product)->reference_name
                             : run->plan->bragg.reference_name,
                     "error", error.code ? error.text : "");
}

/* ---- statistics ---- */

__attribute__((format(printf, 2, 3))) static void warn(json_t *warnings, const char *format, ...)
{
    char text[700];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    json_array_append_new(warnings, json_string(text));
}

static void warn_of_reference(json_t *warnings, const struct bragg_reference *reference)
{
    struct bragg_reference_report report;
    bragg_reference_report(reference, &report);
    const struct bragg_reference_values *const values = bragg_reference_values(reference);
    if (report.n_static > 0)
        warn(warnings,
             "%" PRIu32 " pixels of the template stood out of their ring and were cut down to it: "
             "reflections that stay put over the scan (texture) are counted as reflections",
             report.n_static);
    if (values->speckle_measured || !__builtin_isnan(values->settings.speckle))
        return;
    warn(warnings,
         "the speckle V was assumed, not measured: the false-alarm rate may be another "
         "than %g",
         values->settings.alpha);
}

/* Were it no glass, fractions would come out too small. */
static void warn_of_glass(json_t *warnings, const struct run *run)
{
    const double alpha = bragg_product_setup(run_bragg(run))->settings.alpha;
    const struct found_rate alarms = run_glass_alarms(run, 0);
    if (clopper_pearson_interval((double)alarms.found, (double)alarms.n, 0.95).low > 2 * alpha)
        warn(warnings,
             "%" PRIu64 " of %" PRIu64 " patterns of the part that is named as glass hold "
             "reflections, more than twice alpha: fractions are corrected for that; if it is no "
             "glass, take it back (bragg_null_test with glass: false)",
             alarms.found, alarms.n);
}

static json_t *warnings_of(const struct run *run)
{
    const struct product *const product = run_bragg(run);
    json_t *const warnings = json_array();
    struct error error;
    find_error(run, &error);
    if (error.code)
        warn(warnings, "%s", error.text);
    if (bragg_product_is_provisional(product))
        warn(warnings, "the classes are provisional: the run learns while it goes on%s",
             bragg_final_is_due(run) ? ", and is classified again when it is over"
                                     : ", and its frames are not on disk to be classified again");
    else
        warn_of_reference(warnings, bragg_product_reference(product));
    warn_of_glass(warnings, run);
    const uint64_t lost = bragg_product_lost(product);
    if (lost > 0)
        warn(warnings, "%" PRIu64 " reflections are not in the list: there was no memory", lost);
    return warnings;
}

json_t *bragg_run_statistics_json(const struct run *run, const struct bragg_scan_results *scan,
                                  const struct bragg_statistics_settings *settings,
                                  struct error *error)
{
    struct bragg_statistics statistics = {0};
    json_t *json = NULL;
    if (bragg_statistics_init(&statistics, scan, settings, error) == 0) {
        json = bragg_statistics_json(&statistics);
        json_t *const warnings = warnings_of(run);
        if (json) {
            json_array_extend(json_object_get(json, "warnings"), warnings);
            json_object_set_new(json, "excluded_regions", bragg_excluded_json(run));
            json_object_set_new(json, "glass", bragg_glass_json(run, statistics.confidence));
        } else {
            error_set(error, -ENOMEM, "no memory for the statistics of Bragg reflections");
        }
        json_decref(warnings);
    }
    bragg_statistics_finish(&statistics);
    return json;
}

static char *text_of(json_t *json)
{
    char *const text = json ? json_dumps(json, JSON_COMPACT) : NULL;
    json_decref(json);
    return text;
}

/* Statistics of a scan and of its planned phase; a phase that cannot be made is told as a warning.
 */
static json_t *statistics_with_phase(const struct run *run, const struct bragg_scan_part *part,
                                     struct bragg_scan *scan,
                                     const struct bragg_statistics_settings *settings,
                                     struct error *error)
{
    const struct bragg_phase_plan *const plan = &bragg_product_setup(run_bragg(run))->phase;
    const struct bragg_phase_wanted wanted = bragg_phase_planned(plan);
    struct threshold threshold;
    struct error why = {0};
    uint8_t *phase = NULL;
    if (*plan->map && bragg_phase_make_whole(&phase, &threshold, &wanted, run, part->scan, part->ny,
                                             part->nx, &why) < 0)
        error_prefix(&why, "the phase of the map %s", plan->map);
    scan->results.phase = phase;
    json_t *const json = bragg_run_statistics_json(run, &scan->results, settings, error);
    if (json && phase)
        bragg_statistics_json_set_phase(json, plan->map, &threshold);
    if (json && why.code)
        json_array_append_new(json_object_get(json, "warnings"), json_string(why.text));
    scan->results.phase = NULL;
    free(phase);
    return json;
}

json_t *bragg_run_whole_statistics_json(const struct run *run, const struct scan_geometry *geometry,
                                        const struct bragg_statistics_settings *settings,
                                        struct error *error)
{
    struct bragg_scan_part part;
    struct bragg_scan scan = {0};
    json_t *json = NULL;
    if (bragg_scan_whole(&part, run, geometry, error) == 0 && part.ny > 0 && part.nx > 0 &&
        bragg_scan_init(&scan, run, &part, error) == 0)
        json = statistics_with_phase(run, &part, &scan, settings, error);
    bragg_scan_finish(&scan);
    if (!json)
        return NULL;
    json_object_set_new(json, "run", json_string(run->plan->id));
    json_object_set_new(json, "provisional", json_boolean(bragg_run_is_provisional(run)));
    return json;
}

char *bragg_run_statistics_text(const struct run *run)
{
    const struct bragg_statistics_settings settings = bragg_scan_settings(run);
    struct error error = {0};
    json_t *const json = bragg_run_whole_statistics_json(run, &run->scan, &settings, &error);
    if (error.code)
        log_error("run", "run %s has no statistics of Bragg reflections: %s", run->plan->id,
                  error.text);
    return text_of(json);
}

/* ---- reference ---- */

json_t *bragg_run_reference_json(const struct run *run)
{
    const struct product *const product = run_bragg(run);
    const struct bragg_reference *const reference =
        product ? bragg_product_reference(product) : NULL;
    if (!product)
        return NULL;
    json_t *const json =
        reference ? bragg_reference_json(reference)
                  : json_pack("{s:o}", "settings",
                              bragg_settings_json(&bragg_product_setup(product)->settings));
    json_object_set_new(json, "state", json_string(state_of(run)));
    const struct bragg_product_setup *const setup = bragg_product_setup(product);
    json_object_set_new(json, "name", json_string(setup->reference_name));
    json_object_set_new(json, "counts",
                        isnan(setup->counts_min)
                            ? json_null()
                            : json_pack("[f, f]", setup->counts_min, setup->counts_max));
    return json;
}

char *bragg_run_reference_text(const struct run *run)
{
    return text_of(bragg_run_reference_json(run));
}
