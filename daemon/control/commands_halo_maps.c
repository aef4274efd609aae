#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "daemon/control/analysis.h"
#include "daemon/control/commands.h"
#include "daemon/control/commands_calibration.h"
#include "daemon/control/measure_halo.h"
#include "daemon/json_time.h"
#include "processing/run/given_maps.h"
#include "processing/run/run_products.h"
#include "processing/stored/halo_bins.h"

/* halo_maps: the first peak of the halo and the strain in bins of positions, as maps of the run. */

/* Read from the request on the service thread; `bins` is what the job makes of it. */
struct halo_job {
    struct halo_bins_settings settings;
    struct halo_reference reference;
    json_t *warnings; /* owned */
    bool made;
    uint32_t n_x;                          /* bins in a row */
    const double *values[HALO_BIN_VALUES]; /* of the reply's parts */
};

static const struct halo_map {
    const char *name, *description;
    bool is_k; /* its unit is that of k */
} halo_maps[HALO_BIN_VALUES] = {
    [HALO_BIN_K] = {"halo_k", "k of the halo's first peak", true},
    [HALO_BIN_K_ERROR] = {"halo_k_error", "standard error of halo_k", true},
    [HALO_BIN_FWHM] = {"halo_fwhm", "FWHM of the halo's first peak, the probe's disk in it", true},
    [HALO_BIN_FWHM_ERROR] = {"halo_fwhm_error", "standard error of halo_fwhm", true},
    [HALO_BIN_EXX] = {"e_xx", "strain of the halo along the azimuth of provenance", false},
    [HALO_BIN_EYY] = {"e_yy", "strain of the halo across the azimuth of provenance", false},
    [HALO_BIN_EXY] = {"e_xy", "shear strain of the halo (of the tensor)", false},
    [HALO_BIN_EXX_ERROR] = {"e_xx_error", "standard error of e_xx", false},
    [HALO_BIN_EYY_ERROR] = {"e_yy_error", "standard error of e_yy", false},
    [HALO_BIN_EXY_ERROR] = {"e_xy_error", "standard error of e_xy", false},
};

static const char *units_of(const struct halo_job *job, int value)
{
    if (!halo_maps[value].is_k)
        return "";
    return job->settings.k_per_pixel > 0 ? "nm^-1" : "pixels";
}

/* ---- the job ---- */

static void add_bins(struct analysis *analysis, const struct halo_bins *bins, const char *name,
                     const char *dtype, const char *units, void *values, size_t item_size)
{
    analysis_add_part(analysis, name, dtype,
                      json_pack("[I, I]", (json_int_t)bins->n_y, (json_int_t)bins->n_x),
                      json_pack("[s, s]", "bin_y", "bin_x"), units, values,
                      (size_t)bins->n_y * bins->n_x * item_size);
}

static json_t *reasons_json(const struct halo_bins *bins)
{
    static const char *const names[HALO_BIN_REASONS] = {
        [HALO_BIN_FITTED] = "fitted",         [HALO_BIN_EMPTY] = "empty",
        [HALO_BIN_FEW_COUNTS] = "few_counts", [HALO_BIN_NO_PEAK] = "no_peak",
        [HALO_BIN_NO_FIT] = "no_fit",         [HALO_BIN_MASKED] = "masked",
    };
    json_t *const json = json_object();
    for (int i = 0; i < HALO_BIN_REASONS; i++)
        json_object_set_new(json, names[i], json_integer((json_int_t)bins->n_of[i]));
    return json;
}

