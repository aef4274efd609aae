#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "processing/products/product_rings.h"
#include "processing/products/profile_products.h"

/* Radial profiles: the counts of every ring, frame by frame. */
enum { ARRAY_SUM, ARRAY_MEAN, ARRAY_AREA, N_ARRAYS };

struct radial_profile {
    struct product_rings rings;
    bool two_a_column; /* bins 2 i and 2 i + 1 are the halves of column i, the even one low */
};

/* In sentences of errors. */
static const char subject[] = "radial profile";

/* One worker's; see processing/run/product_set.h. */
struct accumulator {
    uint64_t n_frames;
    uint64_t sums[]; /* [n_bins] */
};

static unsigned columns_needed(uint32_t n_bins, bool two_a_column)
{
    return two_a_column ? n_bins / 2 + n_bins % 2 : n_bins;
}

static void pack(uint64_t *columns, const uint64_t *counts, uint32_t n_bins)
{
    for (uint32_t bin = 0; bin < n_bins; bin += 2)
        columns[bin / 2] = counts[bin] | (bin + 1 < n_bins ? counts[bin + 1] << 32 : 0);
}

static void unpack(uint64_t *counts, const uint64_t *columns, uint32_t n_bins)
{
    for (uint32_t bin = 0; bin < n_bins; bin++)
        counts[bin] = (uint32_t)(columns[bin / 2] >> (bin % 2 ? 32 : 0));
}

static void frame(const struct product *product, struct frame *frame, uint64_t *columns)
{
    const struct radial_profile *const state = product->state;
    const uint32_t n_bins = state->rings.bins.n_bins;
    uint64_t room[RADIAL_MAX_BINS];
    const struct frame_rings rings =
        product_rings_sum(&state->rings, frame, product->format.pixel_size, room, NULL);
    if (state->two_a_column)
        pack(columns, rings.counts, n_bins);
    else
        memcpy(columns, rings.counts, n_bins * sizeof *columns);
}

static const struct radial_plan *rings(const struct product *product)
{
    const struct radial_profile *const state = product->state;
    return &state->rings.plan;
}

size_t radial_profile_count_size(const struct product *product)
{
    const struct radial_profile *const state = product->state;
    return state->two_a_column ? sizeof(uint32_t) : sizeof(uint64_t);
}

void radial_profile_columns_to_counts(const struct product *product, const uint64_t *columns,
                                      uint64_t *counts)
{
    const struct radial_profile *const state = product->state;
    if (state->two_a_column)
        unpack(counts, columns, state->rings.bins.n_bins);
    else
        memcpy(counts, columns, state->rings.bins.n_bins * sizeof *counts);
}

static void accumulate(const struct product *product, uint64_t exposure, struct frame *frame,
                       const uint64_t *columns, void *accumulator)
{
    const struct radial_profile *const state = product->state;
    struct accumulator *const mine = accumulator;
    uint64_t counts[RADIAL_MAX_BINS];
    radial_profile_columns_to_counts(product, columns, counts);
    for (uint32_t bin = 0; bin < state->rings.bins.n_bins; bin++)
        mine->sums[bin] += counts[bin];
    mine->n_frames++;
}

static void merge(const struct product *product, void *into, const void *from)
{
    const struct radial_profile *const state = product->state;
    struct accumulator *const sum = into;
    const struct accumulator *const share = from;
    for (uint32_t bin = 0; bin < state->rings.bins.n_bins; bin++)
        sum->sums[bin] += share->sums[bin];
    sum->n_frames += share->n_frames;
}

static void write_means(const struct radial_bins *bins, const struct accumulator *accumulator,
                        double *means)
{
    for (uint32_t bin = 0; bin < bins->n_bins; bin++) {
        const double samples = (double)bins->areas[bin] * (double)accumulator->n_frames;
        means[bin] = samples > 0 ? (double)accumulator->sums[bin] / samples : NAN;
    }
}

static void array(const struct product *product, unsigned which, const void *accumulator,
                  void *values)
{
    const struct radial_bins *const bins = radial_profile_bins(product);
    const struct accumulator *const merged = accumulator;
    if (which == ARRAY_MEAN)
        write_means(bins, merged, values);
    else
        memcpy(values, which == ARRAY_SUM ? merged->sums : bins->areas,
               bins->n_bins * sizeof(uint64_t));
}

static const struct product_class class = {
    .kind = "radial_profile",
    .frame = frame,
    .rings = rings,
    .accumulate = accumulate,
    .merge = merge,
    .array = array,
    .finish = product_of_rings_finish,
};

bool product_is_radial_profile(const struct product *product)
{
    return product->class == &class;
}

const struct radial_bins *radial_profile_bins(const struct product *product)
{
    const struct radial_profile *const state = product->state;
    return &state->rings.bins;
}

static const struct product_array descriptions[N_ARRAYS] = {
    [ARRAY_SUM] = {.name = "radial_sum",
                   .dtype = MAP_DTYPE_U64,
                   .units = "counts",
                   .description = "counts of each ring, sum over all placed frames"},
    [ARRAY_MEAN] = {.name = "radial_mean",
                    .dtype = MAP_DTYPE_F64,
                    .units = "counts",
                    .description = "counts per pixel and frame of each ring; NaN before the first "
                                   "frame and for a ring without pixels"},
    [ARRAY_AREA] = {.name = "radial_area",
                    .dtype = MAP_DTYPE_U64,
                    .units = "px",
                    .description = "good pixels of each ring"},
};

static struct product_array *arrays_of(const struct radial_bins *bins)
{
    struct product_array *const arrays = malloc(sizeof descriptions);
    if (!arrays)
        return NULL;
    memcpy(arrays, descriptions, sizeof descriptions);
    for (unsigned i = 0; i < N_ARRAYS; i++) {
        arrays[i].rank = 1;
        arrays[i].shape[0] = bins->n_bins;
        arrays[i].ring_width = bins->settings.bin_width;
    }
    return arrays;
}

/* Whether the sum of a bin of full-scale pixels fits 32 bits. */
static bool halves_fit(const struct radial_bins *bins, uint32_t pixel_size)
{
    return pixel_size < 4 &&
           (uint64_t)bins->largest_area * (UINT32_MAX >> (32 - 8 * pixel_size)) <= UINT32_MAX;
}

static int fill(struct product *product, const struct radial_settings *settings, const uint8_t *bad,
                enum cpu_isa isa, struct error *error)
{
    struct radial_profile *const state = product->state;
    const int status = product_rings_init(&state->rings, settings, bad, &product->format,
                                          RADIAL_MAX_BINS, isa, subject, error);
    if (status)
        return status;
    const uint32_t n_bins = state->rings.bins.n_bins;
    state->two_a_column = halves_fit(&state->rings.bins, product->format.pixel_size);
    product->n_columns = columns_needed(n_bins, state->two_a_column);
    product->accumulator_size = sizeof(struct accumulator) + n_bins * sizeof(uint64_t);
    return 0;
}

int radial_profile_prepare(struct product *product, const struct radial_settings *settings,
                           const uint8_t *bad, const struct pixel_format *format, enum cpu_isa isa,
                           struct error *error)
{
    int status = product_of_rings_begin(product, &class, format, sizeof(struct radial_profile),
                                        subject, error);
    if (status)
        return status;
    status = fill(product, settings, bad, isa, error);
    return product_of_rings_end(product, status,
                                status ? NULL : arrays_of(radial_profile_bins(product)), N_ARRAYS,
                                subject, error);
}
