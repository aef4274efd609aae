#include "tests/bench/bragg/peers.h"

#include <math.h>
#include <string.h>

const char *const peer_names[PEERS] = {"peakfinder8_crystfel", "peakfinder8_diffractem",
                                       "dials_dispersion", "correlation_maximum"};

enum { SIDE = CELL_SIDE, BINS = SIDE };

/* The radial bin of each pixel, and whether it is in the annulus. */
static uint8_t bin_of[SIDE][SIDE];
static bool in_annulus[SIDE][SIDE];

__attribute__((constructor)) static void fill_tables(void)
{
    for (int y = 0; y < SIDE; y++) {
        for (int x = 0; x < SIDE; x++) {
            const double r = hypot(y - SIDE / 2, x - SIDE / 2);
            bin_of[y][x] = (uint8_t)lrint(r);
            in_annulus[y][x] = r >= PEERS_INNER && r <= PEERS_OUTER;
        }
    }
}

/* ---- connected pixels ---- */

struct blob {
    int n, place[CELL_PIXELS];
};

/* Collects the 8-connected pixels from `seed` on, and takes them out of `strong`. */
static void flood(uint8_t *strong, int seed, struct blob *blob)
{
    blob->n = 1;
    blob->place[0] = seed;
    strong[seed] = 0;
    for (int next = 0; next < blob->n; next++) {
        const int y = blob->place[next] / SIDE, x = blob->place[next] % SIDE;
        for (int ny = y - 1; ny <= y + 1; ny++) {
            for (int nx = x - 1; nx <= x + 1; nx++) {
                if (ny < 0 || nx < 0 || ny >= SIDE || nx >= SIDE || !strong[ny * SIDE + nx])
                    continue;
                strong[ny * SIDE + nx] = 0;
                blob->place[blob->n++] = ny * SIDE + nx;
            }
        }
    }
}

/* ---- peakfinder8 ---- */

struct pf8_settings {
    double threshold, snr;
    int min_pixels, max_pixels, background_radius;
};

static const struct pf8_settings pf8_settings[] = {
    [PEER_PF8_CRYSTFEL] = {0, 5, 2, 200, 3},
    [PEER_PF8_DIFFRACTEM] = {8, 3.5, 3, 10000, 5},
};

struct radial {
    double mean[BINS], upper[BINS];
};

/* Mean and deviation by radius, five times, without what lies outside of mean +- snr deviations. */
static void pf8_statistics(const uint32_t *counts, const struct pf8_settings *settings,
                           struct radial *radial)
{
    double lower[BINS];
    for (int bin = 0; bin < BINS; bin++) {
        radial->upper[bin] = 1e9;
        lower[bin] = -1e9;
    }
    for (int pass = 0; pass < 5; pass++) {
        double n[BINS] = {0}, sum[BINS] = {0}, squares[BINS] = {0};
        for (int i = 0; i < CELL_PIXELS; i++) {
            const int bin = bin_of[i / SIDE][i % SIDE];
            const double value = counts[i];
            if (value <= lower[bin] || value >= radial->upper[bin])
                continue;
            n[bin]++;
            sum[bin] += value;
            squares[bin] += value * value;
        }
        for (int bin = 0; bin < BINS; bin++) {
            const double mean = n[bin] > 0 ? sum[bin] / n[bin] : 0;
            const double variance = n[bin] > 0 ? squares[bin] / n[bin] - mean * mean : 0;
            const double reach = settings->snr * sqrt(fmax(0, variance));
            radial->mean[bin] = mean;
            radial->upper[bin] = n[bin] > 0 ? fmax(mean + reach, settings->threshold) : 1e9;
            lower[bin] = mean - reach;
        }
    }
}

struct pf8_peak {
    double y, x, sum, maximum;
};

static struct pf8_peak pf8_centroid(const uint32_t *counts, const struct radial *radial,
                                    const struct blob *blob)
{
    struct pf8_peak peak = {0};
    double total = 0;
    for (int i = 0; i < blob->n; i++) {
        const int y = blob->place[i] / SIDE, x = blob->place[i] % SIDE;
        const double value = counts[blob->place[i]];
        const double weight = value - radial->mean[bin_of[y][x]];
        total += weight;
        peak.y += weight * y;
        peak.x += weight * x;
        peak.sum += value;
        peak.maximum = fmax(peak.maximum, value);
    }
    peak.y /= total;
    peak.x /= total;
    return peak;
}

/* Is the peak above its own surroundings? */
static bool pf8_stands_out(const uint32_t *counts, const struct pf8_settings *settings,
                           const struct radial *radial, const uint8_t *in_peak,
                           const struct blob *blob)
{
    const struct pf8_peak peak = pf8_centroid(counts, radial, blob);
    const int reach = 2 * settings->background_radius;
    const int row = (int)lrint(peak.y), column = (int)lrint(peak.x);
    double n = 0, sum = 0, squares = 0, maximum = 0;
    for (int y = row - reach; y <= row + reach; y++) {
        for (int x = column - reach; x <= column + reach; x++) {
            if (y < 0 || x < 0 || y >= SIDE || x >= SIDE || in_peak[y * SIDE + x] ||
                hypot(y - row, x - column) > reach)
                continue;
            const double value = counts[y * SIDE + x];
            if (value >= radial->upper[bin_of[y][x]])
                continue;
            n++;
            sum += value;
            squares += value * value;
            maximum = fmax(maximum, value);
        }
    }
    if (n == 0)
        return false;
    const double mean = sum / n, deviation = sqrt(fmax(0, squares / n - mean * mean));
    if (deviation < 1e-10)
        return false;
    return (peak.sum - blob->n * mean) / deviation >= settings->snr &&
           peak.maximum - mean >= maximum - mean;
}