/* Takes the arrays over. */
static void answer(struct analysis *analysis, struct halo_job *job, struct halo_bins *bins)
{
    const struct halo_bins_settings *const settings = &job->settings;
    json_t *const result = analysis->result;
    json_object_set_new(result, "reference", json_string(job->reference.name));
    json_object_set_new(result, "bin", json_integer((json_int_t)settings->bin));
    json_object_set_new(result, "azimuth", json_real(settings->azimuth));
    json_object_set_new(result, "window",
                        json_pack("[f, f]", settings->halo.inner, settings->halo.outer));
    json_object_set_new(result, "minimum_counts", json_real(settings->halo.minimum_counts));
    json_object_set_new(result, "bins", reasons_json(bins));
    json_object_set_new(result, "left_out", json_integer((json_int_t)bins->left_out));
    json_object_set(result, "warnings", job->warnings);
    for (int i = 0; i < HALO_BIN_VALUES; i++) {
        job->values[i] = bins->values[i];
        add_bins(analysis, bins, halo_maps[i].name, "<f8", units_of(job, i), bins->values[i], 8);
        bins->values[i] = NULL;
    }
    add_bins(analysis, bins, "frames", "<u8", "", bins->frames, sizeof *bins->frames);
    add_bins(analysis, bins, "reason", "|u1", "", bins->reasons, 1);
    job->n_x = bins->n_x;
    job->made = true;
    bins->frames = NULL;
    bins->reasons = NULL;
    halo_bins_finish(bins);
}

static void analyse(struct analysis *analysis)
{
    struct halo_job *const job = analysis->data;
    const struct map_pass *const pass = &analysis->pass;
    struct halo_bins bins;
    job->settings.ny = pass->ny;
    job->settings.nx = pass->nx;
    job->settings.first = pass->pass * pass->ny * pass->nx;
    job->settings.scan = &pass->view->scan;
    job->settings.bad = run_bad_pixels(analysis->run);
    if (analysis_take_layer(analysis, &job->settings.layer) < 0)
        return;
    const int r =
        halo_bins_init(&bins, &job->settings, analysis->run, analysis->sweep, &analysis->error);
    if (r < 0)
        analysis_refuse_error(analysis, r, NULL);
    else
        answer(analysis, job, &bins);
}

/* ---- afterwards: the maps of the run ---- */

static char *provenance_of(const struct analysis *analysis, const struct halo_job *job)
{
    const struct halo_bins_settings *const settings = &job->settings;
    json_t *const json =
        json_pack("{s:s, s:o, s:s, s:{s:s, s:s, s:o}, s:I, s:f, s:[f, f], s:[f, f], s:f, s:f, s:I}",
                  "origin", "computed", "time", json_time(clock_realtime_ns()), "what", "halo_maps",
                  "reference", "name", job->reference.name, "run", job->reference.run, "time",
                  json_time(job->reference.time_ns), "bin", (json_int_t)settings->bin, "azimuth",
                  settings->azimuth, "window", settings->halo.inner, settings->halo.outer, "centre",
                  settings->halo.centre_y, settings->halo.centre_x, "overdispersion",
                  settings->halo.overdispersion, "pixel_size_k", settings->k_per_pixel, "geometry",
                  (json_int_t)analysis->pass.view->version);
    char *const text = json ? json_dumps(json, JSON_COMPACT | JSON_REAL_PRECISION(9)) : NULL;
    json_decref(json);
    return text;
}

static int give(const struct halo_job *job, struct product *product)
{
    const struct halo_bins_settings *const settings = &job->settings;
    const uint64_t n = (uint64_t)settings->ny * settings->nx;
    bool good = true;
    for (uint64_t i = 0; i < n && good; i++) {
        const int64_t exposure = scan_geometry_frame_index(settings->scan, settings->first + i);
        const size_t bin =
            i / settings->nx / settings->bin * job->n_x + i % settings->nx / settings->bin;
        uint64_t bits[HALO_BIN_VALUES], there = 0;
        for (int j = 0; j < HALO_BIN_VALUES; j++) {
            memcpy(&bits[j], &job->values[j][bin], sizeof bits[j]);
            there |= (uint64_t)!isnan(job->values[j][bin]) << j;
        }
        good = exposure < 0 || given_maps_put(product, (uint64_t)exposure, bits, there);
    }
    return good ? 0 : -ENOMEM;
}

