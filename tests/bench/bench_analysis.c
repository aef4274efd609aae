/*
 * What is computed beside a run from its maps and sums, one thread, CPU time, the least of some
 * repeats: the fit of a halo to a summed pattern, and a map of the integrated centre of mass by
 * transform and by riCOM. Prints a line each.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/clock.h"
#include "processing/analysis/halo.h"
#include "processing/analysis/map_integrate.h"
#include "processing/analysis/map_ricom.h"

enum { SIDE = 256, N = SIDE * SIDE, REPEATS = 15 };

static double shift_y[N], shift_x[N], phi[N], pattern[N];

static void give_up(const struct error *error)
{
    fprintf(stderr, "bench_analysis: %s\n", error->text);
    exit(EXIT_FAILURE);
}

static double least_ms(void (*work)(void))
{
    double least = INFINITY;
    for (int i = 0; i < REPEATS; i++) {
        const uint64_t start = clock_read_ns(CLOCK_THREAD_CPUTIME_ID);
        work();
        least = fmin(least, (double)(clock_read_ns(CLOCK_THREAD_CPUTIME_ID) - start) / 1e6);
    }
    return least;
}

/* ---- halo ---- */

static double halo_radius, halo_centre; /* of the pattern, pixels */

/* A slightly elliptic ring on a background, with the noise of counting in miniature: whole counts.
 */
static void make_pattern(void)
{
    for (int i = 0; i < N; i++) {
        const double y = i / SIDE - halo_centre, x = (i % SIDE - halo_centre) * 1.01;
        const double r = hypot(y, x);
        pattern[i] = floor(300 * exp(-0.5 * pow((r - halo_radius) / 5, 2)) +
                           200 * exp(-r / (halo_radius / 2)) + (i * 7919 % 97) / 97.0);
    }
}

static void fit_halo(void)
{
    const struct halo_settings settings = {
        .centre_y = halo_centre + 1,
        .centre_x = halo_centre - 1,
        .inner = 0.7 * halo_radius,
        .outer = 1.35 * halo_radius,
        .overdispersion = 1,
    };
    struct halo halo;
    struct error error = {0};
    if (halo_measure(&halo, &settings, pattern, SIDE, SIDE, &error) < 0)
        give_up(&error);
}

static double halo_ms(double radius)
{
    halo_radius = radius;
    halo_centre = SIDE / 2.0 + 0.3;
    make_pattern();
    return least_ms(fit_halo);
}

/* ---- integrated centre of mass ---- */

static void make_shift(void)
{
    for (int i = 0; i < N; i++) {
        shift_y[i] = cos(i / SIDE * 0.11) + (i * 7919 % 101) / 101.0;
        shift_x[i] = sin(i % SIDE * 0.07) + (i * 6007 % 103) / 103.0;
    }
}

static struct map_integrator *integrator;

static void integrate(void)
{
    map_integrate(integrator, phi, shift_y, shift_x);
}

static struct map_ricom *ricom;

/* As the live map does it: all positions, each time. */
static void integrate_by_ricom(void)
{
    map_ricom_clear(ricom);
    for (uint32_t i = 0; i < N; i++)
        (void)map_ricom_add(ricom, i / SIDE, i % SIDE, shift_y[i], shift_x[i]);
    map_ricom_get(ricom, phi);
}

static double ricom_ms(uint32_t radius)
{
    struct error error = {0};
    if (map_ricom_create(&ricom, SIDE, SIDE, radius, 1, &error) < 0)
        give_up(&error);
    const double ms = least_ms(integrate_by_ricom);
    map_ricom_destroy(ricom);
    return ms;
}

int main(void)
{
    const struct map_integrator_settings settings = {
        .ny = SIDE, .nx = SIDE, .step_y = 1, .step_x = 1, .border = MAP_BORDER_MIRROR};
    struct error error = {0};
    if (map_integrator_create(&integrator, &settings, &error) < 0)
        give_up(&error);
    make_shift();
    printf("halo of radius 30 px in 256 x 256: %.2f ms\n", halo_ms(30));
    printf("halo of radius 60 px in 256 x 256: %.2f ms\n", halo_ms(60));
    printf("iCoM of 256 x 256 positions: %.2f ms\n", least_ms(integrate));
    printf("riCOM of radius 8, 256 x 256 positions: %.1f ms\n", ricom_ms(8));
    printf("riCOM of radius 16, 256 x 256 positions: %.1f ms\n", ricom_ms(16));
    map_integrator_destroy(integrator);
    return EXIT_SUCCESS;
}
