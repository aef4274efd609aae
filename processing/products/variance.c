#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "processing/products/product_rings.h"
#include "processing/products/profile_products.h"
#include "processing/products/variance_profiles.h"
#include "processing/products/variance_sums.h"

/* Fluctuation electron microscopy: what is variance between the positions of a scan beyond the
 * noise of counting. */

/* Then the profiles, each followed by its errors. */
enum { ARRAY_VARIANCE, ARRAY_FIRST_PROFILE };

#define N_ARRAYS (ARRAY_FIRST_PROFILE + 2 * N_VARIANCE_PROFILES)

struct variance {
    struct product_rings rings;
    struct variance_layout layout;
    double counts_per_electron;
    bool packed;   /* a column has a ring's counts (low) and squares (high); else columns are first
                      all counts, then all squares */
    uint8_t bad[]; /* [n_pixels] */
};

/* In sentences of errors. */
static const char subject[] = "variance";

/* ---- columns ---- */

static void frame(const struct product *product, struct frame *frame, uint64_t *columns)
{
    const struct variance *const state = product->state;
    const uint32_t n_bins = state->rings.bins.n_bins;
    uint64_t counts[RADIAL_MAX_BINS], squares[RADIAL_MAX_BINS];
    const struct frame_rings rings =
        product_rings_sum(&state->rings, frame, product->format.pixel_size, counts, squares);
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
    return &state->rings.plan;
}

void variance_columns_to_sums(const struct product *product, const uint64_t *columns,
                              uint64_t *counts, uint64_t *squares)
{
    const struct variance *const state = product->state;
    const uint32_t n_bins = state->rings.bins.n_bins;
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
    const struct variance_profile_source source = {&state->layout, &state->rings.bins, accumulator,
                                                   state->counts_per_electron};
    if ((which - ARRAY_FIRST_PROFILE) % 2)
        variance_profile_errors(&source, profile, values);
    else
        variance_profile(&source, profile, values);
}

static const struct product_class class = {
    .kind = "variance",
    .frame = frame,
    .rings = rings,
    .accumulate = accumulate,
    .merge = merge,
    .array = array,
    .finish = product_of_rings_finish,
};

bool product_is_variance(const struct product *product)
{
    return product->class == &class;
}

const struct radial_bins *variance_bins(const struct product *product)
{
    const struct variance *const state = product->state;
    return &state->rings.bins;
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
        arrays[i].shape[0] = state->rings.bins.n_bins;
        arrays[i].ring_width = state->rings.bins.settings.bin_width;
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
    arrays[ARRAY_VARIANCE].shape[0] = state->rings.bins.height;
    arrays[ARRAY_VARIANCE].shape[1] = state->rings.bins.width;
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

static int fill(struct product *product, const struct variance_settings *settings,
                const uint8_t *bad, enum cpu_isa isa, struct error *error)
{
    struct variance *const state = product->state;
    const struct pixel_format *const format = &product->format;
    /* Two columns a ring, unless both sums fit one; only the rings tell. */
    const int status = product_rings_init(&state->rings, &settings->rings, bad, format,
                                          PRODUCT_MAX_COLUMNS / 2, isa, subject, error);
    if (status)
        return status;
    const struct radial_bins *const bins = &state->rings.bins;
    for (size_t i = 0; bad && i < (size_t)format->height * format->width; i++)
        state->bad[i] = bad[i] != 0;
    state->packed =
        format->pixel_size == 1 && (uint64_t)bins->largest_area * 255 * 255 <= UINT32_MAX;
    state->counts_per_electron =
        settings->counts_per_electron != 0 ? settings->counts_per_electron : 1;
    variance_layout_init(&state->layout, bins, format->pixel_size,
                         settings->n_blocks ? settings->n_blocks : DEFAULT_BLOCKS,
                         settings->block_length ? settings->block_length : DEFAULT_BLOCK_LENGTH,
                         isa);
    product->n_columns = state->packed ? bins->n_bins : 2 * bins->n_bins;
    product->accumulator_size = state->layout.size;
    return 0;
}

int variance_prepare(struct product *product, const struct variance_settings *settings,
                     const uint8_t *bad, const struct pixel_format *format, enum cpu_isa isa,
                     struct error *error)
{
    const size_t n_pixels = (size_t)format->height * format->width;
    int status = check(settings, format, error);
    if (!status)
        status = product_of_rings_begin(product, &class, format, sizeof(struct variance) + n_pixels,
                                        subject, error);
    if (status)
        return status;
    status = fill(product, settings, bad, isa, error);
    return product_of_rings_end(product, status, status ? NULL : arrays_of(product->state),
                                N_ARRAYS, subject, error);
}
