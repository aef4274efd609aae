#include "processing/products/label_sums.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "processing/products/profile_products.h"
#include "processing/tables/column_table.h"

static const struct radial_bins *bins_of(const struct product *product)
{
    if (product_is_variance(product))
        return variance_bins(product);
    return product_is_radial_profile(product) ? radial_profile_bins(product) : NULL;
}

static uint32_t n_labels_of(const uint8_t *labels, uint64_t n_positions)
{
    uint32_t highest = 0;
    for (uint64_t i = 0; i < n_positions; i++)
        highest = labels[i] > highest ? labels[i] : highest;
    return highest + 1;
}

static void add_frame(struct label_sums *sums, const struct product *product, uint32_t label,
                      const uint64_t *columns)
{
    struct ring_moments *const rings = sums->rings + (size_t)label * sums->n_bins;
    uint64_t counts[RADIAL_MAX_BINS], squares[RADIAL_MAX_BINS] = {0};
    if (product_is_variance(product))
        variance_columns_to_sums(product, columns, counts, squares);
    else
        radial_profile_columns_to_counts(product, columns, counts);
    for (uint32_t bin = 0; bin < sums->n_bins; bin++) {
        rings[bin].counts += counts[bin];
        rings[bin].squares += squares[bin];
        rings[bin].products += (wide_count)counts[bin] * counts[bin];
    }
    sums->frames[label]++;
}

static void add_positions(struct label_sums *sums, const struct product *product,
                          const struct scan_geometry *scan, const uint8_t *labels,
                          uint64_t n_positions)
{
    uint64_t columns[PRODUCT_MAX_COLUMNS];
    for (uint64_t position = 0; position < n_positions; position++) {
        if (!labels[position])
            continue;
        const int64_t frame = scan_geometry_frame_index(scan, position);
        if (frame >= 0 && column_table_get(product->columns, (uint64_t)frame, columns))
            add_frame(sums, product, labels[position], columns);
    }
}

int label_sums_init(struct label_sums *sums, const struct product *product,
                    const struct scan_geometry *scan, const uint8_t *labels, uint64_t n_positions,
                    struct error *error)
{
    const struct radial_bins *const bins = bins_of(product);
    const uint64_t in_scan = scan_geometry_positions(scan);
    memset(sums, 0, sizeof *sums);
    if (!bins || !product->columns)
        return error_set(error, -EINVAL, "labels: \"%s\" has no rings", product->class->kind);
    if (in_scan && n_positions != in_scan)
        return error_set(error, -EINVAL,
                         "labels: a map of %" PRIu64 " positions for a scan of %" PRIu64
                         "; give one label for each position",
                         n_positions, in_scan);
    sums->n_labels = n_labels_of(labels, n_positions);
    sums->n_bins = bins->n_bins;
    sums->frames = calloc(sums->n_labels, sizeof *sums->frames);
    sums->rings = calloc((size_t)sums->n_labels * sums->n_bins, sizeof *sums->rings);
    if (!sums->frames || !sums->rings) {
        label_sums_finish(sums);
        return error_set(error, -ENOMEM, "no memory for the sums of %" PRIu32 " labels",
                         n_labels_of(labels, n_positions));
    }
    add_positions(sums, product, scan, labels, n_positions);
    return 0;
}

void label_sums_finish(struct label_sums *sums)
{
    free(sums->frames);
    free(sums->rings);
    memset(sums, 0, sizeof *sums);
}

void label_sums_mean(const struct label_sums *sums, const struct product *product, uint32_t label,
                     double *means)
{
    const struct radial_bins *const bins = bins_of(product);
    const struct ring_moments *const rings = sums->rings + (size_t)label * sums->n_bins;
    for (uint32_t bin = 0; bin < sums->n_bins; bin++) {
        const double samples = (double)bins->areas[bin] * (double)sums->frames[label];
        means[bin] = samples > 0 ? (double)rings[bin].counts / samples : NAN;
    }
}

struct ring_totals label_sums_ring(const struct label_sums *sums, const struct product *product,
                                   uint32_t label, uint32_t bin)
{
    return (struct ring_totals){
        .moments = sums->rings[(size_t)label * sums->n_bins + bin],
        .frames = sums->frames[label],
        .pixels = bins_of(product)->areas[bin],
    };
}
