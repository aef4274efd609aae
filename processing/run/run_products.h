#pragma once

#include "processing/run/run.h"
#include "processing/run/run_bragg.h"

/* The products of a run. The functions that change them lock; run_prepare_products is called before
 * anybody else knows the run. */

/* What the plan asks for, as the first set. */
int run_prepare_products(struct run *run, struct error *error);

/*
 * Makes room in the run for a product of one layer that a prepare function has filled: names,
 * column table, partials. The run owns it from now on, also when this fails (then it is finished at
 * once). It is not computed before it is in a set. NULL with a sentence: no memory, or
 * RUN_MAX_PRODUCTS reached.
 */
struct product *run_add_product(struct run *run, const struct product *prepared, unsigned layer,
                                const char *source, struct error *error);

/*
 * Computes `added` (n_added of them, from run_add_product) for all chunks that are opened from now
 * on, and `removed` (n_removed) no more. The set's first_frame tells from which frame on, once it
 * is known. NULL: no memory; nothing changed.
 */
struct product_set *run_change_set(struct run *run, const struct product *const *removed,
                                   size_t n_removed, struct product *const *added, size_t n_added);

/* Pixels of the run's frames that are left out, [height][width]; NULL: none, or the plan's mask is
 * of another size. Any thread. */
const uint8_t *run_bad_pixels(const struct run *run);

/* The gain of the run's pixels, [height][width]; NULL: not known, or of another size. Any thread.
 */
const float *run_gain(const struct run *run);

/* Both, for virtual detectors. */
struct detector_pixels run_detector_pixels(const struct run *run);

/* Threads that products may be computed by: the workers, then as many of recompute.h, then as many
 * of the finisher. */
unsigned run_product_threads(const struct run *run);

/* Bytes that the run's tables, sums and search for Bragg reflections take, about; the masks of its
 * products come on top. Any thread. */
uint64_t run_bytes(const struct run *run);

/* The newest set. Any thread. */
const struct product_set *run_set(const struct run *run);

/* Frees products and sets. */
void run_products_finish(struct run *run);
