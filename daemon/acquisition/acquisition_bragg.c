#include <errno.h>

#include "common/log.h"
#include "daemon/acquisition/acquisition_internal.h"
#include "daemon/bragg/bragg_references.h"
#include "processing/products/bragg_product.h"
#include "processing/run/run_products.h"

/* What is done about Bragg reflections: as configured, until somebody changes it. */

const struct bragg_plan *acquisition_bragg(const struct acquisition *acquisition)
{
    return &acquisition->bragg;
}

struct labelled_scans *acquisition_labelled_scans(struct acquisition *acquisition)
{
    return &acquisition->labelled;
}

void acquisition_take_labelled(struct acquisition *acquisition)
{
    if (!acquisition_is_opened(acquisition))
        labelled_scans_take(&acquisition->labelled, acquisition->run);
}

/* Runs tell of a reference that is not there; the daemon starts all the same. */
void acquisition_begin_bragg(struct acquisition *acquisition)
{
    struct error error = {0};
    struct bragg_plan *const plan = &acquisition->bragg;
    *plan = acquisition->config->bragg;
    if (*plan->reference_name && bragg_references_load(acquisition->kept, plan->reference_name,
                                                       &plan->reference, &error) < 0)
        log_error("acquisition", "bragg.reference: %s", error.text);
}

/* Puts `prepared` (kind NULL: nothing) in the place of what the run has. */
static int change_run(struct acquisition *acquisition, const struct product *prepared,
                      const struct product_set **set, struct error *error)
{
    struct run *const run = acquisition->run;
    const struct product *const removed = run_bragg(run);
    struct product *added = NULL;
    if (prepared->class) {
        added = run_add_product(run, prepared, 0, "", error);
        if (!added)
            return -ENOMEM;
    }
    *set = run_change_set(run, &removed, removed != NULL, &added, added != NULL);
    if (!*set)
        return error_set(error, -ENOMEM, "no memory for the live results");
    const struct error none = {0};
    run_set_bragg_error(run, &none);
    /* What learns is classified as a whole when the run is over. */
    if (added && bragg_product_is_provisional(added)) {
        if (acquisition_is_opened(acquisition))
            acquisition_learn_again(acquisition);
    } else if (added && run_has_images(run)) {
        struct error why = {0};
        if (acquisition_begin_recompute(acquisition, &added, 1, &why) < 0)
            log_warning("acquisition",
                        "the frames of run %s that came before the change are not searched: %s",
                        run->plan->id, why.text);
    }
    return 0;
}

int acquisition_set_bragg(struct acquisition *acquisition, const struct bragg_plan *plan,
                          const struct product_set **set, struct error *error)
{
    const struct product_set *changed = NULL;
    const bool opened = acquisition_is_opened(acquisition) && acquisition->run;
    const bool goes_on = opened || acquisition_run_goes_on(acquisition);
    struct product prepared = {0};
    int r = 0;
    acquisition_recompute_watch(acquisition); /* it may be over */
    if (opened &&
        (acquisition->recompute ||
         atomic_load_explicit(&acquisition->run->phase, memory_order_acquire) != RUN_FINISHED))
        return error_set(error, -EBUSY,
                         "the results of the recording are being computed: wait for their end");
    if (goes_on && plan->enabled)
        r = run_prepare_bragg(acquisition->run, plan, &prepared, error);
    if (r == 0 && goes_on)
        r = change_run(acquisition, &prepared, &changed, error);
    if (r < 0)
        return r;
    struct bragg_plan copy;
    bragg_plan_copy(&copy, plan);
    bragg_plan_finish(&acquisition->bragg);
    acquisition->bragg = copy;
    acquisition_renew_default_plan(acquisition);
    log_notice("acquisition", "the settings of Bragg reflections were changed; settings version %u",
               acquisition->settings_version);
    if (set)
        *set = changed;
    return 0;
}

int acquisition_search_again(struct acquisition *acquisition, struct run **learns,
                             struct error *error)
{
    struct run *const run = acquisition->run;
    const struct product_set *set;
    struct product prepared = {0};
    *learns = NULL;
    if (!run || atomic_load_explicit(&run->phase, memory_order_acquire) != RUN_FINISHED)
        return error_set(error, -EBUSY, "only a run that is finished is searched again");
    if (!run->plan->recording.enabled || !acquisition->bragg.enabled)
        return error_set(error, -ENOENT, "%s",
                         acquisition->bragg.enabled
                             ? "the run was not recorded: there are no frames to search again"
                             : "no Bragg reflections are looked for");
    int r = run_prepare_bragg(run, &acquisition->bragg, &prepared, error);
    if (r == 0)
        r = change_run(acquisition, &prepared, &set, error);
    if (r == 0 && bragg_product_is_provisional(run_bragg(run)))
        *learns = run_ref(run);
    return r;
}
