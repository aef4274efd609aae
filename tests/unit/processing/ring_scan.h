#pragma once

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "processing/products/variance_formulas.h"

/*
 * A ring of pixels over a scan with known noise and known contrast, for the unit tests of the
 * variance and for tests/bench/variance_table.c: adds up what the formulas need and nothing else.
 */
struct ring_scan {
    uint32_t n_pixels, n_frames, n_blocks;
    double mean;     /* counts per pixel and frame */
    int pairs;       /* each electron makes two counts, in two neighbours of the ring: F = 2 */
    double contrast; /* of the intensity, over pixels and frames: gamma-distributed; 0: constant */
    uint64_t seed;   /* not 0; goes on from scan to scan */

    uint64_t frames[64]; /* of each block */
    struct ring_moments moments[64];
    uint32_t *patterns;           /* [n_blocks][n_pixels]: S of each block */
    uint32_t *electrons, *counts; /* scratch, [n_pixels] */
    uint16_t guide[4096];
    double cumulative[512]; /* of the Poisson distribution of one draw */
};

enum ring_value { RING_V_IMAGE, RING_V_R, RING_V_RE, RING_OMEGA, N_RING_VALUES };

static inline double ring_scan_uniform(struct ring_scan *scan)
{
    scan->seed ^= scan->seed << 13;
    scan->seed ^= scan->seed >> 7;
    scan->seed ^= scan->seed << 17;
    return (double)(scan->seed * UINT64_C(0x2545f4914f6cdd1d) >> 11) * 0x1p-53;
}

/* Mean number of electrons that begin at a pixel. */
static inline double ring_scan_electrons(const struct ring_scan *scan)
{
    return scan->pairs ? scan->mean / 2 : scan->mean;
}

static inline void ring_scan_fill_tables(struct ring_scan *scan)
{
    double term = exp(-ring_scan_electrons(scan)), sum = 0;
    for (unsigned n = 0; n < 512; n++) {
        scan->cumulative[n] = sum += term;
        term *= ring_scan_electrons(scan) / (n + 1);
    }
    for (unsigned i = 0, n = 0; i < 4096; i++) {
        while (n < 511 && scan->cumulative[n] <= i / 4096.0)
            n++;
        scan->guide[i] = (uint16_t)n;
    }
}

static inline void ring_scan_create(struct ring_scan *scan)
{
    scan->patterns = malloc(sizeof(uint32_t) * scan->n_blocks * scan->n_pixels);
    scan->electrons = calloc(scan->n_pixels, sizeof(uint32_t));
    scan->counts = calloc(scan->n_pixels, sizeof(uint32_t));
    if (!scan->patterns || !scan->electrons || !scan->counts)
        abort();
    ring_scan_fill_tables(scan);
}

static inline void ring_scan_destroy(struct ring_scan *scan)
{
    free(scan->patterns);
    free(scan->electrons);
    free(scan->counts);
}

/* Of the scan's own mean, by inversion. */
static inline uint32_t ring_scan_poisson(struct ring_scan *scan)
{
    const double u = ring_scan_uniform(scan);
    uint32_t n = scan->guide[(unsigned)(u * 4096)];
    while (n < 511 && scan->cumulative[n] <= u)
        n++;
    return n;
}

/* Of any mean. */
static inline uint32_t ring_scan_poisson_of(struct ring_scan *scan, double mean)
{
    const double limit = exp(-mean);
    uint32_t n = 0;
    for (double product = ring_scan_uniform(scan); product > limit;
         product *= ring_scan_uniform(scan))
        n++;
    return n;
}

static inline double ring_scan_normal(struct ring_scan *scan)
{
    const double u = ring_scan_uniform(scan) + 0x1p-60, v = ring_scan_uniform(scan);
    return sqrt(-2 * log(u)) * cos(2 * M_PI * v);
}

/* Gamma distribution of mean 1 and variance 1 / shape, shape >= 1 (Marsaglia and Tsang 2000). */
static inline double ring_scan_gamma(struct ring_scan *scan, double shape)
{
    const double d = shape - 1.0 / 3, c = 1 / sqrt(9 * d);
    for (;;) {
        const double x = ring_scan_normal(scan), root = 1 + c * x, v = root * root * root;
        if (root > 0 && log(ring_scan_uniform(scan) + 0x1p-60) < x * x / 2 + d - d * v + d * log(v))
            return d * v / shape;
    }
}

