#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "common/clock.h"
#include "common/counter.h"
#include "common/log.h"
#include "daemon/acquisition/acquisition_internal.h"
#include "daemon/event.h"
#include "daemon/results/detector_saturation.h"
#include "daemon/results/virtual_detector_json.h"
#include "processing/pixels/mask_values.h"
#include "processing/run/run_products.h"

/* Virtual detectors that are added, moved and removed while runs go on, and results that are
 * computed again from the frames on disk. */

/* ---- detectors ---- */

void acquisition_detectors(const struct acquisition *acquisition, acquisition_answer_fn answer,
                           void *data)
{
    json_t *const list = json_array();
    struct detector_saturation *const saturation =
        acquisition->run ? detector_saturation_create(acquisition->run) : NULL;
    for (size_t i = 0; i < acquisition->detectors.n; i++) {
        const struct virtual_detector_settings *const one = &acquisition->detectors.settings[i];
        json_t *const json = virtual_detector_json(one);
        json_object_set_new(json, "saturation",
                            saturation ? detector_saturation_json(saturation, one->name)
                                       : json_null());
        json_array_append_new(list, json);
    }
    detector_saturation_destroy(saturation);
    answer(data, json_pack("{s:o}", "detectors", list), NULL, NULL, NULL);
}

const struct live_detectors *acquisition_live_detectors(const struct acquisition *acquisition)
{
    return &acquisition->detectors;
}

/* Where in the run a change takes effect: null while no run goes on, or while no frame has come
 * since. */
static json_t *change_result(const struct acquisition *acquisition, const char *name,
                             const struct product_set *set)
{
    json_t *const result = json_pack("{s:s, s:s?, s:n}", "name", name, "run",
                                     set ? acquisition->run->plan->id : NULL, "version");
    if (set)
        json_object_set_new(result, "version", json_integer(set->version));
    return result;
}

static void answer_error(const struct error *error, acquisition_answer_fn answer, void *data)
{
    const char *const code = error->code == -ENOENT   ? "no_data"
                             : error->code == -ENOMEM ? "internal"
                                                      : "bad_value";
    const bool name = error->code == -ENOENT || error->code == -EEXIST;
    answer(data, NULL, code, name ? "args.name" : NULL, error);
}

/* For runs that somebody else starts. */
void acquisition_renew_default_plan(struct acquisition *acquisition)
{
    acquisition->settings_version++;
    struct acquisition_plan *const plan = acquisition_make_plan(acquisition);
    if (!plan || ingest_set_default_plan(pipeline_ingest(acquisition->pipeline), plan) < 0)
        log_error("acquisition", "no memory: runs that the detector's own program starts keep the "
                                 "settings of before");
    acquisition_plan_unref(plan);
}

static void renew_detectors(struct acquisition *acquisition)
{
    acquisition_renew_default_plan(acquisition);
    acquisition->detectors_version = acquisition->settings_version;
}

/* A mask that comes without weights, as replies tell it, keeps those that it has. */
static int keep_weights(const struct live_detectors *detectors,
                        struct virtual_detector_settings *settings, struct error *error)
{
    if (settings->shape != VIRTUAL_DETECTOR_MASK || settings->mask)
        return 0;
    const struct virtual_detector_settings *const present =
        live_detectors_find(detectors, settings->name);
    if (!present || !present->mask)
        return error_set(
            error, -EINVAL,
            "virtual detector \"%s\": it has no weights; name a .npy file, or send them "
            "with the request",
            settings->name);
    settings->mask = present->mask;
    mask_values_ref(settings->mask);
    return 0;
}

/* Sets *complete to what is computed. */
static int set_detector(struct acquisition *acquisition,
                        const struct virtual_detector_settings *settings,
                        struct virtual_detector_settings *complete, const struct product_set **set,
                        struct error *error)
{
    *complete = *settings;
    calibration_complete_detector(&acquisition->calibration, complete);
    int r = live_detectors_check(&acquisition->detectors, settings, error);
    if (r == 0 && acquisition->run)
        r = live_detectors_change_run(acquisition->run, settings->name, complete, set, error);
    return r < 0 ? r : live_detectors_put(&acquisition->detectors, settings, error);
}

