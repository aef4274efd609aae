#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "processing/kernels/kernels_radial.h"
#include "processing/pixels/radial_plan.h"
#include "processing/products/profile_products.h"
#include "processing/products/variance_profiles.h"
#include "processing/products/variance_sums.h"

/* Fluctuation electron microscopy: what is variance between the positions of a scan beyond the
 * noise of counting. */

/* Then the profiles, each followed by its errors. */
enum { ARRAY_VARIANCE, ARRAY_FIRST_PROFILE };

#define N_ARRAYS (ARRAY_FIRST_PROFILE + 2 * N_VARIANCE_PROFILES)

struct variance {
    const struct radial_kernels *kernels;
    struct radial_bins bins;
    struct radial_plan plan;
    struct variance_layout layout;
    uint8_t *bad; /* [n_pixels] */
    double counts_per_electron;
    bool packed; /* a column has a ring's counts (low) and squares (high); else columns are first
                    all counts, then all squares */
};

static const char no_memory[] = "no memory for the variance";

/* ---- columns ---- */

static void frame(const struct product *product, struct frame *frame, uint64_t *columns)
{
    const struct variance *const state = product->state;
    const uint32_t n_bins = state->bins.n_bins;
    uint64_t counts[RADIAL_MAX_BINS], squares[RADIAL_MAX_BINS];
    const struct frame_rings rings = frame_rings(frame, &state->plan, state->kernels,
                                                 product->format.pixel_size, counts, squares);
    for (uint32_t bin = 0; bin < n_bins; bin++) {
        if (state->packed) {
            columns[bin] = rings.counts[bin] | rings.squares[bin] << 32;
        } else {
            columns[bin] = rings.counts[bin];
            columns[n_bins + bin] = rings.squares[bin];
        }
    }
}

static const struct radial_plan *rings(const struct product *product)
{
    const struct variance *const state = product->state;
    return &state->plan;
}

void variance_columns_to_sums(const struct product *product, const uint64_t *columns,
                              uint64_t *counts, uint64_t *squares)
{
    const struct variance *const state = product->state;
    const uint32_t n_bins = state->bins.n_bins;
    for (uint32_t bin = 0; bin < n_bins; bin++) {
        counts[bin] = state->packed ? (uint32_t)columns[bin] : columns[bin];
        squares[bin] = state->packed ? columns[bin] >> 32 : columns[n_bins + bin];
    }
}

/* ---- accumulator ---- */

static void accumulate(const struct product *product, uint64_t exposure, struct frame *frame,
                       const uint64_t *columns, void *accumulator)
{
    const struct variance *const state = product->state;
    uint64_t counts[RADIAL_MAX_BINS], squares[RADIAL_MAX_BINS];
    variance_columns_to_sums(product, columns, counts, squares);
    variance_sums_add(&state->layout, accumulator, exposure, frame, counts, squares);
}

static void merge(const struct product *product, void *into, const void *from)
{
    const struct variance *const state = product->state;
    variance_sums_merge(&state->layout, into, from);
}

/* In place: uint64_t and double have the same size. */
static void write_variance(const struct variance *state, const void *accumulator, void *values)
{
    const struct variance_layout *const layout = &state->layout;
    const uint64_t frames = variance_frames(layout, accumulator);
    uint64_t *const counts = values;
    memset(counts, 0, layout->n_pixels * sizeof *counts);
    for (uint32_t block = 0; block < layout->n_blocks; block++)
        variance_add_block_counts(layout, accumulator, block, counts);
    for (size_t i = 0; i < layout->n_pixels; i++) {
        const wide_count squares = variance_pairs(layout, accumulator, i) + counts[i];
        const double v = state->bad[i] ? NAN : variance_of_pixel(counts[i], squares, frames);
        memcpy(&counts[i], &v, sizeof v);
    }
}

static void array(const struct product *product, unsigned which, const void *accumulator,
                  void *values)
{
    const struct variance *const state = product->state;
    if (which == ARRAY_VARIANCE) {
        write_variance(state, accumulator, values);
        return;
    }
    const enum variance_profile profile = (which - ARRAY_FIRST_PROFILE) / 2;
    const struct variance_profile_source source = {&state->layout, &state->bins, accumulator,
                                                   state->counts_per_electron};
    if ((which - ARRAY_FIRST_PROFILE) % 2)
        variance_profile_errors(&source, profile, values);
    else
        variance_profile(&source, profile, values);
}

static void state_destroy(struct variance *state)
{
    if (!state)
        return;
    radial_plan_finish(&state->plan);
    radial_bins_finish(&state->bins);
    free(state->bad);
    free(state);
}

static void finish(struct product *product)
{
    state_destroy(product->state);
    free(product->arrays);
    product->state = NULL;
    product->arrays = NULL;
}

static const struct product_class class = {
    .kind = "variance",
    .frame = frame,
    .rings = rings,
    .accumulate = accumulate,
    .merge = merge,
    .array = array,
    .finish = finish,
};

bool product_is_variance(const struct product *product)
{
    return product->class == &class;
}

const struct radial_bins *variance_bins(const struct product *product)
{
    const struct variance *const state = product->state;
    return &state->bins;
}

/* ---- preparing ---- */

static void describe(struct product_array *array, const char *name, const char *description)
{
    array->dtype = MAP_DTYPE_F64;
    array->units = "";
    snprintf(array->name, sizeof array->name, "%s", name);
    snprintf(array->description, sizeof array->description, "%s", description);
}

