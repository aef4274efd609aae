#include "processing/stored/halo_bins.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

/* Patterns of a row of bins. */
#define ROW_MAX_BYTES (UINT64_C(1) << 29)
/* As halo.h has it. */
#define MINIMUM_COUNTS 10000

struct work {
    struct halo_bins *bins;
    const struct halo_bins_settings *settings;
    const struct run *run;
    struct frame_sums sums; /* of a row of bins */
    double *pattern;        /* [height][width] */
};

/* ---- one bin ---- */

/* NaN at bad pixels; returns the counts in the window. */
static double take_pattern(const struct work *work, const uint64_t *sums)
{
    const struct halo_settings *const halo = &work->settings->halo;
    const uint32_t height = work->run->format.height, width = work->run->format.width;
    double inside = 0;
    for (uint32_t y = 0; y < height; y++) {
        for (uint32_t x = 0; x < width; x++) {
            const size_t i = (size_t)y * width + x;
            const bool bad = work->settings->bad && work->settings->bad[i];
            const double radius = hypot(y - halo->centre_y, x - halo->centre_x);
            work->pattern[i] = bad ? NAN : (double)sums[i];
            if (!bad && radius >= halo->inner && radius < halo->outer)
                inside += work->pattern[i];
        }
    }
    return inside;
}

static void keep(const struct work *work, size_t i, const struct halo *halo)
{
    const struct halo_bins_settings *const settings = work->settings;
    double *const *const values = work->bins->values;
    const double scale = settings->k_per_pixel > 0 ? settings->k_per_pixel : 1;
    struct halo_strain strain, turned;
    halo_strain_against(&strain, halo, &settings->reference);
    halo_strain_turn(&turned, &strain, settings->azimuth);
    halo_peak_k(halo, scale, settings->k_per_pixel > 0 ? settings->k_error : 0,
                &values[HALO_BIN_K][i], &values[HALO_BIN_K_ERROR][i]);
    values[HALO_BIN_FWHM][i] = halo->width * scale;
    values[HALO_BIN_FWHM_ERROR][i] = halo->width_error * scale;
    values[HALO_BIN_EXX][i] = turned.exx;
    values[HALO_BIN_EYY][i] = turned.eyy;
    values[HALO_BIN_EXY][i] = turned.exy;
    values[HALO_BIN_EXX_ERROR][i] = turned.exx_error;
    values[HALO_BIN_EYY_ERROR][i] = turned.eyy_error;
    values[HALO_BIN_EXY_ERROR][i] = turned.exy_error;
}

static int reason_of(int error)
{
    return error == 0          ? HALO_BIN_FITTED
           : error == -ENODATA ? HALO_BIN_NO_PEAK
           : error == -ERANGE  ? HALO_BIN_NO_FIT
           : error == -EDOM    ? HALO_BIN_MASKED
                               : -1;
}

/* Returns the reason, or a negative errno with a sentence. */
static int measure(const struct work *work, size_t i, uint64_t frames, const uint64_t *sums,
                   struct error *error)
{
    struct halo halo;
    struct error why = {0};
    if (frames == 0)
        return HALO_BIN_EMPTY;
    work->bins->counts[i] = take_pattern(work, sums);
    if (work->bins->counts[i] < work->settings->halo.minimum_counts)
        return HALO_BIN_FEW_COUNTS;
    const int r = halo_measure(&halo, &work->settings->halo, work->pattern,
                               work->run->format.height, work->run->format.width, &why);
    if (r == 0)
        keep(work, i, &halo);
    const int reason = reason_of(r);
    if (reason < 0) {
        *error = why;
        return r;
    }
    return reason;
}

/* ---- a row of bins ---- */

static uint32_t bin_of(const void *data, uint64_t position)
{
    const struct halo_bins_settings *const settings = data;
    return (uint32_t)((position - settings->first) % settings->nx / settings->bin) + 1;
}

static int sum_row(struct work *work, struct chunk_reader *reader, uint32_t row,
                   struct error *error)
{
    const struct halo_bins_settings *const settings = work->settings;
    const struct frame_sums_source source = {
        .reader = reader,
        .layer = settings->layer,
        .scan = settings->scan,
        .label_of = bin_of,
        .data = settings,
    };
    struct frame_sums_progress unused = {0};
    const uint64_t line = (uint64_t)row * settings->bin;
    const uint64_t lines =
        settings->ny - line < settings->bin ? settings->ny - line : settings->bin;
    frame_sums_clear(&work->sums);
    return frame_sums_add(&work->sums, &source, settings->first + line * settings->nx,
                          lines * settings->nx, &unused, error);
}

