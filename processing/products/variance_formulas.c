#include "processing/products/variance_formulas.h"

#include <math.h>

static double ratio(double numerator, double denominator)
{
    return denominator != 0 ? numerator / denominator : NAN;
}

double variance_of_pixel(uint64_t counts, wide_count squares, uint64_t frames)
{
    const wide_count pairs = (wide_count)counts * counts - squares;
    return ratio((double)(frames - 1) * (double)(squares - counts), (double)pairs) - 1;
}

/* Sum of n(n - 1): pairs of counts in one pixel of one frame. */
static double pairs_in_pixels(const struct ring_moments *moments)
{
    return (double)(moments->squares - moments->counts);
}

/* Sum of N(N - F). */
static double pairs_in_rings(const struct ring_moments *moments, double counts_per_electron)
{
    return (double)moments->products - counts_per_electron * (double)moments->counts;
}

/* (sum N)^2 - sum N^2: pairs of counts in different frames. */
static double pairs_between_frames(const struct ring_moments *moments)
{
    return (double)((wide_count)moments->counts * moments->counts - moments->products);
}

double variance_v_image(const struct ring_totals *ring)
{
    return ratio((double)(ring->frames - 1) * pairs_in_pixels(&ring->moments),
                 (double)(ring->pattern - ring->moments.squares)) -
           1;
}

double variance_v_r(const struct ring_totals *ring, double counts_per_electron)
{
    const double denominator = pairs_in_rings(&ring->moments, counts_per_electron);
    /* Of very few counts, more noise may be taken off than there is. */
    if (denominator <= 0)
        return NAN;
    return (double)ring->pixels * pairs_in_pixels(&ring->moments) / denominator - 1;
}

double variance_v_re(const struct ring_totals *ring)
{
    return ratio((double)ring->pixels * (double)(ring->frames - 1) *
                     pairs_in_pixels(&ring->moments),
                 pairs_between_frames(&ring->moments)) -
           1;
}

double variance_omega(const struct ring_totals *ring, double counts_per_electron)
{
    return ratio((double)(ring->frames - 1) * pairs_in_rings(&ring->moments, counts_per_electron),
                 pairs_between_frames(&ring->moments)) -
           1;
}

/* Mean of the jackknife estimates, bias taken off. */
static double jackknife_mean(double all, const double *without, const uint64_t *frames,
                             unsigned n_blocks, double total)
{
    double mean = 0;
    for (unsigned i = 0; i < n_blocks; i++) {
        if (frames[i])
            mean += all - (1 - (double)frames[i] / total) * without[i];
    }
    return mean;
}

double jackknife_error(double all, const double *without, const uint64_t *frames, unsigned n_blocks)
{
    double total = 0, sum = 0;
    unsigned used = 0;
    for (unsigned i = 0; i < n_blocks; i++) {
        total += (double)frames[i];
        used += frames[i] > 0;
    }
    if (used < 2)
        return NAN;
    const double mean = jackknife_mean(all, without, frames, n_blocks, total);
    for (unsigned i = 0; i < n_blocks; i++) {
        if (!frames[i])
            continue;
        const double share = total / (double)frames[i]; /* more than 1 */
        const double pseudo = share * all - (share - 1) * without[i];
        sum += (pseudo - mean) * (pseudo - mean) / (share - 1);
    }
    return sqrt(sum / used);
}

double jackknife_interval(unsigned n_blocks)
{
    /* Exact for 1 to 4 degrees of freedom; from there Fisher and Cornish's expansion around the
     * normal quantile is good to 0.002. */
    static const double exact[] = {NAN, 12.7062, 4.3027, 3.1824, 2.7764};
    const double z = 1.959964, z3 = z * z * z, z5 = z3 * z * z, z7 = z5 * z * z;
    if (n_blocks < 2)
        return NAN;
    if (n_blocks - 1 < sizeof exact / sizeof exact[0])
        return exact[n_blocks - 1];
    const double d = n_blocks - 1;
    return z + (z3 + z) / (4 * d) + (5 * z5 + 16 * z3 + 3 * z) / (96 * d * d) +
           (3 * z7 + 19 * z5 + 17 * z3 - 15 * z) / (384 * d * d * d);
}