static void describe_profile(struct product_array *arrays, enum variance_profile profile,
                             const struct variance *state)
{
    static const char *const names[N_VARIANCE_PROFILES] = {"v_image", "v_r", "v_re", "omega"};
    static const char *const whats[N_VARIANCE_PROFILES] = {
        "annular mean of the variance image", "mean of the variances within the ring",
        "variance within the ring of all frames together", "variance of the annular means"};
    char name[40], what[140];
    snprintf(what, sizeof what, "%s, Poisson noise taken off, F = %g", whats[profile],
             state->counts_per_electron);
    describe(&arrays[0], names[profile], what);
    snprintf(name, sizeof name, "%s_error", names[profile]);
    snprintf(what, sizeof what,
             "standard error of %s: jackknife, %" PRIu32 " blocks, %" PRIu32 " frames at a time",
             names[profile], state->layout.n_blocks, state->layout.block_length);
    describe(&arrays[1], name, what);
    for (unsigned i = 0; i < 2; i++) {
        arrays[i].rank = 1;
        arrays[i].shape[0] = state->bins.n_bins;
        arrays[i].ring_width = state->bins.settings.bin_width;
    }
}

static struct product_array *arrays_of(const struct variance *state)
{
    struct product_array *const arrays = calloc(N_ARRAYS, sizeof *arrays);
    if (!arrays)
        return NULL;
    describe(&arrays[ARRAY_VARIANCE], "variance",
             "normalised variance of each pixel, Poisson noise taken off; NaN where fewer than two "
             "frames have counts");
    arrays[ARRAY_VARIANCE].rank = 2;
    arrays[ARRAY_VARIANCE].shape[0] = state->bins.height;
    arrays[ARRAY_VARIANCE].shape[1] = state->bins.width;
    for (unsigned profile = 0; profile < N_VARIANCE_PROFILES; profile++)
        describe_profile(&arrays[ARRAY_FIRST_PROFILE + 2 * profile], profile, state);
    return arrays;
}

static int check(const struct variance_settings *settings, const struct pixel_format *format,
                 struct error *error)
{
    if (format->counter_depth == 1)
        return error_set(error, -ENOTSUP,
                         "V is not available in 1-bit mode: n(n-1) is 0; sum at least two "
                         "exposures, or count with 6 bits or more");
    if (!radial_kernels_for(CPU_ISA_PLAIN, format->pixel_size))
        return error_set(error, -ENOTSUP, "variance: no code for pixels of %" PRIu32 " bytes",
                         format->pixel_size);
    if (settings->counts_per_electron != 0 &&
        !(settings->counts_per_electron >= 1 && settings->counts_per_electron <= 100))
        return error_set(error, -EINVAL,
                         "variance: %g counts per electron; give F, variance / mean of the counts "
                         "of a ring, 1 (no charge sharing) to 100",
                         settings->counts_per_electron);
    if (settings->n_blocks == 1 || settings->n_blocks > VARIANCE_MAX_BLOCKS)
        return error_set(error, -EINVAL, "variance: %" PRIu32 " blocks; give 2 to %d",
                         settings->n_blocks, VARIANCE_MAX_BLOCKS);
    return 0;
}

#define DEFAULT_BLOCKS 16
#define DEFAULT_BLOCK_LENGTH 16

static int fill_state(struct variance *state, const struct variance_settings *settings,
                      const uint8_t *bad, const struct pixel_format *format, enum cpu_isa isa,
                      struct error *error)
{
    /* Two columns a ring, unless both sums fit one; only the rings tell. */
    const int status = radial_bins_init(&state->bins, &settings->rings, bad, format->height,
                                        format->width, PRODUCT_MAX_COLUMNS / 2, error);
    if (status)
        return status;
    const size_t n_pixels = (size_t)format->height * format->width;
    state->bad = calloc(n_pixels, 1);
    if (!state->bad ||
        radial_plan_init(&state->plan, &state->bins, radial_kernels_need_tiles(isa)) < 0)
        return error_set(error, -ENOMEM, no_memory);
    for (size_t i = 0; bad && i < n_pixels; i++)
        state->bad[i] = bad[i] != 0;
    state->packed =
        format->pixel_size == 1 && (uint64_t)state->bins.largest_area * 255 * 255 <= UINT32_MAX;
    state->counts_per_electron =
        settings->counts_per_electron != 0 ? settings->counts_per_electron : 1;
    variance_layout_init(&state->layout, &state->bins, format->pixel_size,
                         settings->n_blocks ? settings->n_blocks : DEFAULT_BLOCKS,
                         settings->block_length ? settings->block_length : DEFAULT_BLOCK_LENGTH,
                         isa);
    return 0;
}

int variance_prepare(struct product *product, const struct variance_settings *settings,
                     const uint8_t *bad, const struct pixel_format *format, enum cpu_isa isa,
                     struct error *error)
{
    int status = check(settings, format, error);
    if (status)
        return status;
    struct variance *const state = calloc(1, sizeof *state);
    if (!state)
        return error_set(error, -ENOMEM, no_memory);
    state->kernels = radial_kernels_for(isa, format->pixel_size);
    status = fill_state(state, settings, bad, format, isa, error);
    if (status)
        goto fail;
    product->arrays = arrays_of(state);
    if (!product->arrays) {
        status = error_set(error, -ENOMEM, no_memory);
        goto fail;
    }
    product->class = &class;
    product->format = *format;
    product->n_columns = state->packed ? state->bins.n_bins : 2 * state->bins.n_bins;
    product->n_arrays = N_ARRAYS;
    product->accumulator_size = state->layout.size;
    product->state = state;
    return 0;

fail:
    state_destroy(state);
    return status;
}