void acquisition_set_detector(struct acquisition *acquisition,
                              const struct virtual_detector_settings *settings,
                              acquisition_answer_fn answer, void *data)
{
    struct error error = {0};
    const struct product_set *set = NULL;
    struct virtual_detector_settings whole, complete;
    virtual_detector_settings_copy(&whole, settings);
    if (keep_weights(&acquisition->detectors, &whole, &error) < 0 ||
        set_detector(acquisition, &whole, &complete, &set, &error) < 0) {
        answer_error(&error, answer, data);
    } else {
        renew_detectors(acquisition);
        json_t *const result = change_result(acquisition, whole.name, set);
        json_object_set_new(result, "detector", virtual_detector_json(&complete));
        answer(data, result, NULL, NULL, NULL);
    }
    virtual_detector_settings_finish(&whole);
}

void acquisition_remove_detector(struct acquisition *acquisition, const char *name,
                                 acquisition_answer_fn answer, void *data)
{
    struct error error = {0};
    const struct product_set *set = NULL;
    if (live_detectors_remove(&acquisition->detectors, name, &error) < 0 ||
        (acquisition->run &&
         live_detectors_change_run(acquisition->run, name, NULL, &set, &error) < 0)) {
        answer_error(&error, answer, data);
        return;
    }
    renew_detectors(acquisition);
    answer(data, change_result(acquisition, name, set), NULL, NULL, NULL);
}

void acquisition_renew_detectors(struct acquisition *acquisition)
{
    struct run *const run = acquisition->run;
    if (run->plan->version < acquisition->detectors_version)
        live_detectors_renew_run(run, &acquisition->detectors, &acquisition->calibration);
}

const char *acquisition_record_given(struct acquisition *acquisition)
{
    struct recorder *const recorder =
        acquisition->drained_for_good ? NULL : pipeline_recorder(acquisition->pipeline);
    return recorder ? recorder_add_given(recorder, acquisition->run) : "off";
}

/* ---- computing again ---- */

/* Results that came after the run's beginning; with a name, those of that detector only. */
static size_t late_products(const struct run *run, const char *name,
                            struct product *products[RUN_MAX_PRODUCTS])
{
    const struct product_set *const set = run_set(run);
    size_t n = 0;
    for (unsigned i = 0; i < set->n; i++) {
        struct product *const product = set->products[i];
        if (product->since->version > 1 && !product->given &&
            (!name || strcmp(product->source, name) == 0))
            products[n++] = product;
    }
    return n;
}

/* An old run is looked at while others are measured, of which this process knows nothing. */
static bool recompute_gives_way(const struct acquisition *acquisition)
{
    return acquisition_run_goes_on(acquisition) || acquisition_is_opened(acquisition);
}

int acquisition_begin_recompute(struct acquisition *acquisition, struct product *const *products,
                                size_t n, struct error *error)
{
    acquisition_recompute_watch(acquisition); /* it may be over */
    if (acquisition->recompute)
        return error_set(error, -EBUSY,
                         "results are being computed again already: wait for its end");
    const struct recompute_options options = {
        .sink = pipeline_sink(acquisition->pipeline),
        .analysis_delay_us = acquisition->config->debug_analysis_delay_us,
        .gives_way = recompute_gives_way(acquisition),
    };
    const int r =
        recompute_create(&acquisition->recompute, acquisition->run, products, n, &options, error);
    if (r < 0)
        return r;
    acquisition->recompute_run = run_ref(acquisition->run);
    acquisition->recompute_told = UINT64_MAX;
    return 0;
}

