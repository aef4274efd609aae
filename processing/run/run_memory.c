#include "processing/run/run_products.h"
#include "processing/tables/column_table.h"

static uint64_t product_bytes(const struct product *product)
{
    /* A partial has two accumulators. */
    return column_table_bytes(product->columns) +
           2 * (uint64_t)product->n_partials * product->accumulator_size;
}

uint64_t run_bytes(const struct run *run)
{
    const unsigned n = atomic_load_explicit(&run->n_products, memory_order_acquire);
    uint64_t bytes = frame_table_bytes(run->frames) + column_table_bytes(run->stored);
    for (unsigned i = 0; i < n; i++)
        bytes += product_bytes(run->products[i]);
    return bytes;
}
