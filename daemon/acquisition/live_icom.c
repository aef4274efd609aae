#include "daemon/acquisition/live_icom.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/counter.h"
#include "common/log.h"
#include "daemon/acquisition/icom_renew.h"
#include "daemon/acquisition/run_summary.h"
#include "processing/run/given_maps.h"
#include "processing/run/run_products.h"

#define PERIOD_NS (NS_PER_S / 4)
/* Of a thread's time at most one part in so many. */
#define SHARE 10

/* ---- the product ---- */

static const struct given_map com_maps[] = {
    {"icom", MAP_DTYPE_F64, "pixels*positions", "integrated centre of mass"},
    {"com_magnitude", MAP_DTYPE_F64, "pixels",
     "length of the centre of mass less its descan, in scan directions"},
    {"com_angle", MAP_DTYPE_F64, "degrees",
     "azimuth of the centre of mass less its descan, in scan directions"},
};
static const struct given_map dpc_maps[] = {
    {"icom", MAP_DTYPE_F64, "positions", "integrated differential phase contrast (iDPC)"},
    {"com_magnitude", MAP_DTYPE_F64, "",
     "size of the differential phase contrast less its descan, in scan directions"},
    {"com_angle", MAP_DTYPE_F64, "degrees",
     "azimuth of the differential phase contrast less its descan, in scan directions"},
};

static int add_product(struct live_icom *icom, struct error *error)
{
    const struct given_map *const maps = icom->settings.dpc[0] ? dpc_maps : com_maps;
    struct product prepared = {0};
    char *const provenance = icom_provenance(icom->run);
    int r = provenance ? given_maps_prepare(&prepared, maps, 3, provenance, error)
                       : error_set(error, -ENOMEM, "no memory for the map icom");
    free(provenance);
    if (r < 0)
        return r;
    r = icom_renew_attach(&prepared, &icom->settings, error);
    if (r < 0) {
        prepared.class->finish(&prepared);
        return r;
    }
    struct product *product = run_add_product(icom->run, &prepared, 0, "", error);
    if (!product)
        return error->code;
    if (!run_change_set(icom->run, NULL, 0, &product, 1))
        return error_set(error, -ENOMEM, "no memory for another set of results");
    icom->product = product;
    return 0;
}

static int remove_product(struct live_icom *icom, struct error *error)
{
    const struct product *const removed = icom->product;
    if (!run_change_set(icom->run, &removed, 1, NULL, 0))
        return error_set(error, -ENOMEM, "no memory for another set of results");
    icom->product = NULL;
    return 0;
}

static int replace_product(struct live_icom *icom, struct error *error)
{
    const int r = remove_product(icom, error);
    return r < 0 ? r : add_product(icom, error);
}

/* ---- jobs ---- */

struct renewal {
    struct live_icom *icom; /* the service's, which outlives its jobs */
    struct run *run;        /* holds a reference */
    struct product *product;
    uint64_t began_ns, took_ns;
    bool record;
};

static void on_work(void *data)
{
    struct renewal *const renewal = data;
    renewal->began_ns = clock_monotonic_ns();
    renewal->product->given->renew(renewal->product->given->data, renewal->run, renewal->product);
    renewal->took_ns = clock_monotonic_ns() - renewal->began_ns;
}

static void on_done(void *data, bool cancelled)
{
    struct renewal *const renewal = data;
    struct live_icom *const icom = renewal->icom;
    const uint64_t rest = SHARE * renewal->took_ns;
    icom->busy = false;
    icom->next_ns = renewal->began_ns + (rest > PERIOD_NS ? rest : PERIOD_NS);
    if (!cancelled && renewal->record && icom->run == renewal->run)
        acquisition_record_given(icom->acquisition);
    run_unref(renewal->run);
    free(renewal);
}

static void begin_job(struct live_icom *icom)
{
    struct renewal *const renewal = calloc(1, sizeof *renewal);
    if (!renewal)
        return;
    *renewal = (struct renewal){
        .icom = icom, .run = run_ref(icom->run), .product = icom->product, .record = icom->record};
    icom->busy = jobs_start(icom->jobs, on_work, on_done, renewal) == 0;
    icom->record = false;
    if (icom->busy)
        return;
    run_unref(renewal->run);
    free(renewal);
}

static struct live_icom_seen look(const struct live_icom *icom)
{
    const struct run *const run = icom->run;
    return (struct live_icom_seen){
        .analysed = counter_read(&run->counts.analysed),
        .view = run_view(run)->version,
        .settings = icom->settings_version,
        .over = atomic_load_explicit(&run->phase, memory_order_acquire) != RUN_ACQUIRING,
    };
}

static bool is_same(const struct live_icom_seen *a, const struct live_icom_seen *b)
{
    return a->analysed == b->analysed && a->view == b->view && a->settings == b->settings &&
           a->over == b->over;
}

void live_icom_watch(struct live_icom *icom)
{
    if (!icom->product || icom->busy || clock_monotonic_ns() < icom->next_ns)
        return;
    const struct live_icom_seen now = look(icom);
    if (is_same(&now, &icom->seen))
        return;
    icom->seen = now;
    begin_job(icom);
}

/* ---- life ---- */

void live_icom_init(struct live_icom *icom, struct jobs *jobs, const struct icom_settings *settings)
{
    *icom = (struct live_icom){.jobs = jobs, .settings = *settings, .settings_version = 1};
}

void live_icom_finish(struct live_icom *icom)
{
    run_unref(icom->run);
    icom->run = NULL;
    icom->product = NULL;
}

void live_icom_follow(struct live_icom *icom, struct run *run)
{
    struct error error = {0};
    live_icom_finish(icom);
    icom->run = run_ref(run);
    icom->seen = (struct live_icom_seen){0};
    icom->next_ns = 0;
    icom->record = false;
    if (icom->settings.enabled && add_product(icom, &error) < 0)
        log_error("icom", "run %s has no live icom: %s", run->plan->id, error.text);
}

int live_icom_set(struct live_icom *icom, const struct icom_settings *settings, struct error *error)
{
    const struct icom_settings before = icom->settings;
    int r = 0;
    icom->settings = *settings;
    if (icom->run && settings->enabled && !icom->product)
        r = add_product(icom, error);
    else if (icom->product && !settings->enabled)
        r = remove_product(icom, error);
    else if (icom->product && !before.dpc[0] != !settings->dpc[0])
        r = replace_product(icom, error); /* the maps have other units */
    else if (icom->product)
        icom_renew_set(icom->product, settings);
    if (r < 0) {
        icom->settings = before;
        return r;
    }
    icom->settings_version++;
    icom->next_ns = 0;
    icom->record = icom->product != NULL;
    return 0;
}
