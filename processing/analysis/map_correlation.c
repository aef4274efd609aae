#include "processing/analysis/map_correlation.h"

#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* Sums about (origin_a, origin_b), near the means: else variances of small differences are lost. */
struct sums {
    double n, a, b, aa, ab, bb;
};

struct estimates {
    double r, slope, offset, residual_rms;
};

static bool both_measured(const double *a, const double *b, uint64_t i)
{
    return isfinite(a[i]) && isfinite(b[i]);
}

static void add(struct sums *sums, double a, double b)
{
    sums->n += 1;
    sums->a += a;
    sums->b += b;
    sums->aa += a * a;
    sums->ab += a * b;
    sums->bb += b * b;
}

static struct sums plus(const struct sums *x, const struct sums *y, int sign)
{
    return (struct sums){
        .n = x->n + sign * y->n,
        .a = x->a + sign * y->a,
        .b = x->b + sign * y->b,
        .aa = x->aa + sign * y->aa,
        .ab = x->ab + sign * y->ab,
        .bb = x->bb + sign * y->bb,
    };
}

/* The offset is that of values without the origins. */
static bool estimate(struct estimates *estimates, const struct sums *sums, double origin_a,
                     double origin_b)
{
    const double mean_a = sums->a / sums->n, mean_b = sums->b / sums->n;
    const double var_a = sums->aa / sums->n - mean_a * mean_a;
    const double var_b = sums->bb / sums->n - mean_b * mean_b;
    const double cov = sums->ab / sums->n - mean_a * mean_b;
    /* What rounding leaves where there is no variance: of the squares, and of the values. */
    if (!(var_a > 1e-14 * sums->aa / sums->n + 1e-28 * origin_a * origin_a) ||
        !(var_b > 1e-14 * sums->bb / sums->n + 1e-28 * origin_b * origin_b))
        return false;
    const double slope = cov / var_a;
    *estimates = (struct estimates){
        .r = cov / sqrt(var_a * var_b),
        .slope = slope,
        .offset = mean_b + origin_b - slope * (mean_a + origin_a),
        .residual_rms = sqrt(fmax(var_b - slope * cov, 0)),
    };
    return true;
}

/* Standard errors by leaving out one block after the other; NaN when that is not possible. */
static void jackknife(struct map_correlation *correlation, const struct estimates *whole,
                      const struct sums *total, const struct sums *blocks, size_t n_blocks,
                      double origin_a, double origin_b)
{
    double sum_r = 0, sum_slope = 0, sum_offset = 0, squares_r = 0, squares_slope = 0,
           squares_offset = 0;
    double n = 0;
    bool possible = true;
    for (size_t i = 0; i < n_blocks; i++) {
        struct estimates left = {0};
        if (blocks[i].n == 0)
            continue;
        const struct sums others = plus(total, &blocks[i], -1);
        if (others.n < 3 || !estimate(&left, &others, origin_a, origin_b)) {
            possible = false;
            continue;
        }
        const double r = left.r - whole->r, slope = left.slope - whole->slope;
        const double offset = left.offset - whole->offset;
        n += 1;
        sum_r += r;
        sum_slope += slope;
        sum_offset += offset;
        squares_r += r * r;
        squares_slope += slope * slope;
        squares_offset += offset * offset;
    }
    const double factor = possible && n >= 4 ? (n - 1) / n : NAN;
    correlation->n_blocks = (uint32_t)n;
    correlation->r_error = sqrt(factor * fmax(squares_r - sum_r * sum_r / n, 0));
    correlation->slope_error = sqrt(factor * fmax(squares_slope - sum_slope * sum_slope / n, 0));
    correlation->offset_error =
        sqrt(factor * fmax(squares_offset - sum_offset * sum_offset / n, 0));
}

static void find_origins(const double *a, const double *b, uint64_t n_positions, double *origin_a,
                         double *origin_b)
{
    double sum_a = 0, sum_b = 0;
    uint64_t n = 0;
    for (uint64_t i = 0; i < n_positions; i++) {
        if (!both_measured(a, b, i))
            continue;
        sum_a += a[i];
        sum_b += b[i];
        n++;
    }
    *origin_a = n ? sum_a / (double)n : 0;
    *origin_b = n ? sum_b / (double)n : 0;
}

/* Sums of every block about the origins; returns those of all. */
static struct sums sum_blocks(struct sums *blocks, size_t n_blocks, const double *a,
                              const double *b, uint32_t ny, uint32_t nx, uint32_t block,
                              const double origins[2])
{
    const size_t blocks_x = ((size_t)nx + block - 1) / block;
    struct sums total = {0};
    for (uint32_t y = 0; y < ny; y++) {
        for (uint32_t x = 0; x < nx; x++) {
            const uint64_t i = (uint64_t)y * nx + x;
            if (both_measured(a, b, i))
                add(&blocks[y / block * blocks_x + x / block], a[i] - origins[0],
                    b[i] - origins[1]);
        }
    }
    for (size_t i = 0; i < n_blocks; i++)
        total = plus(&total, &blocks[i], 1);
    return total;
}

static int correlate_sums(struct map_correlation *correlation, const struct sums *total,
                          const struct sums *blocks, size_t n_blocks, const double origins[2],
                          struct error *error)
{
    struct estimates whole = {0};
    if (total->n < 3)
        return error_set(error, -ENODATA,
                         "a correlation needs at least 3 positions measured in both maps, there "
                         "are %.0f",
                         total->n);
    if (!estimate(&whole, total, origins[0], origins[1]))
        return error_set(error, -EDOM,
                         "one of the maps has the same value at all %.0f positions measured in "
                         "both: nothing to correlate",
                         total->n);
    *correlation = (struct map_correlation){
        .r = whole.r,
        .slope = whole.slope,
        .offset = whole.offset,
        .residual_rms = whole.residual_rms,
        .mean_a = origins[0],
        .mean_b = origins[1],
        .n = (uint64_t)total->n,
    };
    jackknife(correlation, &whole, total, blocks, n_blocks, origins[0], origins[1]);
    return 0;
}

int map_correlate(struct map_correlation *correlation, const double *a, const double *b,
                  uint32_t ny, uint32_t nx, uint32_t block, struct error *error)
{
    if (!block)
        return error_set(error, -EINVAL, "blocks of 0 positions: give at least 1");
    const size_t n_blocks = (((size_t)ny + block - 1) / block) * (((size_t)nx + block - 1) / block);
    struct sums *const blocks = calloc(n_blocks ? n_blocks : 1, sizeof *blocks);
    if (!blocks)
        return error_set(error, -ENOMEM, "no memory for a correlation in %zu blocks", n_blocks);
    double origins[2];
    find_origins(a, b, (uint64_t)ny * nx, &origins[0], &origins[1]);
    const struct sums total = sum_blocks(blocks, n_blocks, a, b, ny, nx, block, origins);
    const int result = correlate_sums(correlation, &total, blocks, n_blocks, origins, error);
    free(blocks);
    return result;
}

void map_add(double *sum, const double *a, const double *b, uint64_t n_positions)
{
    for (uint64_t i = 0; i < n_positions; i++)
        sum[i] = a[i] + b[i];
}