static bool pf8_finds(const uint32_t *counts, const struct pf8_settings *settings)
{
    static struct blob blob;
    static uint8_t strong[CELL_PIXELS], in_peak[CELL_PIXELS];
    struct radial radial;
    pf8_statistics(counts, settings, &radial);
    for (int i = 0; i < CELL_PIXELS; i++)
        strong[i] =
            in_annulus[i / SIDE][i % SIDE] && counts[i] > radial.upper[bin_of[i / SIDE][i % SIDE]];
    memcpy(in_peak, strong, sizeof in_peak);
    for (int i = 0; i < CELL_PIXELS; i++) {
        if (!strong[i])
            continue;
        flood(strong, i, &blob);
        if (blob.n >= settings->min_pixels && blob.n <= settings->max_pixels &&
            pf8_stands_out(counts, settings, &radial, in_peak, &blob))
            return true;
    }
    return false;
}

/* ---- DIALS ---- */

#define DIALS_HALF 3
#define DIALS_SIGMA_BACKGROUND 6
#define DIALS_SIGMA_STRONG 3
#define DIALS_SPOT_MIN 3
#define DIALS_SEPARATION_MAX 2

static bool dials_strong(const uint32_t *counts, int y, int x)
{
    double n = 0, sum = 0, squares = 0;
    for (int ny = y - DIALS_HALF; ny <= y + DIALS_HALF; ny++) {
        for (int nx = x - DIALS_HALF; nx <= x + DIALS_HALF; nx++) {
            const double value = counts[ny * SIDE + nx];
            n++;
            sum += value;
            squares += value * value;
        }
    }
    const double mean = sum / n, variance = (squares - n * mean * mean) / (n - 1);
    return mean > 0 && variance / mean > 1 + DIALS_SIGMA_BACKGROUND * sqrt(2 / (n - 1)) &&
           counts[y * SIDE + x] > mean + DIALS_SIGMA_STRONG * sqrt(mean);
}

static bool is_compact(const uint32_t *counts, const struct blob *blob)
{
    int peak = blob->place[0];
    double sum = 0, y = 0, x = 0;
    for (int i = 0; i < blob->n; i++) {
        const double value = counts[blob->place[i]];
        if (value > counts[peak])
            peak = blob->place[i];
        sum += value;
        y += value * (blob->place[i] / SIDE);
        x += value * (blob->place[i] % SIDE);
    }
    return hypot(y / sum - peak / SIDE, x / sum - peak % SIDE) <= DIALS_SEPARATION_MAX;
}

static bool dials_finds(const uint32_t *counts)
{
    static struct blob blob;
    static uint8_t strong[CELL_PIXELS];
    for (int i = 0; i < CELL_PIXELS; i++)
        strong[i] = in_annulus[i / SIDE][i % SIDE] && dials_strong(counts, i / SIDE, i % SIDE);
    for (int i = 0; i < CELL_PIXELS; i++) {
        if (!strong[i])
            continue;
        flood(strong, i, &blob);
        if (blob.n >= DIALS_SPOT_MIN && is_compact(counts, &blob))
            return true;
    }
    return false;
}

bool peer_finds(enum peer peer, const uint32_t *counts)
{
    return peer == PEER_DIALS ? dials_finds(counts) : pf8_finds(counts, &pf8_settings[peer]);
}

/* ---- the largest correlation ---- */

static void radial_mean(const uint32_t *counts, double *mean)
{
    double n[BINS] = {0};
    memset(mean, 0, BINS * sizeof *mean);
    for (int i = 0; i < CELL_PIXELS; i++) {
        const int bin = bin_of[i / SIDE][i % SIDE];
        n[bin]++;
        mean[bin] += counts[i];
    }
    for (int bin = 0; bin < BINS; bin++)
        mean[bin] /= fmax(1, n[bin]);
}

double peer_correlation(const uint32_t *counts, double disk_radius)
{
    static double prefix[SIDE][SIDE + 1];
    double mean[BINS], largest = -INFINITY;
    const int reach = (int)disk_radius;
    radial_mean(counts, mean);
    for (int y = 0; y < SIDE; y++)
        for (int x = 0; x < SIDE; x++)
            prefix[y][x + 1] =
                prefix[y][x] + (in_annulus[y][x] ? counts[y * SIDE + x] - mean[bin_of[y][x]] : 0);
    for (int y = reach; y < SIDE - reach; y++) {
        for (int x = reach; x < SIDE - reach; x++) {
            double sum = 0;
            if (!in_annulus[y][x])
                continue;
            for (int dy = -reach; dy <= reach; dy++) {
                const int half = (int)sqrt(disk_radius * disk_radius - dy * dy);
                sum += prefix[y + dy][x + half + 1] - prefix[y + dy][x - half];
            }
            largest = fmax(largest, sum);
        }
    }
    return largest;
}
