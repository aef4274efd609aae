#include "processing/pixels/weight_planes.h"

#include <errno.h>
#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define PLANE_MAX 32767
#define SHIFT_MAX 15

struct extent {
    double sum, largest; /* of |weight| */
};

static struct extent extent_of(const double *weights, size_t n_pixels)
{
    struct extent extent = {0, 0};
    for (size_t i = 0; i < n_pixels; i++) {
        const double size = fabs(weights[i]);
        extent.sum += size;
        extent.largest = size > extent.largest ? size : extent.largest;
    }
    return extent;
}

/* What the largest weight of a plane may become: 15 bits, fewer where the sum over a frame of
 * pixels at full scale, every weight rounded up, could reach 2^63. */
static double largest_of_plane(const struct extent *extent, size_t n_pixels, uint32_t pixel_size)
{
    const double limit = ldexp(1, 63 - (int)(8 * pixel_size)) - (double)n_pixels;
    const double sum_of_ratios = extent->sum / extent->largest;
    return fmax(1, fmin(PLANE_MAX, floor(limit / sum_of_ratios) - 1));
}

/* Bits of the first plane, of either sign up to 2^(shift - 1), so that n_pixels of them at full
 * scale add up to less than 2^63. */
static unsigned shift_for(size_t n_pixels, uint32_t pixel_size)
{
    unsigned shift = SHIFT_MAX;
    while (shift > 1 && ldexp((double)n_pixels, (int)(8 * pixel_size + shift) - 1) >= 0x1p63)
        shift--;
    return shift;
}

/* The exponent of the lowest bit that is set in a finite double; of 0 INT_MAX. */
static int lowest_bit(double weight)
{
    uint64_t bits;
    memcpy(&bits, &weight, sizeof bits);
    const int exponent = (int)(bits >> 52 & 0x7ff);
    const uint64_t fraction = bits & ((UINT64_C(1) << 52) - 1);
    const uint64_t mantissa = exponent > 0 ? fraction | UINT64_C(1) << 52 : fraction;
    if (mantissa == 0)
        return INT_MAX;
    return (exponent > 0 ? exponent : 1) - 1075 + __builtin_ctzll(mantissa);
}

/* The largest e so that all weights are integers times 2^e. */
static int common_exponent(const double *weights, size_t n_pixels)
{
    int lowest = INT_MAX;
    for (size_t i = 0; i < n_pixels; i++) {
        const int exponent = lowest_bit(weights[i]);
        lowest = exponent < lowest ? exponent : lowest;
    }
    return lowest;
}

/* The weight of more than half of the weighted pixels; 0: there is none. (Majority vote of Boyer
 * and Moore, and a count.) */
static double majority(const double *weights, size_t n_pixels)
{
    double candidate = 0;
    size_t votes = 0, n_candidate = 0, n_weighted = 0;
    for (size_t i = 0; i < n_pixels; i++) {
        if (weights[i] == 0)
            continue;
        if (votes == 0)
            candidate = weights[i];
        votes = weights[i] == candidate ? votes + 1 : votes - 1;
    }
    for (size_t i = 0; i < n_pixels; i++) {
        n_weighted += weights[i] != 0;
        n_candidate += weights[i] != 0 && weights[i] == candidate;
    }
    return 2 * n_candidate > n_weighted ? candidate : 0;
}

/* Makes the weight of most pixels an integer; one of the second plane alone, where it is not among
 * the smallest, so that the first has only what differs from it. */
static double inexact_scale(double common, double largest, double limit, unsigned shift)
{
    const double unit = ldexp(1, (int)shift);
    const double integer = floor(limit * fabs(common) / largest);
    if (integer >= 64 * unit)
        return fabs(common) / (floor(integer / unit) * unit);
    return integer >= 1 ? fabs(common) / integer : largest / limit;
}

/* The scale, of which all weights are multiples where that is possible. */
static double find_scale(const double *weights, size_t n_pixels, double largest, double limit,
                         unsigned shift)
{
    int exponent = ilogb(largest) - ilogb(limit);
    while (ldexp(largest, -exponent) > limit)
        exponent++;
    const int common = common_exponent(weights, n_pixels);
    const int most = exponent < 0 ? 0 : exponent; /* integers stay as they are */
    if (common >= exponent)
        return ldexp(1, most < common ? most : common);
    return inexact_scale(majority(weights, n_pixels), largest, limit, shift);
}

/* All of a weight in the first plane. */
static void round_to_one(const struct weight_planes *planes, const double *weights, size_t n_pixels)
{
    for (size_t i = 0; i < n_pixels; i++)
        planes->planes[0][i] = (int16_t)lrint(weights[i] / planes->scale);
}

static void round_to_two(const struct weight_planes *planes, const double *weights, size_t n_pixels)
{
    const long half = 1L << (planes->shift - 1);
    for (size_t i = 0; i < n_pixels; i++) {
        const long integer = lrint(weights[i] / planes->scale);
        const long upper = (integer + half) >> planes->shift;
        planes->planes[0][i] = (int16_t)(integer - (upper << planes->shift));
        planes->planes[1][i] = (int16_t)upper;
    }
}

static void fill(struct weight_planes *planes, const double *weights, size_t n_pixels,
                 uint32_t pixel_size)
{
    const struct extent extent = extent_of(weights, n_pixels);
    *planes = (struct weight_planes){
        .n = 1, .scale = 1, .planes = {planes->planes[0], planes->planes[1]}};
    if (!(extent.largest > 0))
        return;
    const double of_plane = largest_of_plane(&extent, n_pixels, pixel_size);
    const unsigned shift = shift_for(n_pixels, pixel_size);
    const double limit = fmax(of_plane, ldexp(of_plane - 1, (int)shift));
    planes->scale = find_scale(weights, n_pixels, extent.largest, limit, shift);
    if (extent.largest / planes->scale <= of_plane) {
        round_to_one(planes, weights, n_pixels);
        return;
    }
    planes->n = 2;
    planes->shift = shift;
    round_to_two(planes, weights, n_pixels);
}

int weight_planes_init(struct weight_planes *planes, const double *weights, size_t n_pixels,
                       uint32_t pixel_size)
{
    *planes = (struct weight_planes){0};
    for (unsigned i = 0; i < WEIGHT_PLANES; i++) {
        planes->planes[i] = calloc(n_pixels + 1, sizeof *planes->planes[i]);
        if (!planes->planes[i]) {
            weight_planes_finish(planes);
            return -ENOMEM;
        }
    }
    fill(planes, weights, n_pixels, pixel_size);
    return 0;
}

void weight_planes_finish(struct weight_planes *planes)
{
    for (unsigned i = 0; i < WEIGHT_PLANES; i++)
        free(planes->planes[i]);
    memset(planes, 0, sizeof *planes);
}
