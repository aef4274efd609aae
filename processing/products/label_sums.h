#pragma once

#include <stdint.h>

#include "common/error.h"
#include "processing/products/product.h"
#include "processing/products/variance_formulas.h"
#include "processing/scan/scan_geometry.h"

/*
 * What the rings of a scan add up to for each label of a map (phase, region, class), from the
 * stored columns of a radial_profile or variance product: exact, and without a frame being looked
 * at again. Any thread, also while the scan runs.
 *
 * Labels are 1 to 255; positions of label 0 belong to nothing.
 */
struct label_sums {
    uint32_t n_labels; /* one more than the highest label */
    uint32_t n_bins;
    uint64_t *frames;           /* [n_labels]: measured positions of each label; that of 0 is 0 */
    struct ring_moments *rings; /* [n_labels][n_bins]; squares stay 0 for a radial_profile */
};

/*
 * `labels` has one for each of n_positions positions of the scan as seen through `scan`. -EINVAL: a
 * product of another kind, or a map of another size than the scan; -ENOMEM.
 */
int label_sums_init(struct label_sums *sums, const struct product *product,
                    const struct scan_geometry *scan, const uint8_t *labels, uint64_t n_positions,
                    struct error *error);

/* Also of zeroed sums. */
void label_sums_finish(struct label_sums *sums);

/* Mean profile of a label, counts per pixel and frame, means[n_bins]; NaN for a label without
 * measured positions and a ring without pixels. */
void label_sums_mean(const struct label_sums *sums, const struct product *product, uint32_t label,
                     double *means);

/*
 * The sums of a ring for the formulas of variance_formulas.h, but for v_image, which needs
 * patterns. Of a variance product.
 */
struct ring_totals label_sums_ring(const struct label_sums *sums, const struct product *product,
                                   uint32_t label, uint32_t bin);