static int begin_recompute(struct acquisition *acquisition, const char *name, struct error *error)
{
    struct product *products[RUN_MAX_PRODUCTS];
    if (!acquisition->run)
        return error_set(error, -ENOENT, "nothing was measured yet: start a scan first");
    if (acquisition->drained_for_good)
        return error_set(error, -EBUSY, "merlind is stopping");
    const size_t n = late_products(acquisition->run, name, products);
    if (n == 0 && name && !live_detectors_find(&acquisition->detectors, name))
        return error_set(error, -ENOENT, "there is no virtual detector \"%.64s\"", name);
    if (n == 0)
        return error_set(error, -ENOENT, "%s%s there is nothing to compute again",
                         name ? name : "no virtual detector",
                         name ? " was not added or moved since the run began:"
                              : " was added or moved since the run began:");
    return acquisition_begin_recompute(acquisition, products, n, error);
}

static json_t *progress_json(const struct recompute_progress *progress)
{
    return json_pack("{s:I, s:I, s:b, s:s}", "done", (json_int_t)progress->done, "total",
                     (json_int_t)progress->total, "finished", progress->finished, "error",
                     progress->error.text);
}

json_t *acquisition_recompute_json(const struct acquisition *acquisition)
{
    struct recompute_progress progress = acquisition->recomputed;
    if (acquisition->recompute)
        recompute_progress(acquisition->recompute, &progress);
    else if (!progress.finished)
        return json_null();
    return progress_json(&progress);
}

void acquisition_recompute(struct acquisition *acquisition, const char *name,
                           acquisition_answer_fn answer, void *data)
{
    struct error error = {0};
    const int r = begin_recompute(acquisition, name, &error);
    if (r < 0) {
        answer(data, NULL,
               r == -EBUSY    ? "busy"
               : r == -ENOENT ? "no_data"
                              : "internal",
               r == -ENOENT && name ? "args.name" : NULL, &error);
        return;
    }
    struct recompute_progress progress;
    recompute_progress(acquisition->recompute, &progress);
    answer(data,
           json_pack("{s:s, s:o}", "run", acquisition->run->plan->id, "recompute",
                     progress_json(&progress)),
           NULL, NULL, NULL);
}

/* The file of a run that is over is not kept open for ever: recording.recompute_wait. */
static void end_patience(struct acquisition *acquisition)
{
    const struct run *const run = acquisition->recompute_run;
    const uint64_t ended_ns = counter_read(&run->ended_ns);
    const double patience_s = acquisition->config->recording_recompute_wait_s;
    if (ended_ns == 0 || clock_realtime_ns() < ended_ns + (uint64_t)(patience_s * NS_PER_S) ||
        !recompute_release(acquisition->recompute))
        return;
    log_warning("acquisition",
                "run %s is finished without waiting any longer for results that are computed "
                "again: its file does not have them whole (recording.recompute_wait is %g s)",
                run->plan->id, patience_s);
}

void acquisition_recompute_watch(struct acquisition *acquisition)
{
    struct recompute_progress progress;
    if (!acquisition->recompute)
        return;
    end_patience(acquisition);
    recompute_give_way(acquisition->recompute, recompute_gives_way(acquisition));
    recompute_progress(acquisition->recompute, &progress);
    if (progress.done == acquisition->recompute_told && !progress.finished)
        return;
    acquisition->recompute_told = progress.done;
    event_publish(&acquisition->observer, "recompute", acquisition->recompute_run,
                  json_pack("{s:o}", "recompute", progress_json(&progress)),
                  progress.finished ? "computed again: %" PRIu64 " of %" PRIu64 " chunks%s%s"
                                    : "computing again: %" PRIu64 " of %" PRIu64 " chunks%s%s",
                  progress.done, progress.total, progress.error.code ? ", but " : "",
                  progress.error.text);
    if (!progress.finished)
        return;
    acquisition->recomputed = progress;
    acquisition_recompute_stop(acquisition);
}

void acquisition_recompute_stop(struct acquisition *acquisition)
{
    recompute_destroy(acquisition->recompute);
    run_unref(acquisition->recompute_run);
    acquisition->recompute = NULL;
    acquisition->recompute_run = NULL;
}
