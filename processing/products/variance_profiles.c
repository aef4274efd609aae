#include "processing/products/variance_profiles.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* Sums over the rings of S^2, of all frames and without each of the blocks. */
struct pattern_sums {
    wide_count *all;     /* [n_bins] */
    wide_count *without; /* [n_blocks][n_bins], or NULL */
};

/* Adds (plus[i] - minus[i])^2 of every pixel to its ring; `minus` NULL: nothing is taken off. */
static void add_squares(const struct radial_bins *bins, const uint64_t *plus, const uint64_t *minus,
                        wide_count *sums)
{
    const size_t n_pixels = (size_t)bins->height * bins->width;
    for (size_t i = 0; i < n_pixels; i++) {
        const uint64_t counts = minus ? plus[i] - minus[i] : plus[i];
        if (bins->bin_of[i] < bins->n_bins)
            sums[bins->bin_of[i]] += (wide_count)counts * counts;
    }
}

static void pattern_sums_finish(struct pattern_sums *sums)
{
    free(sums->all);
    free(sums->without);
}

/* `all` and `some` are scratch, [n_pixels]. */
static void fill(struct pattern_sums *sums, const struct variance_profile_source *source,
                 uint64_t *all, uint64_t *some)
{
    const struct variance_layout *const layout = source->layout;
    memset(all, 0, layout->n_pixels * sizeof *all);
    for (uint32_t block = 0; block < layout->n_blocks; block++)
        variance_add_block_counts(layout, source->accumulator, block, all);
    add_squares(source->bins, all, NULL, sums->all);
    for (uint32_t block = 0; sums->without && block < layout->n_blocks; block++) {
        memset(some, 0, layout->n_pixels * sizeof *some);
        variance_add_block_counts(layout, source->accumulator, block, some);
        add_squares(source->bins, all, some, sums->without + (size_t)block * layout->n_bins);
    }
}

static bool pattern_sums_init(struct pattern_sums *sums,
                              const struct variance_profile_source *source, bool without_blocks)
{
    const struct variance_layout *const layout = source->layout;
    const size_t n_bins = layout->n_bins;
    uint64_t *const scratch = malloc(2 * layout->n_pixels * sizeof *scratch);
    sums->all = calloc(n_bins, sizeof *sums->all);
    sums->without =
        without_blocks ? calloc(n_bins * layout->n_blocks, sizeof *sums->without) : NULL;
    const bool memory = scratch && sums->all && (!without_blocks || sums->without);
    if (memory)
        fill(sums, source, scratch, scratch + layout->n_pixels);
    else
        pattern_sums_finish(sums);
    free(scratch);
    return memory;
}

static struct ring_totals totals_of(const struct variance_profile_source *source, uint32_t bin,
                                    const struct pattern_sums *pattern)
{
    struct ring_totals ring = {
        .pattern = pattern->all ? pattern->all[bin] : 0,
        .frames = variance_frames(source->layout, source->accumulator),
        .pixels = source->bins->areas[bin],
    };
    for (uint32_t block = 0; block < source->layout->n_blocks; block++) {
        const struct ring_moments *const more =
            &variance_block_rings(source->layout, source->accumulator, block)[bin];
        ring.moments.counts += more->counts;
        ring.moments.squares += more->squares;
        ring.moments.products += more->products;
    }
    return ring;
}

static struct ring_totals without_block(const struct variance_profile_source *source,
                                        const struct ring_totals *all, uint32_t bin, uint32_t block,
                                        const struct pattern_sums *pattern)
{
    const struct variance_layout *const layout = source->layout;
    const struct ring_moments *const less =
        &variance_block_rings(layout, source->accumulator, block)[bin];
    struct ring_totals ring = *all;
    ring.frames -= variance_block_frames(source->accumulator)[block];
    ring.moments.counts -= less->counts;
    ring.moments.squares -= less->squares;
    ring.moments.products -= less->products;
    if (pattern->without)
        ring.pattern = pattern->without[(size_t)block * layout->n_bins + bin];
    return ring;
}

static double value_of(const struct ring_totals *ring, enum variance_profile profile, double f)
{
    if (!ring->frames || !ring->pixels)
        return NAN;
    switch (profile) {
    case VARIANCE_V_IMAGE:
        return variance_v_image(ring);
    case VARIANCE_V_R:
        return variance_v_r(ring, f);
    case VARIANCE_V_RE:
        return variance_v_re(ring);
    default:
        return variance_omega(ring, f);
    }
}

static void fill_with_nan(double *values, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        values[i] = NAN;
}

void variance_profile(const struct variance_profile_source *source, enum variance_profile profile,
                      double *values)
{
    const uint32_t n_bins = source->layout->n_bins;
    struct pattern_sums pattern = {0};
    if (profile == VARIANCE_V_IMAGE && !pattern_sums_init(&pattern, source, false)) {
        fill_with_nan(values, n_bins);
        return;
    }
    for (uint32_t bin = 0; bin < n_bins; bin++) {
        const struct ring_totals ring = totals_of(source, bin, &pattern);
        values[bin] = value_of(&ring, profile, source->counts_per_electron);
    }
    pattern_sums_finish(&pattern);
}

static double error_of(const struct variance_profile_source *source, enum variance_profile profile,
                       uint32_t bin, const struct pattern_sums *pattern)
{
    const struct ring_totals all = totals_of(source, bin, pattern);
    double without[VARIANCE_MAX_BLOCKS];
    for (uint32_t block = 0; block < source->layout->n_blocks; block++) {
        const struct ring_totals ring = without_block(source, &all, bin, block, pattern);
        without[block] = value_of(&ring, profile, source->counts_per_electron);
    }
    return jackknife_error(value_of(&all, profile, source->counts_per_electron), without,
                           variance_block_frames(source->accumulator), source->layout->n_blocks);
}

void variance_profile_errors(const struct variance_profile_source *source,
                             enum variance_profile profile, double *errors)
{
    const uint32_t n_bins = source->layout->n_bins;
    struct pattern_sums pattern = {0};
    if (profile == VARIANCE_V_IMAGE && !pattern_sums_init(&pattern, source, true)) {
        fill_with_nan(errors, n_bins);
        return;
    }
    for (uint32_t bin = 0; bin < n_bins; bin++)
        errors[bin] = error_of(source, profile, bin, &pattern);
    pattern_sums_finish(&pattern);
}
