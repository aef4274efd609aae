#include "processing/bragg/bragg_noise.h"

#include <math.h>

static const struct {
    int dy, dx;
} lags[BRAGG_LAGS] = {{0, 1}, {1, 0}, {1, 1}, {1, -1}, {0, 3}, {3, 0}};
#define SHARING_LAGS 4
#define FAR_DISTANCE 3.0

#define FIXED_POINT 0x1p20

static int64_t fixed(double value)
{
    return llround(value * FIXED_POINT);
}

/* Counts less background where pixels are used; elsewhere both are 0. */
static void fill_residual(float *residual, const struct bragg_scratch *scratch, double *background,
                          double *variance, double *squares)
{
    const struct bragg_grid *const grid = &scratch->reference->grid;
    for (size_t at = 0; at < grid->buffer_size; at++) {
        residual[at] = 0;
        if (!(scratch->reference->template[at] > 0))
            continue;
        const double expected = bragg_expected_at(scratch, at);
        residual[at] = (float)(scratch->pixels[at] - expected);
        *background += expected;
        *variance += (double)residual[at] * residual[at];
        *squares += expected * expected;
    }
}

static void add_lag(struct bragg_noise *noise, const struct bragg_scratch *scratch,
                    const float *residual, double background, int lag)
{
    const struct bragg_grid *const grid = &scratch->reference->grid;
    const ptrdiff_t step = (ptrdiff_t)lags[lag].dy * grid->buffer_stride + lags[lag].dx;
    double covariance = 0, products = 0;
    for (uint32_t row = 0; row + 3 < grid->rows; row++) {
        const size_t first = bragg_buffer_at(grid, (int)row, 0);
        for (size_t at = first; at < first + grid->columns; at++) {
            const size_t other = at + (size_t)step;
            covariance += (double)residual[at] * residual[other];
            products += bragg_expected_at(scratch, at) * bragg_expected_at(scratch, other);
        }
    }
    noise->covariance[lag] += fixed(covariance / background);
    noise->products[lag] += fixed(products / background);
}

static uint32_t point_of(const struct bragg_reference *reference, uint32_t bin)
{
    const struct bragg_settings *const s = &reference->values.settings;
    const double along = (bin + 0.5) * BRAGG_BIN_WIDTH / (s->outer - s->inner);
    return (uint32_t)fmin(BRAGG_SPECKLE_POINTS - 1, along * (BRAGG_SPECKLE_POINTS - 1) + 0.5);
}

static void add_places(struct bragg_noise *noise, struct bragg_scratch *scratch,
                       enum bragg_width width)
{
    const struct bragg_reference *const r = scratch->reference;
    const struct bragg_positions *const p = &r->positions[width];
    bragg_need_sums(scratch, width);
    for (size_t place = 0; place < r->grid.map_size; place++) {
        if (p->cell[place] == BRAGG_NO_PLACE)
            continue;
        const uint32_t counts = bragg_sum_at(scratch, width, place);
        const double b = bragg_background_at(scratch, width, place, counts);
        const double excess = counts / b - 1;
        const uint32_t point = point_of(r, p->bin[place]);
        noise->places[width][point].square += fixed(excess * excess);
        noise->places[width][point].inverse += fixed(1 / b);
        noise->places[width][point].n++;
    }
}

void bragg_noise_add(struct bragg_noise *noise, struct bragg_scratch *scratch, float *residual)
{
    double background = 0, variance = 0, squares = 0;
    fill_residual(residual, scratch, &background, &variance, &squares);
    if (!(background > 0))
        return;
    noise->n_frames++;
    noise->variance += fixed(variance / background);
    noise->squares += fixed(squares / background);
    for (int lag = 0; lag < BRAGG_LAGS; lag++)
        add_lag(noise, scratch, residual, background, lag);
    for (uint32_t w = 0; w < scratch->reference->n_widths; w++)
        add_places(noise, scratch, w);
}

void bragg_noise_merge(struct bragg_noise *into, const struct bragg_noise *from)
{
    into->n_frames += from->n_frames;
    into->variance += from->variance;
    into->squares += from->squares;
    for (int lag = 0; lag < BRAGG_LAGS; lag++) {
        into->covariance[lag] += from->covariance[lag];
        into->products[lag] += from->products[lag];
    }
    for (int w = 0; w < BRAGG_WIDTHS; w++) {
        for (int i = 0; i < BRAGG_SPECKLE_POINTS; i++) {
            into->places[w][i].square += from->places[w][i].square;
            into->places[w][i].inverse += from->places[w][i].inverse;
            into->places[w][i].n += from->places[w][i].n;
        }
    }
}

double bragg_noise_overdispersion(const struct bragg_noise *noise,
                                  const struct bragg_reference *reference)
{
    const double radius = reference->values.settings.disk_radius;
    const struct bragg_disk *const disk = &reference->positions[BRAGG_MATCHED].disk;
    double far = 0, far_products = 0;
    for (int lag = SHARING_LAGS; lag < BRAGG_LAGS; lag++) {
        far += (double)noise->covariance[lag];
        far_products += (double)noise->products[lag];
    }
    const double far_correlation = bragg_speckle_correlation(radius, FAR_DISTANCE);
    const double speckle_px =
        far_correlation > 0.02 ? fmax(0, far / (far_products * far_correlation)) : 0;
    double sum = (double)noise->variance - speckle_px * (double)noise->squares;
    for (int lag = 0; lag < SHARING_LAGS; lag++) {
        const double distance = sqrt(lags[lag].dy * lags[lag].dy + lags[lag].dx * lags[lag].dx);
        const double speckle = speckle_px * bragg_speckle_correlation(radius, distance);
        const double pairs =
            (double)bragg_disk_pairs(disk, lags[lag].dy, lags[lag].dx) / disk->area;
        sum +=
            2 * pairs * ((double)noise->covariance[lag] - speckle * (double)noise->products[lag]);
    }
    return sum / (FIXED_POINT * (double)noise->n_frames);
}

void bragg_noise_speckle(const struct bragg_noise *noise, const struct bragg_reference *reference,
                         double overdispersion, double speckle[BRAGG_WIDTHS][BRAGG_SPECKLE_POINTS])
{
    for (uint32_t w = 0; w < reference->n_widths; w++) {
        double last = 0;
        int first = BRAGG_SPECKLE_POINTS;
        for (int i = 0; i < BRAGG_SPECKLE_POINTS; i++) {
            const double n = FIXED_POINT * (double)noise->places[w][i].n;
            if (n > 0) {
                last = ((double)noise->places[w][i].square -
                        overdispersion * (double)noise->places[w][i].inverse) /
                       n;
                last = fmax(0, fmin(1, last));
                first = i < first ? i : first;
            }
            speckle[w][i] = last;
        }
        for (int i = 0; i < first && first < BRAGG_SPECKLE_POINTS; i++)
            speckle[w][i] = speckle[w][first];
    }
}
