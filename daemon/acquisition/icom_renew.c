#include "daemon/acquisition/icom_renew.h"

#include <errno.h>
#include <jansson.h>
#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/log.h"
#include "daemon/acquisition/live_icom.h"
#include "daemon/json_time.h"
#include "daemon/results/shift_integral.h"
#include "processing/analysis/map_shift.h"
#include "processing/run/given_maps.h"

/*
 * `settings` under its mutex, which is held for a copy only. `working` is held while the maps are
 * computed: a job and the recorder may want to at once; `told` is under it.
 */
struct icom_renew {
    pthread_mutex_t mutex, working;
    struct icom_settings settings;
    bool told; /* why there is no map */
};

/* ---- one pass ---- */

struct icom_maps {
    double *phi, *magnitude, *azimuth; /* [ny][nx] */
};

static void icom_maps_finish(struct icom_maps *maps)
{
    free(maps->phi);
    free(maps->magnitude);
    free(maps->azimuth);
}

static int icom_maps_init(struct icom_maps *maps, uint64_t n, struct error *error)
{
    *maps = (struct icom_maps){
        .phi = malloc((n + 1) * sizeof(double)),
        .magnitude = malloc((n + 1) * sizeof(double)),
        .azimuth = malloc((n + 1) * sizeof(double)),
    };
    if (maps->phi && maps->magnitude && maps->azimuth)
        return 0;
    icom_maps_finish(maps);
    error_set(error, -ENOMEM, "no memory for the maps");
    return -ENOMEM;
}

/* A model that so few positions do not fix gives way to the constant. */
static void take_descan_away(const struct icom_settings *settings, const struct run *run,
                             const struct map_pass *pass, struct shift_values *shift)
{
    static const enum descan_model models[] = {
        [ICOM_DESCAN_CONSTANT] = DESCAN_CONSTANT,
        [ICOM_DESCAN_PLANE] = DESCAN_PLANE,
        [ICOM_DESCAN_PARABOLA] = DESCAN_PARABOLA,
    };
    struct descan_fit fit = {0};
    struct error unused;
    if (settings->descan == ICOM_DESCAN_NONE ||
        (descan_fit(&fit, models[settings->descan], shift->y, shift->x, pass->ny, pass->nx,
                    &unused) < 0 &&
         descan_fit(&fit, DESCAN_CONSTANT, shift->y, shift->x, pass->ny, pass->nx, &unused) < 0)) {
        if (settings->dpc[0])
            return; /* the middle of four quadrants is 0 */
        shift_centre(&fit, run);
    }
    descan_subtract(&fit, shift->y, shift->x, pass->ny, pass->nx);
}

static double rotation_of(const struct icom_settings *settings, const struct run *run)
{
    return isnan(settings->rotation)
               ? calibration_number(&run->plan->calibration, CALIBRATION_SCAN_ROTATION, 0)
               : settings->rotation;
}

static struct integration integration_of(const struct icom_settings *settings,
                                         const struct run *run, uint64_t n_measured,
                                         uint64_t n_positions)
{
    const bool grows = atomic_load_explicit(&run->phase, memory_order_acquire) == RUN_ACQUIRING &&
                       n_measured < n_positions;
    const bool ricom =
        settings->method == ICOM_METHOD_RICOM || (settings->method == ICOM_METHOD_AUTO && grows);
    const int64_t largest = integration_largest_radius(n_measured);
    return (struct integration){
        .method = ricom ? INTEGRATION_RICOM : INTEGRATION_ICOM,
        .border =
            settings->border == ICOM_BORDER_PERIODIC ? MAP_BORDER_PERIODIC : MAP_BORDER_MIRROR,
        .high_pass = settings->high_pass,
        .radius = settings->radius < largest ? settings->radius : largest,
    };
}

/* Rows of positions that are not measured lose what they had through an earlier geometry. */
static void give(struct product *product, const struct map_pass *pass, const struct icom_maps *maps)
{
    const uint64_t n = (uint64_t)pass->ny * pass->nx;
    for (uint64_t i = 0; i < n; i++) {
        const int64_t exposure = scan_geometry_frame_index(&pass->view->scan, pass->pass * n + i);
        const double values[] = {maps->phi[i], maps->magnitude[i], maps->azimuth[i]};
        uint64_t bits[3], there = 0;
        memcpy(bits, values, sizeof bits);
        for (unsigned j = 0; j < 3; j++)
            there |= (uint64_t)!isnan(values[j]) << j;
        if (exposure >= 0)
            (void)given_maps_put(product, (uint64_t)exposure, bits, there);
    }
}

/* What all have in common. New reference. */
static json_t *provenance_json(const struct run_view *view, uint64_t n_measured)
{
    return json_pack("{s:s, s:o, s:s, s:I, s:I}", "origin", "computed", "time",
                     json_time(clock_realtime_ns()), "what", "icom", "geometry",
                     (json_int_t)view->version, "measured", (json_int_t)n_measured);
}

char *icom_provenance(const struct run *run)
{
    json_t *const json = provenance_json(run_view(run), 0);
    char *const text = json ? json_dumps(json, JSON_COMPACT) : NULL;
    json_decref(json);
    return text;
}