static int show(struct analysis *analysis, const struct halo_job *job)
{
    struct given_map maps[HALO_BIN_VALUES];
    for (int i = 0; i < HALO_BIN_VALUES; i++)
        maps[i] = (struct given_map){halo_maps[i].name, MAP_DTYPE_F64, units_of(job, i),
                                     halo_maps[i].description};
    char *const provenance = provenance_of(analysis, job);
    struct product *const product =
        provenance
            ? given_maps_home(analysis->run, maps, HALO_BIN_VALUES, provenance, &analysis->error)
            : NULL;
    free(provenance);
    if (!product || give(job, product) < 0)
        return analysis_refuse(analysis, "internal", NULL, "no memory for the maps");
    if (given_maps_show(analysis->run, product, &analysis->error) < 0)
        return analysis_refuse_error(analysis, -ENOMEM, NULL);
    return 0;
}

/* A run that another one has followed meanwhile gets no maps any more. */
static void finish(struct analysis *analysis, bool cancelled)
{
    struct halo_job *const job = analysis->data;
    struct acquisition *const acquisition = analysis->service->acquisition;
    if (!cancelled && job->made) {
        const bool newest = acquisition_run(acquisition) == analysis->run;
        const char *recorded = "off";
        if (newest && show(analysis, job) == 0)
            recorded = acquisition_record_given(acquisition);
        json_object_set_new(analysis->result, "recorded", json_string(recorded));
    }
    json_decref(job->warnings);
    free(job);
}

/* ---- the request ---- */

static bool take_window(struct request *request, const json_t *args,
                        struct halo_bins_settings *settings)
{
    struct halo_settings *const halo = &settings->halo;
    double centre[2], bin = 8;
    bool given;
    if (!calibration_take_number(request, args, "inner", 0.5, 1e5, &halo->inner) ||
        !calibration_take_number(request, args, "outer", 0.5, 1e5, &halo->outer) ||
        !calibration_take_pair(request, args, "centre", centre, &given) ||
        !calibration_take_number(request, args, "minimum_counts", 0, 1e15, &halo->minimum_counts) ||
        !calibration_take_number(request, args, "azimuth", -360, 360, &settings->azimuth) ||
        !calibration_take_number(request, args, "bin", 1, 65536, &bin))
        return false;
    if (given) {
        halo->centre_y = centre[0];
        halo->centre_x = centre[1];
    }
    settings->bin = (uint32_t)bin;
    if (bin == floor(bin))
        return true;
    request_fail(request, "bad_value", "args.bin", "bin must be a whole number of positions");
    return false;
}

static void fill(struct halo_job *job, const struct halo_reference *reference,
                 const struct calibration *calibration, const struct run *run)
{
    const struct calibration_value *const size = &calibration->values[CALIBRATION_PIXEL_SIZE_K];
    job->reference = *reference;
    job->settings.halo = reference->settings;
    job->settings.halo.overdispersion =
        fmax(1, run->plan->analysis.variance_settings.counts_per_electron);
    job->settings.reference = reference->halo;
    job->settings.k_per_pixel = size->known ? size->value[0] : 0;
    job->settings.k_error = size->known ? size->error[0] : 0;
    job->warnings = halo_warnings_json(
        calibration_number(calibration, CALIBRATION_CAMERA_LENGTH, NAN), reference);
}

void command_halo_maps(const struct control_service *service, struct request *request, json_t *args)
{
    const struct run *const run = acquisition_run(service->acquisition);
    if (!run) {
        request_fail(request, "no_data", NULL, "nothing was measured yet: start a scan first");
        return;
    }
    struct halo_reference reference;
    if (!halo_take_reference(service, request, args, run->format.height, run->format.width,
                             &reference))
        return;
    struct halo_job *const job = calloc(1, sizeof *job);
    if (!job) {
        request_fail(request, "internal", NULL, "no memory to measure halos");
        return;
    }
    fill(job, &reference, acquisition_calibration(service->acquisition), run);
    if (take_window(request, args, &job->settings)) {
        analysis_start_sweep(service, request, args, "halo_maps", job, analyse, finish);
        return;
    }
    json_decref(job->warnings);
    free(job);
}
