#include "tests/bench/bragg/disk_window.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "processing/bragg/bragg_disk.h"

#define WINDOW_MAX 15    /* pixels from its middle that a window of the benchmark counts */
#define PARTS_COUNTS 1e4 /* per pixel of a disk of which parts are told */

/* Where a disk on the ring would lie. */
static const double tried[2] = {DISK_WINDOW_RING * 0.6, DISK_WINDOW_RING * 0.8};

/* Sum of value(dy, dx) over the window of the matched disk that is nearest to tried[]. */
static double over_window(const struct cell *cell, double (*value)(const void *, int, int),
                          const void *of)
{
    const double reach = cell->optics.disk_radius + BRAGG_DISK_MARGIN;
    const int y = (int)lrint(tried[0]), x = (int)lrint(tried[1]);
    double sum = 0;
    for (int dy = (int)-reach; dy <= reach; dy++)
        for (int dx = (int)-reach; dx <= reach; dx++)
            if (dy * dy + dx * dx <= reach * reach)
                sum += value(of, y + dy, x + dx);
    return sum;
}

static double halo_at(const void *of, int y, int x)
{
    return glass_pattern_halo(of, 0, y, x);
}

double disk_window_background(const struct cell *cell)
{
    return cell->optics.counts * over_window(cell, halo_at, &cell->optics);
}

/* Correlation of the film's intensities at two pixels: it is noise over an aperture of whole pixels
 * (detector/sim/speckle.c), 9 of them for R_d 1.5, of which those beside each other have more in
 * common than circles of that radius (0.44 against 0.34). */
static double film_correlation(const struct bragg_disk *aperture, int dy, int dx)
{
    const double overlap = (double)bragg_disk_pairs(aperture, dy, dx) / aperture->area;
    return overlap * overlap;
}

/* Mean counts of an electron in a pixel so far from the one that it hits, over those of all: of
 * clusters of 1 to 4 pixels (detector/sim/glass_sensor.h) 1.8 counts, 0.1875 in each pixel beside
 * that one and 0.0125 across each corner. */
static double shared_part(const struct cell *cell, int dy, int dx)
{
    const int edges = abs(dy) + abs(dx);
    if (!cell->sensor.charge_sharing)
        return edges == 0;
    const double counts = edges == 0 ? 1 : edges == 1 ? 0.1875 : 0.0125;
    return abs(dy) <= 1 && abs(dx) <= 1 ? counts / GLASS_CLUSTER_MEAN : 0;
}

/* Of the light of a pixel, the part that the window round (0, 0) counts. */
static double part_in_window(const struct cell *cell, int y, int x)
{
    const double reach = cell->optics.disk_radius + BRAGG_DISK_MARGIN;
    double part = 0;
    for (int dy = -1; dy <= 1; dy++)
        for (int dx = -1; dx <= 1; dx++)
            if ((y + dy) * (y + dy) + (x + dx) * (x + dx) <= reach * reach)
                part += shared_part(cell, dy, dx);
    return part;
}

double disk_window_speckle(const struct cell *cell)
{
    const int y0 = (int)lrint(tried[0]), x0 = (int)lrint(tried[1]);
    const int n = (int)(cell->optics.disk_radius + BRAGG_DISK_MARGIN) + 1, side = 2 * n + 1;
    double light[(2 * WINDOW_MAX + 1) * (2 * WINDOW_MAX + 1)], sum = 0, weight = 0;
    struct bragg_disk aperture;
    bragg_disk_init(&aperture, cell->optics.disk_radius - BRAGG_DISK_MARGIN);
    for (int i = 0; i < side * side; i++) {
        const int y = i / side - n, x = i % side - n;
        light[i] = part_in_window(cell, y, x) * halo_at(&cell->optics, y0 + y, x0 + x);
        weight += light[i];
    }
    for (int i = 0; i < side * side; i++)
        for (int j = 0; light[i] > 0 && j < side * side; j++)
            sum += light[i] * light[j] *
                   film_correlation(&aperture, abs(i / side - j / side), i % side - j % side);
    return cell->speckle * sum / (weight * weight);
}

double disk_window_share(const struct cell *cell)
{
    return asin(fmin(1, cell->optics.disk_radius / DISK_WINDOW_RING)) / M_PI;
}

static double count_at(const void *of, int y, int x)
{
    const uint32_t *counts = of;
    return counts[(CELL_SIDE / 2 + y) * CELL_SIDE + CELL_SIDE / 2 + x];
}

void disk_window_parts(struct learnt *learnt, double parts[POWER_PLACES])
{
    const struct cell *cell = learnt->cell;
    uint32_t *counts = learnt->frame.counts, disk_counts;
    struct bragg_reference_report report;
    bragg_reference_report(learnt->reference, &report);
    const double step = report.step[BRAGG_MATCHED];
    for (int i = 0; i < POWER_PLACES; i++) {
        const double y = ((i / POWER_STEPS + 0.5) / POWER_STEPS - 0.5) * step;
        const double x = ((i % POWER_STEPS + 0.5) / POWER_STEPS - 0.5) * step;
        const struct glass_position position = {
            .intensity = 1,
            .reflections = 1,
            .reflection = {{.g = {rint(tried[0]) + y, rint(tried[1]) + x},
                            .contrast = PARTS_COUNTS / cell->optics.counts}}};
        memset(counts, 0, sizeof learnt->frame.counts);
        glass_pattern_draw_reflections(&learnt->pattern, &position, (uint64_t)i, counts,
                                       &disk_counts);
        parts[i] = over_window(cell, count_at, counts) / disk_counts;
    }
}