static void set_provenance(struct product *product, const struct icom_settings *settings,
                           const struct run *run, const struct map_pass *pass,
                           const struct integration *integration, uint64_t n_measured)
{
    const bool ricom = integration->method == INTEGRATION_RICOM;
    json_t *const done = icom_settings_json(settings);
    json_t *const json = provenance_json(pass->view, n_measured);
    json_object_set_new(done, "method", json_string(ricom ? "ricom" : "icom"));
    json_object_set_new(done, "rotation", json_real(rotation_of(settings, run)));
    json_object_set_new(done, "radius", json_integer((json_int_t)integration->radius));
    json_object_del(done, "enabled");
    json_object_set_new(json, "settings", done);
    json_object_set_new(json, "positions", json_integer((json_int_t)pass->ny * pass->nx));
    char *const text = json ? json_dumps(json, JSON_COMPACT | JSON_REAL_PRECISION(9)) : NULL;
    if (text)
        (void)given_maps_set_provenance(product, text);
    free(text);
    json_decref(json);
}

static int read_shift(struct shift_values *shift, const struct icom_settings *settings,
                      const struct run *run, const struct map_pass *pass, struct error *error)
{
    return settings->dpc[0] ? shift_values_init_dpc(shift, run, 0, pass, settings->dpc, error)
                            : shift_values_init(shift, run, 0, pass, error);
}

/* Once. */
static void tell(struct icom_renew *renewal, const struct run *run, const struct error *error)
{
    if (!renewal->told)
        log_warning("acquisition", "run %s: no live map icom: %s", run->plan->id, error->text);
    renewal->told = true;
}

static int renew_pass(struct icom_renew *renewal, const struct icom_settings *settings,
                      struct run *run, struct product *product, int64_t wanted)
{
    struct error error;
    struct map_pass pass;
    struct shift_values shift;
    struct icom_maps maps;
    if (map_pass_choose(&pass, run, NULL, wanted, &error) < 0)
        return -1;
    if (read_shift(&shift, settings, run, &pass, &error) < 0) {
        tell(renewal, run, &error);
        return -1;
    }
    const uint64_t n = (uint64_t)pass.ny * pass.nx;
    const struct shift_transform transform = {rotation_of(settings, run), settings->flip};
    int r = shift.n_measured > 0 ? icom_maps_init(&maps, n, &error) : -ENODATA;
    if (r == 0) {
        const struct integration integration = integration_of(settings, run, shift.n_measured, n);
        take_descan_away(settings, run, &pass, &shift);
        shift_transform_apply(&transform, shift.y, shift.x, n);
        shift_magnitude(maps.magnitude, shift.y, shift.x, n);
        shift_azimuth(maps.azimuth, shift.y, shift.x, n);
        r = integration_run(&integration, &pass, &shift, maps.phi, &error);
        if (r == 0) {
            give(product, &pass, &maps);
            set_provenance(product, settings, run, &pass, &integration, shift.n_measured);
        }
        icom_maps_finish(&maps);
    }
    shift_values_finish(&shift);
    return r;
}

/* ---- the product's renew ---- */

/* Of passes that are over the maps of before stay; when the run is over they are made once more,
 * of all frames. A run without a shape has no map to integrate. */
static void renew(void *data, struct run *run, struct product *product)
{
    struct icom_renew *const renewal = data;
    pthread_mutex_lock(&renewal->mutex);
    const struct icom_settings settings = renewal->settings;
    pthread_mutex_unlock(&renewal->mutex);
    const struct scan_geometry *const scan = run_scan(run);
    if (scan->ny == 0)
        return;
    pthread_mutex_lock(&renewal->working);
    const bool over = atomic_load_explicit(&run->phase, memory_order_acquire) != RUN_ACQUIRING;
    const uint64_t passes = scan_geometry_passes(scan);
    bool changed = false;
    if (over && passes > 1) {
        for (uint64_t pass = 0; pass < passes; pass++)
            changed |= renew_pass(renewal, &settings, run, product, (int64_t)pass) == 0;
    } else {
        changed = renew_pass(renewal, &settings, run, product, MAP_PASS_NEWEST) == 0;
    }
    if (changed)
        given_maps_changed(product);
    pthread_mutex_unlock(&renewal->working);
}

static void destroy(void *data)
{
    struct icom_renew *const renewal = data;
    pthread_mutex_destroy(&renewal->mutex);
    pthread_mutex_destroy(&renewal->working);
    free(renewal);
}

int icom_renew_attach(struct product *product, const struct icom_settings *settings,
                      struct error *error)
{
    struct icom_renew *const renewal = calloc(1, sizeof *renewal);
    if (!renewal)
        return error_set(error, -ENOMEM, "no memory for the map icom");
    pthread_mutex_init(&renewal->mutex, NULL);
    pthread_mutex_init(&renewal->working, NULL);
    renewal->settings = *settings;
    product->given->renew = renew;
    product->given->destroy = destroy;
    product->given->data = renewal;
    return 0;
}

void icom_renew_set(struct product *product, const struct icom_settings *settings)
{
    struct icom_renew *const renewal = product->given->data;
    pthread_mutex_lock(&renewal->mutex);
    renewal->settings = *settings;
    pthread_mutex_unlock(&renewal->mutex);
}