static int measure_row(struct work *work, uint32_t row, struct frame_sums_progress *progress,
                       struct error *error)
{
    struct halo_bins *const bins = work->bins;
    for (uint32_t column = 0; column < bins->n_x; column++) {
        const size_t i = (size_t)row * bins->n_x + column;
        if (atomic_load_explicit(&progress->stop, memory_order_relaxed))
            return error_set(error, -ECANCELED, "stopped");
        bins->frames[i] = work->sums.frames[column];
        const int reason = measure(work, i, bins->frames[i],
                                   work->sums.patterns + column * work->sums.n_pixels, error);
        if (reason < 0)
            return reason;
        bins->reasons[i] = (uint8_t)reason;
        bins->n_of[reason]++;
        atomic_fetch_add_explicit(&progress->done, 1, memory_order_relaxed);
    }
    return 0;
}

static int measure_all(struct work *work, struct run *run, struct frame_sums_progress *progress,
                       struct error *error)
{
    struct chunk_reader reader;
    int r = chunk_reader_init(&reader, run, error);
    if (r < 0)
        return r;
    for (uint32_t row = 0; row < work->bins->n_y && r == 0; row++) {
        r = sum_row(work, &reader, row, error);
        if (r == 0)
            r = measure_row(work, row, progress, error);
    }
    work->bins->left_out = work->sums.left_out;
    chunk_reader_finish(&reader);
    return r;
}

/* ---- all ---- */

static int give_memory(struct halo_bins *bins, struct error *error)
{
    const size_t n = (size_t)bins->n_y * bins->n_x;
    bool good = true;
    for (int i = 0; i < HALO_BIN_VALUES; i++) {
        bins->values[i] = malloc(n * sizeof(double));
        good &= bins->values[i] != NULL;
        for (size_t j = 0; bins->values[i] && j < n; j++)
            bins->values[i][j] = NAN;
    }
    bins->counts = calloc(n, sizeof *bins->counts);
    bins->frames = calloc(n, sizeof *bins->frames);
    bins->reasons = calloc(n, sizeof *bins->reasons);
    if (good && bins->counts && bins->frames && bins->reasons)
        return 0;
    return error_set(error, -ENOMEM, "no memory for the bins");
}

int halo_bins_init(struct halo_bins *bins, const struct halo_bins_settings *settings,
                   struct run *run, struct frame_sums_progress *progress, struct error *error)
{
    struct halo_bins_settings complete = *settings;
    struct work work = {.bins = bins, .settings = &complete, .run = run};
    const size_t n_pixels = (size_t)run->format.height * run->format.width;
    if (!(complete.halo.minimum_counts > 0))
        complete.halo.minimum_counts = MINIMUM_COUNTS;
    *bins = (struct halo_bins){
        .n_y = (settings->ny + settings->bin - 1) / settings->bin,
        .n_x = (settings->nx + settings->bin - 1) / settings->bin,
    };
    if (bins->n_x * n_pixels * sizeof(uint64_t) > ROW_MAX_BYTES)
        return error_set(error, -EINVAL,
                         "a row of %u bins of %u x %u pixels takes too much memory: larger bins",
                         bins->n_x, run->format.height, run->format.width);
    atomic_store_explicit(&progress->total, (uint64_t)bins->n_y * bins->n_x, memory_order_relaxed);
    int r = give_memory(bins, error);
    work.pattern = malloc(n_pixels * sizeof *work.pattern);
    if (r == 0 && !work.pattern)
        r = error_set(error, -ENOMEM, "no memory for a pattern");
    if (r == 0)
        r = frame_sums_init(&work.sums, run, bins->n_x, error);
    if (r == 0)
        r = measure_all(&work, run, progress, error);
    frame_sums_finish(&work.sums);
    free(work.pattern);
    if (r < 0)
        halo_bins_finish(bins);
    return r;
}

void halo_bins_finish(struct halo_bins *bins)
{
    for (int i = 0; i < HALO_BIN_VALUES; i++)
        free(bins->values[i]);
    free(bins->counts);
    free(bins->frames);
    free(bins->reasons);
    *bins = (struct halo_bins){0};
}
