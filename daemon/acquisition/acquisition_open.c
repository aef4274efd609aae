#include <errno.h>

#include "daemon/acquisition/acquisition_internal.h"
#include "daemon/acquisition/run_summary.h"
#include "processing/products/bragg_product.h"
#include "processing/run/run_products.h"

/* A recording that is looked at again: its run is the newest, and there will be no other. */

bool acquisition_is_opened(const struct acquisition *acquisition)
{
    return acquisition->config->open[0] != '\0';
}

unsigned acquisition_workers(const struct acquisition *acquisition)
{
    return pipeline_workers(acquisition->pipeline);
}

static void show(struct acquisition *acquisition, struct run *run)
{
    acquisition->run = run_ref(run);
    acquisition_watch_new_run(acquisition);
    json_t *const summary = run_summary(run, -1);
    if (!summary)
        return;
    acquisition->observer.run_event(acquisition->observer.data, "started", summary);
    run_history_put(&acquisition->history, summary);
    run_history_keep(&acquisition->history, run);
}

/* Everything that is computed of frames. */
static size_t products_of(const struct run *run, struct product *products[RUN_MAX_PRODUCTS])
{
    const struct product_set *const set = run_set(run);
    size_t n = 0;
    for (unsigned i = 0; i < set->n; i++) {
        if (!set->products[i]->given)
            products[n++] = set->products[i];
    }
    return n;
}

int acquisition_open(struct acquisition *acquisition, struct run *run, struct error *error)
{
    struct product *products[RUN_MAX_PRODUCTS];
    const struct chunk_sink sink = pipeline_sink(acquisition->pipeline);
    show(acquisition, run);
    sink.begin(sink.data, run);
    const int r =
        acquisition_begin_recompute(acquisition, products, products_of(run, products), error);
    acquisition_set_state(acquisition, ACQUISITION_FINISHING, "%s",
                          "computing the results of the recording again");
    run_drop_pending(run, &sink); /* no frame will come */
    return r;
}

/* As at the end of a run that was measured. */
void acquisition_learn_again(struct acquisition *acquisition)
{
    struct run *const run = acquisition->run;
    const struct chunk_sink sink = pipeline_sink(acquisition->pipeline);
    atomic_store_explicit(&run->phase, RUN_FINISHING, memory_order_release);
    acquisition_set_state(acquisition, ACQUISITION_FINISHING, "%s",
                          "learning what Bragg reflections lie on from the recording again");
    sink.begin(sink.data, run);
    sink.finish(sink.data, run);
}
