#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "processing/pixels/analysis_settings.h"
#include "processing/pixels/radial_bins.h"
#include "processing/products/product.h"

/*
 * Patterns and profiles over frames. All prepare functions are as those of product.h: they fill
 * *product (zeroed by the caller) or return a negative errno with a sentence and leave nothing to
 * free.
 *
 * `bad` is a mask of pixels that are left out, [height][width], not 0 where a pixel is bad; NULL:
 * none. It is copied.
 */

/*
 * Arrays [height][width] over all placed frames: "sum" u64, exact; "mean" f64, counts per frame,
 * NaN before the first; "maximum" u64, 0 at bad pixels (the other two leave them as they are).
 * sum_pattern_prepare of product.h is this without bad pixels.
 */
int patterns_prepare(struct product *product, const uint8_t *bad, const struct pixel_format *format,
                     enum cpu_isa isa, struct error *error);

/*
 * Counts of each ring (radial_bins.h), per frame as columns and over all placed frames as arrays
 * [n_bins]: "radial_sum" u64, counts, exact; "radial_mean" f64, counts per pixel and frame, NaN
 * before the first frame and for a ring without pixels; "radial_area" u64, good pixels of each
 * ring. -EINVAL: the settings make no sense.
 */
int radial_profile_prepare(struct product *product, const struct radial_settings *settings,
                           const uint8_t *bad, const struct pixel_format *format, enum cpu_isa isa,
                           struct error *error);

/* The rings of a radial_profile or variance product. */
const struct radial_bins *radial_profile_bins(const struct product *product);
const struct radial_bins *variance_bins(const struct product *product);

/* Whether a product is one of these (they may be asked of any product). */
bool product_is_radial_profile(const struct product *product);
bool product_is_variance(const struct product *product);

/* Bytes, 4 or 8, that the counts of every ring of a frame fit into. */
size_t radial_profile_count_size(const struct product *product);

/* counts[n_bins] of one frame from its columns: exact. */
void radial_profile_columns_to_counts(const struct product *product, const uint64_t *columns,
                                      uint64_t *counts);

/*
 * Fluctuation electron microscopy: docs/variance.md. `settings->rings` choose the rings. Columns
 * per frame: counts and squared counts of each ring. Arrays f64 over all placed frames, from exact
 * integer sums:
 *
 * "variance" [height][width]: normalised variance of each pixel, 0 for Poisson noise; NaN at bad
 * pixels and where fewer than two frames have counts. "v_image" [n_bins]: its annular mean, as a
 * ratio of sums; "v_r", "v_re", "omega" [n_bins]: mean of the ring variances, ring ensemble,
 * variance of annular means. NaN for rings without pixels or counts. Each with its standard error
 * by block jackknife, "v_image_error" and so on; NaN with fewer than two blocks.
 *
 * -ENOTSUP: 1-bit frames, whose squares are their counts. -EINVAL: the settings make no sense.
 */
int variance_prepare(struct product *product, const struct variance_settings *settings,
                     const uint8_t *bad, const struct pixel_format *format, enum cpu_isa isa,
                     struct error *error);

/* counts[n_bins] and squares[n_bins], sums of n and of n^2 over the pixels of each ring, of one
 * frame from its columns: exact. */
void variance_columns_to_sums(const struct product *product, const uint64_t *columns,
                              uint64_t *counts, uint64_t *squares);
