#pragma once

#include <stddef.h>
#include <stdint.h>

#include "common/cpu.h"
#include "common/error.h"
#include "detector/pixel_format.h"
#include "processing/acquisition_plan.h"

/*
 * A product is one kind of live result. Each lives in a file of its own with the same functions:
 *
 *   prepare   once per run, before any frame: masks and tables for this pixel format. May allocate.
 *   frame     once per analysed frame, by the worker that holds it: writes the frame's columns,
 * adds to the worker's accumulator. No allocation, no lock, no system call. merge     adds one
 * accumulator to another. Integer sums, so that order and number of threads do not matter.
 *   map_value turns a frame's columns into the value of one of the product's maps.
 *   finish    frees what prepare made.
 *
 * Per-frame results are unsigned 64-bit integer columns in the run's frame table, kept by frame
 * number; a map is a view of them through the scan geometry. A product with an image (the sum
 * pattern) has an accumulator per worker instead.
 *
 * Who owns what: everything in struct product is written by prepare and only read afterwards, by
 * all workers at once. Columns belong to the worker that analyses the frame until it publishes the
 * frame's state; an accumulator belongs to its worker.
 */
struct product;

enum map_dtype { MAP_DTYPE_U64, MAP_DTYPE_F64 };

struct product_map {
    char name[56];
    enum map_dtype dtype;
    const char *units;
    char description[120]; /* for a person: what it computes */
};

struct product_class {
    const char *kind;
    void (*frame)(const struct product *product, const void *image, uint64_t *columns,
                  void *accumulator);
    void (*merge)(const struct product *product, void *into, const void *from);
    /* Writes one uint64_t or double, as the map's dtype says. */
    void (*map_value)(const struct product *product, unsigned map, const uint64_t *columns,
                      void *value);
    /* Makes the image of a merged accumulator: uint64_t [height][width]. NULL: the product has
     * none. */
    void (*image)(const struct product *product, const void *accumulator, uint64_t *image);
    void (*finish)(struct product *product);
};

struct product {
    const struct product_class *class;
    struct pixel_format format;
    unsigned n_columns;    /* of the frame table */
    unsigned first_column; /* set by the run when it lays out the table */
    unsigned n_maps;
    struct product_map *maps; /* n_maps of them */
    size_t accumulator_size;  /* bytes per worker, 0: none. Zeroed before the first frame. Aligned
                                 to 64. */
    const char *image_name;   /* of the image, NULL: none */
    void *state;              /* what prepare made */
};

/*
 * The prepare functions. Each fills *product (zeroed by the caller) or returns a negative errno
 * with a sentence in `error` and leaves nothing to free. `isa` chooses the kernels.
 *
 * virtual_detectors: one u64 map per detector, sum of counts over its pixels, exact.
 * centre_of_mass: maps com_y and com_x, float64, pixels from the centre of pixel (0, 0): sum(y n) /
 * sum(n), sum(x n) / sum(n) over the whole frame; NaN where a frame has no count. sum_pattern:
 * image "sum", u64 [height][width], sum over all analysed frames, exact.
 */
int virtual_detectors_prepare(struct product *product,
                              const struct virtual_detector_settings *detectors, size_t n_detectors,
                              const struct pixel_format *format, enum cpu_isa isa,
                              struct error *error);
int centre_of_mass_prepare(struct product *product, const struct pixel_format *format,
                           enum cpu_isa isa, struct error *error);
int sum_pattern_prepare(struct product *product, const struct pixel_format *format,
                        enum cpu_isa isa, struct error *error);

/* A zeroed accumulator of `size` bytes for free(), aligned to 64. NULL: no memory. */
void *product_accumulator_create(size_t size);