static inline void ring_scan_expose(struct ring_scan *scan)
{
    const uint32_t n_pixels = scan->n_pixels;
    for (uint32_t q = 0; q < n_pixels; q++) {
        scan->electrons[q] =
            scan->contrast > 0
                ? ring_scan_poisson_of(scan, ring_scan_electrons(scan) *
                                                 ring_scan_gamma(scan, 1 / scan->contrast))
                : ring_scan_poisson(scan);
    }
    for (uint32_t q = 0; q < n_pixels; q++) {
        const uint32_t neighbour = scan->electrons[q ? q - 1 : n_pixels - 1];
        scan->counts[q] = scan->electrons[q] + (scan->pairs ? neighbour : 0);
    }
}

static inline void ring_scan_add(struct ring_scan *scan, uint32_t block)
{
    uint64_t counts = 0, squares = 0;
    uint32_t *const pattern = scan->patterns + (size_t)block * scan->n_pixels;
    for (uint32_t q = 0; q < scan->n_pixels; q++) {
        const uint64_t n = scan->counts[q];
        counts += n;
        squares += n * n;
        pattern[q] += scan->counts[q];
    }
    scan->moments[block].counts += counts;
    scan->moments[block].squares += squares;
    scan->moments[block].products += (wide_count)counts * counts;
    scan->frames[block]++;
}

/* A new scan: the same settings, other noise. Blocks are of consecutive frames. */
static inline void ring_scan_run(struct ring_scan *scan)
{
    memset(scan->frames, 0, sizeof scan->frames);
    memset(scan->moments, 0, sizeof scan->moments);
    memset(scan->patterns, 0, sizeof(uint32_t) * scan->n_blocks * scan->n_pixels);
    for (uint32_t frame = 0; frame < scan->n_frames; frame++) {
        ring_scan_expose(scan);
        ring_scan_add(scan, (uint32_t)((uint64_t)frame * scan->n_blocks / scan->n_frames));
    }
}

/* Without one block; n_blocks: of all. */
static inline struct ring_totals ring_scan_totals(const struct ring_scan *scan, uint32_t without)
{
    struct ring_totals ring = {.pixels = scan->n_pixels};
    for (uint32_t block = 0; block < scan->n_blocks; block++) {
        if (block == without)
            continue;
        ring.frames += scan->frames[block];
        ring.moments.counts += scan->moments[block].counts;
        ring.moments.squares += scan->moments[block].squares;
        ring.moments.products += scan->moments[block].products;
    }
    for (uint32_t q = 0; q < scan->n_pixels; q++) {
        uint64_t counts = 0;
        for (uint32_t block = 0; block < scan->n_blocks; block++)
            counts += block == without ? 0 : scan->patterns[(size_t)block * scan->n_pixels + q];
        ring.pattern += (wide_count)counts * counts;
    }
    return ring;
}

static inline double ring_scan_value(const struct ring_scan *scan, const struct ring_totals *ring,
                                     enum ring_value which)
{
    const double f = scan->pairs ? 2 : 1;
    switch (which) {
    case RING_V_IMAGE:
        return variance_v_image(ring);
    case RING_V_R:
        return variance_v_r(ring, f);
    case RING_V_RE:
        return variance_v_re(ring);
    default:
        return variance_omega(ring, f);
    }
}

/* Values and their standard errors. */
static inline void ring_scan_look(const struct ring_scan *scan, double values[N_RING_VALUES],
                                  double errors[N_RING_VALUES])
{
    static double without[N_RING_VALUES][64];
    const struct ring_totals all = ring_scan_totals(scan, scan->n_blocks);
    for (uint32_t block = 0; block < scan->n_blocks; block++) {
        const struct ring_totals rest = ring_scan_totals(scan, block);
        for (unsigned which = 0; which < N_RING_VALUES; which++)
            without[which][block] = ring_scan_value(scan, &rest, (enum ring_value)which);
    }
    for (unsigned which = 0; which < N_RING_VALUES; which++) {
        values[which] = ring_scan_value(scan, &all, (enum ring_value)which);
        errors[which] =
            jackknife_error(values[which], without[which], scan->frames, scan->n_blocks);
    }
}
