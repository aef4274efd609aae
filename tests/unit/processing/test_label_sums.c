#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <errno.h>
#include <math.h>

#include "processing/products/label_sums.h"
#include "processing/products/profile_products.h"
#include "processing/tables/column_table.h"
#include "tests/unit/processing/frames.h"

enum { NY = 4, NX = 5, N_POSITIONS = NY * NX, FLYBACK = 2, N_FRAMES = NY * (NX + FLYBACK) };
enum { SIZE = 16, N_PIXELS = SIZE * SIZE, N_BINS = 8 };

static const struct scan_geometry scan = {
    .order = SCAN_ORDER_SERPENTINE, .ny = NY, .nx = NX, .skip_line = FLYBACK};
static const uint8_t labels[N_POSITIONS] = {1, 1, 0, 3, 3, 1, 0, 0, 3, 3,
                                            1, 1, 1, 0, 0, 3, 3, 3, 3, 3};
static const struct radial_settings rings = {.n_bins = N_BINS};

/* The columns of every frame of the scan but those of one position. */
static void measure(struct product *product, uint64_t missing)
{
    uint64_t columns[PRODUCT_MAX_COLUMNS];
    void *const image = frame_create(&product->format);
    product->columns = column_table_create(product->n_columns, 0);
    for (uint64_t frame = 0; frame < N_FRAMES; frame++) {
        frame_fill(image, &product->format, FILL_RANDOM, frame);
        product->class->frame(product, &(struct frame){.image = image}, columns);
        if (scan_geometry_position(&scan, frame) != (int64_t)missing)
            assert_true(column_table_put(product->columns, frame, columns));
    }
    frame_destroy(image, &product->format);
}

static void drop(struct product *product)
{
    column_table_destroy(product->columns);
    product->class->finish(product);
}

struct expected {
    uint64_t frames, counts[N_BINS], squares[N_BINS], products[N_BINS], areas[N_BINS];
};

/* Through the serpentine by hand. */
static struct expected expect(const struct pixel_format *format, uint8_t label, uint64_t missing)
{
    struct expected expected = {0};
    void *const image = frame_create(format);
    for (uint64_t position = 0; position < N_POSITIONS; position++) {
        const uint64_t y = position / NX, x = position % NX;
        if (labels[position] != label || position == missing)
            continue;
        frame_fill(image, format, FILL_RANDOM, y * (NX + FLYBACK) + (y % 2 ? NX - 1 - x : x));
        uint64_t counts[N_BINS] = {0};
        memset(expected.areas, 0, sizeof expected.areas);
        for (size_t q = 0; q < N_PIXELS; q++) {
            const size_t row = q / SIZE, column = q % SIZE;
            const int ring = (int)hypot((double)row - 7.5, (double)column - 7.5);
            const uint64_t n = frame_pixel(image, q, format->pixel_size);
            if (ring >= N_BINS)
                continue;
            counts[ring] += n;
            expected.squares[ring] += n * n;
            expected.areas[ring]++;
        }
        for (unsigned ring = 0; ring < N_BINS; ring++) {
            expected.counts[ring] += counts[ring];
            expected.products[ring] += counts[ring] * counts[ring];
        }
        expected.frames++;
    }
    frame_destroy(image, format);
    return expected;
}

static void check_label(const struct label_sums *sums, const struct product *product, uint8_t label,
                        bool squares)
{
    const struct expected expected = expect(&product->format, label, 11);
    double means[N_BINS];
    assert_int_equal(sums->frames[label], expected.frames);
    label_sums_mean(sums, product, label, means);
    for (uint32_t bin = 0; bin < N_BINS; bin++) {
        const struct ring_moments *const ring = &sums->rings[(size_t)label * N_BINS + bin];
        assert_int_equal(ring->counts, expected.counts[bin]);
        assert_true(ring->products == expected.products[bin]);
        assert_true(ring->squares == (squares ? expected.squares[bin] : 0));
        assert_true(means[bin] == (double)expected.counts[bin] /
                                      ((double)expected.areas[bin] * (double)expected.frames));
    }
}

static void check_product(struct product *product, bool squares)
{
    struct label_sums sums;
    measure(product, 11);
    assert_int_equal(label_sums_init(&sums, product, &scan, labels, N_POSITIONS, NULL), 0);
    assert_int_equal(sums.n_labels, 4);
    assert_int_equal(sums.n_bins, N_BINS);
    check_label(&sums, product, 1, squares);
    check_label(&sums, product, 3, squares);
    assert_int_equal(sums.frames[0], 0);
    assert_int_equal(sums.frames[2], 0);
    double means[N_BINS];
    label_sums_mean(&sums, product, 2, means);
    assert_true(isnan(means[0]));
    if (squares) {
        const struct ring_totals ring = label_sums_ring(&sums, product, 3, 5);
        const struct expected expected = expect(&product->format, 3, 11);
        assert_int_equal(ring.frames, expected.frames);
        assert_int_equal(ring.pixels, expected.areas[5]);
        assert_true(ring.moments.squares == expected.squares[5]);
    }
    label_sums_finish(&sums);
    drop(product);
}

static void profiles_of_labels_are_exact(void **state)
{
    for (uint32_t size = 1; size <= 2; size++) {
        const struct pixel_format format = frame_format(SIZE, SIZE, size);
        struct product product = {0};
        assert_int_equal(
            radial_profile_prepare(&product, &rings, NULL, &format, cpu_isa_best(), NULL), 0);
        check_product(&product, false);
    }
}

static void moments_of_labels_are_exact(void **state)
{
    const struct variance_settings settings = {.rings = rings};
    for (uint32_t size = 1; size <= 2; size++) {
        const struct pixel_format format = frame_format(SIZE, SIZE, size);
        struct product product = {0};
        assert_int_equal(variance_prepare(&product, &settings, NULL, &format, cpu_isa_best(), NULL),
                         0);
        check_product(&product, true);
    }
}

static void a_wrong_map_or_product_is_refused(void **state)
{
    const struct pixel_format format = frame_format(SIZE, SIZE, 1);
    struct product rings_product = {0}, pattern = {0};
    struct label_sums sums;
    struct error error = {0};
    assert_int_equal(
        radial_profile_prepare(&rings_product, &rings, NULL, &format, cpu_isa_best(), NULL), 0);
    rings_product.columns = column_table_create(rings_product.n_columns, 0);
    assert_int_equal(label_sums_init(&sums, &rings_product, &scan, labels, 7, &error), -EINVAL);
    assert_non_null(strstr(error.text, "7 positions"));
    assert_int_equal(sum_pattern_prepare(&pattern, &format, cpu_isa_best(), NULL), 0);
    assert_int_equal(label_sums_init(&sums, &pattern, &scan, labels, N_POSITIONS, &error), -EINVAL);
    label_sums_finish(&sums);
    pattern.class->finish(&pattern);
    drop(&rings_product);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(profiles_of_labels_are_exact),
        cmocka_unit_test(moments_of_labels_are_exact),
        cmocka_unit_test(a_wrong_map_or_product_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
