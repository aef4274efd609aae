#include "processing/statistics/class_counts.h"

#include <math.h>
#include <string.h>

void class_counts_add(struct class_counts *counts, uint8_t class)
{
    if (class < SCAN_CLASSES)
        counts->of[class]++;
    else if (class == SCAN_CLASS_EXCLUDED)
        counts->excluded++;
    else
        counts->not_analysed++;
}

struct class_counts class_counts_of(const uint8_t *classes, size_t n)
{
    struct class_counts counts = {0};
    for (size_t i = 0; i < n; i++)
        class_counts_add(&counts, classes[i]);
    return counts;
}

uint64_t class_counts_bragg(const struct class_counts *counts)
{
    uint64_t sum = 0;
    for (unsigned i = SCAN_CLASS_NONE + 1; i < SCAN_CLASSES; i++)
        sum += counts->of[i];
    return sum;
}

uint64_t class_counts_n(const struct class_counts *counts)
{
    return counts->of[SCAN_CLASS_NONE] + class_counts_bragg(counts);
}

double class_counts_fraction(const struct class_counts *counts)
{
    const uint64_t n = class_counts_n(counts);
    return n > 0 ? (double)class_counts_bragg(counts) / (double)n : NAN;
}

void class_tiles_shape(uint32_t shape[2], uint32_t ny, uint32_t nx, uint32_t tile_y,
                       uint32_t tile_x)
{
    shape[0] = ny / tile_y + (ny % tile_y != 0);
    shape[1] = nx / tile_x + (nx % tile_x != 0);
}

void class_counts_tiles(struct class_counts *tiles, const uint8_t *classes, uint32_t ny,
                        uint32_t nx, uint32_t tile_y, uint32_t tile_x)
{
    uint32_t shape[2];
    class_tiles_shape(shape, ny, nx, tile_y, tile_x);
    memset(tiles, 0, (size_t)shape[0] * shape[1] * sizeof *tiles);
    for (uint32_t y = 0; y < ny; y++)
        for (uint32_t x = 0; x < nx; x++)
            class_counts_add(&tiles[(size_t)(y / tile_y) * shape[1] + x / tile_x],
                             classes[(size_t)y * nx + x]);
}

void class_counts_labels(struct class_counts labels[256], const uint8_t *classes,
                         const uint8_t *label_map, size_t n)
{
    memset(labels, 0, 256 * sizeof *labels);
    for (size_t i = 0; i < n; i++)
        class_counts_add(&labels[label_map[i]], classes[i]);
}

void class_binary_map(uint8_t *binary, const uint8_t *classes, const double *contrast,
                      double min_contrast, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (classes[i] >= SCAN_CLASSES)
            binary[i] = BINARY_EXCLUDED;
        else
            binary[i] = classes[i] != SCAN_CLASS_NONE && (!contrast || contrast[i] >= min_contrast);
    }
}
