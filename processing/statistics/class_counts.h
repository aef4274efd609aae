#pragma once

#include <stddef.h>
#include <stdint.h>

/* Classes of a scan's positions, as maps of uint8_t [ny][nx], C order, have them. */
enum scan_class {
    SCAN_CLASS_NONE = 0,
    SCAN_CLASS_TWO_BEAM = 1,
    SCAN_CLASS_THREE_BEAM = 2,
    SCAN_CLASS_ON_AXIS = 3,
    SCAN_CLASS_MULTIPLE = 4,
    SCAN_CLASSES,                  /* those that count */
    SCAN_CLASS_EXCLUDED = 254,     /* vacuum, hole, cap: not part of the film */
    SCAN_CLASS_NOT_ANALYSED = 255, /* lost, not measured yet */
};

struct class_counts {
    uint64_t of[SCAN_CLASSES];
    uint64_t excluded, not_analysed; /* neither none nor part of the denominator; unknown values
                                        count as not analysed */
};

void class_counts_add(struct class_counts *counts, uint8_t class);

/* Of a whole map, positions in any order. */
struct class_counts class_counts_of(const uint8_t *classes, size_t n);

/* The denominator: classified positions that belong to the film. */
uint64_t class_counts_n(const struct class_counts *counts);

/* With Bragg reflections: all classes but none. */
uint64_t class_counts_bragg(const struct class_counts *counts);

/* bragg / n; NAN for n = 0. */
double class_counts_fraction(const struct class_counts *counts);

/*
 * Of each tile of tile_y x tile_x positions, tiles in C order from the top left, those at the right
 * and lower edge may be smaller. class_tiles_shape tells how many there are.
 */
void class_tiles_shape(uint32_t shape[2], uint32_t ny, uint32_t nx, uint32_t tile_y,
                       uint32_t tile_x);
void class_counts_tiles(struct class_counts *tiles, const uint8_t *classes, uint32_t ny,
                        uint32_t nx, uint32_t tile_y, uint32_t tile_x);

/* Of each label 0 to 255 of a map of the same shape. */
void class_counts_labels(struct class_counts labels[256], const uint8_t *classes,
                         const uint8_t *label_map, size_t n);

/*
 * The binary map that intervals and tests are made of: 1 where reflections are, 0 where none are,
 * BINARY_EXCLUDED elsewhere. With contrasts (else NULL; of the strongest reflection, NAN without
 * one) only reflections of at least min_contrast count.
 */
#define BINARY_EXCLUDED 255
void class_binary_map(uint8_t *binary, const uint8_t *classes, const double *contrast,
                      double min_contrast, size_t n);
