#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/cpu.h"
#include "common/error.h"
#include "detector/pixel_format.h"
#include "processing/products/acquisition_plan.h"
#include "processing/products/frame.h"

/*
 * A product is one kind of live result of one layer of the frames (a frame has one layer, but for
 * both counters and colour mode). Each lives in a file of its own with the same functions:
 *
 *   prepare     before any frame of it: masks and tables for this pixel format. May allocate.
 *   frame       once per analysed frame, by the worker that holds it: computes the frame's columns
 *               from whichever form of its pixels is best (frame.h; frame_image gives the decoded
 *               image).
 *   accumulate  once per placed frame, after `frame`: adds to the worker's accumulator. Neither of
 *               the two allocates, locks or makes a system call; either may be NULL.
 *   merge       adds one accumulator to another. Integer sums, so that order and number of threads
 *               do not matter. An accumulator is plain memory, and its copy is one too.
 *   map_value   turns a frame's columns into the value of one of the product's maps.
 *   array       turns a merged accumulator into one of the product's arrays.
 *   finish      frees what prepare made.
 *
 * Per-frame results are unsigned 64-bit integer columns in the product's own column table, kept by
 * exposure; a map is a view of them through the scan geometry. Arrays (patterns, profiles) come
 * from accumulators, one per worker. A product may be added to a run at any time and taken out of
 * it: product_set.h.
 *
 * Who owns what: everything in struct product but `columns` and `partials` is written by prepare
 * and by the run before the product is published, and only read afterwards, by all workers at once.
 * For the other two see column_table.h and product_set.h.
 */
struct product;

enum map_dtype { MAP_DTYPE_U64, MAP_DTYPE_F64, MAP_DTYPE_U8 };

/* Bytes of a value. */
size_t map_dtype_size(enum map_dtype dtype);

#define PRODUCT_NAME_SIZE 72

struct product_map {
    char name[PRODUCT_NAME_SIZE];
    enum map_dtype dtype;
    const char *units;
    char description[160]; /* for a person: what it computes */
    uint8_t unmeasured;    /* MAP_DTYPE_U8: the value where nothing was measured */
};

/* An array over all analysed frames: a pattern [height][width], or a profile [n]. */
struct product_array {
    char name[PRODUCT_NAME_SIZE];
    enum map_dtype dtype;
    unsigned rank; /* 1 or 2 */
    uint32_t shape[2];
    const char *units;
    char description[160];
    double ring_width; /* of a profile: value i is of the ring from i to i + 1 times this radius,
                          pixels; 0: it is over no rings */
};

struct product_class {
    const char *kind;
    void (*frame)(const struct product *product, struct frame *frame, uint64_t *columns);
    void (*accumulate)(const struct product *product, uint64_t exposure, struct frame *frame,
                       const uint64_t *columns, void *accumulator);
    void (*merge)(const struct product *product, void *into, const void *from);
    /* Of products that learn from the frames what others are compared with, else NULL. `learn`
     * takes a frame in; it is called for every frame that `teaches`, before `frame`. `ready`: can
     * frames of an epoch be computed now? Asked once per chunk: when not, its frames are taken in
     * and their columns computed later, from the file. */
    void (*learn)(const struct product *product, struct frame *frame);
    bool (*ready)(const struct product *product, unsigned epoch);
    /* The masks of whose weighted sums column `column` is made, from plane 0 on, so that products
     * of a set can be computed together (shared_work.h). NULL: no more; the function NULL: of
     * none. */
    const struct mask_weights *(*weights)(const struct product *product, unsigned column,
                                          unsigned plane);
    /* The rings whose counts and squares it computes, likewise. NULL: none. */
    const struct radial_plan *(*rings)(const struct product *product);
    /* Writes one uint64_t, double or uint8_t, as the map's dtype says. */
    void (*map_value)(const struct product *product, unsigned map, const uint64_t *columns,
                      void *value);
    /* Writes array `which` of a merged accumulator: uint64_t or double each, C order. */
    void (*array)(const struct product *product, unsigned which, const void *accumulator,
                  void *values);
    void (*finish)(struct product *product);
};

struct column_table;
struct given_maps;
struct product_partial;
struct product_set;

struct product {
    const struct product_class *class;
    struct pixel_format format;
    unsigned n_columns; /* per frame, at most PRODUCT_MAX_COLUMNS; 0: `frame` is not called */
    unsigned n_maps;
    struct product_map *maps; /* n_maps of them; freed by finish */
    unsigned n_arrays;
    struct product_array *arrays; /* n_arrays of them; freed by finish */
    size_t accumulator_size;  /* bytes per worker, 0: none. Zeroed before the first frame. Aligned
                                 to 64. */
    void *state;              /* what prepare made */
    uint8_t flag;             /* enum frame_flag of frames whose first column is not 0; 0: none */
    struct given_maps *given; /* its maps are given as a whole (given_maps.h); NULL: of frames */

    /* Of the run, not of prepare: */
    char source[48]; /* the settings that it was made of: a virtual detector's name; "": the run's
                        own */
    const struct product_set *since; /* the first set that has it */
    _Atomic uint64_t recomputed;  /* frames before that set's first one that were computed again */
    unsigned layer;               /* whose frames it sees, from 0 */
    struct column_table *columns; /* NULL when n_columns is 0, or nobody keeps them */
    unsigned n_partials;
    struct product_partial *partials; /* one per worker and one for recompute.h; NULL without
 accumulator */
};

#define PRODUCT_MAX_COLUMNS 1024

/*
 * The prepare functions. Each fills *product (zeroed by the caller) or returns a negative errno
 * with a sentence in `error` and leaves nothing to free. `isa` chooses the kernels.
 *
 * Virtual detectors: virtual_detector.h; profiles: profile_products.h; Bragg reflections:
 * bragg_product.h.
 * centre_of_mass: maps com_y and com_x, float64, pixels from the centre of pixel (0, 0): sum(y n) /
 * sum(n), sum(x n) / sum(n) over the whole frame; NaN where a frame has no count. sum_pattern:
 * array "sum", u64 [height][width], sum over all analysed frames, exact.
 */
int centre_of_mass_prepare(struct product *product, const struct pixel_format *format,
                           enum cpu_isa isa, struct error *error);
int sum_pattern_prepare(struct product *product, const struct pixel_format *format,
                        enum cpu_isa isa, struct error *error);

/*
 * saturation: map "saturated", u64, pixels of the frame at full scale of the counter (63, 4095,
 * 2^24 - 1; that of the pixel type where the depth is unknown); pattern "saturation", u64
 * [height][width], frames in which each pixel was there. Not for frames of 1 bit, of which full
 * scale is one count. Bad pixels count too: a hot one is seen as such.
 */
int saturation_prepare(struct product *product, const struct pixel_format *format, enum cpu_isa isa,
                       struct error *error);

/* A zeroed accumulator of `size` bytes for free(), aligned to 64. NULL: no memory. */
void *product_accumulator_create(size_t size);
