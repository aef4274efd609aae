#include "processing/products/bragg_product.h"
#include "processing/run/run_products.h"
#include "processing/tables/column_table.h"

/* What the search for Bragg reflections works with, per pixel of a frame and thread: 8 MB were
 * measured for frames of 256 x 256 and four threads, as much again for one that learns. */
#define BRAGG_WORKING_BYTES 36

static uint64_t product_bytes(const struct product *product)
{
    /* A partial has two accumulators, but the last one. */
    const uint64_t n = product->n_partials > 0 ? 2 * (uint64_t)product->n_partials - 1 : 0;
    return column_table_bytes(product->columns) + n * product->accumulator_size;
}

static uint64_t bragg_bytes(const struct run *run)
{
    return (uint64_t)BRAGG_WORKING_BYTES * run->format.height * run->format.width *
           run_product_threads(run);
}

uint64_t run_bytes(const struct run *run)
{
    const unsigned n = atomic_load_explicit(&run->n_products, memory_order_acquire);
    uint64_t bytes = frame_table_bytes(run->frames) + column_table_bytes(run->stored) +
                     column_table_bytes(run->stored_late);
    for (unsigned i = 0; i < n; i++)
        bytes += product_bytes(run->products[i]) +
                 (product_is_bragg(run->products[i]) ? bragg_bytes(run) : 0);
    return bytes;
}
