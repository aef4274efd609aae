#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <errno.h>
#include <math.h>

#include "processing/products/profile_products.h"
#include "tests/unit/processing/frames.h"

enum { SUM, MEAN, AREA };
enum { HEIGHT = 37, WIDTH = 53, N_FRAMES = 60 };

static uint8_t bad[HEIGHT * WIDTH];

static struct product prepared(uint32_t pixel_size, enum cpu_isa isa)
{
    const struct pixel_format format = frame_format(HEIGHT, WIDTH, pixel_size);
    const struct radial_settings settings = {
        .centre_given = true, .centre_y = 17.25, .centre_x = 24.5, .n_bins = 21};
    struct product product = {0};
    struct error error = {0};
    bad[20 * WIDTH + 30] = bad[7] = 1;
    assert_int_equal(radial_profile_prepare(&product, &settings, bad, &format, isa, &error), 0);
    return product;
}

/* By its own arithmetic: not through the table of bins. */
static void expect_counts(const void *image, uint32_t pixel_size, uint64_t counts[21],
                          uint64_t areas[21])
{
    memset(counts, 0, 21 * sizeof *counts);
    memset(areas, 0, 21 * sizeof *areas);
    for (int y = 0; y < HEIGHT; y++) {
        for (int x = 0; x < WIDTH; x++) {
            const double dy = y - 17.25, dx = x - 24.5, radius = sqrt(dy * dy + dx * dx);
            if (radius >= 21 || bad[y * WIDTH + x])
                continue;
            counts[(int)radius] += frame_pixel(image, (size_t)y * WIDTH + (size_t)x, pixel_size);
            areas[(int)radius]++;
        }
    }
}

struct sums {
    uint64_t counts[21], areas[21];
};

static struct sums run_frames(const struct product *product, void *const *shares, unsigned n_shares)
{
    const struct pixel_format *const format = &product->format;
    void *const image = frame_create(format);
    uint64_t columns[PRODUCT_MAX_COLUMNS], counts[21], expected[21];
    struct sums sums = {0};
    for (unsigned n = 0; n < N_FRAMES; n++) {
        frame_fill(image, format, n % N_FILLS, n);
        expect_counts(image, format->pixel_size, expected, sums.areas);
        memset(columns, 0xaa, sizeof columns);
        product->class->frame(product, &(struct frame){.image = image}, columns);
        assert_int_equal(columns[product->n_columns], UINT64_C(0xaaaaaaaaaaaaaaaa));
        radial_profile_columns_to_counts(product, columns, counts);
        assert_memory_equal(counts, expected, sizeof expected);
        product->class->accumulate(product, n, &(struct frame){.image = image}, columns,
                                   shares[n * 7 / 5 % n_shares]);
        for (unsigned bin = 0; bin < 21; bin++)
            sums.counts[bin] += expected[bin];
    }
    frame_destroy(image, format);
    return sums;
}

static void check_arrays(const struct product *product, const void *accumulator,
                         const struct sums *sums)
{
    uint64_t counts[21], areas[21];
    double means[21];
    product->class->array(product, SUM, accumulator, counts);
    product->class->array(product, MEAN, accumulator, means);
    product->class->array(product, AREA, accumulator, areas);
    assert_memory_equal(counts, sums->counts, sizeof counts);
    assert_memory_equal(areas, sums->areas, sizeof areas);
    for (unsigned bin = 0; bin < 21; bin++)
        assert_true(means[bin] ==
                    (double)sums->counts[bin] / ((double)sums->areas[bin] * N_FRAMES));
}

static void run_shares(uint32_t pixel_size, enum cpu_isa isa, unsigned n_shares, bool backwards)
{
    struct product product = prepared(pixel_size, isa);
    void *shares[4] = {NULL};
    void *const merged = product_accumulator_create(product.accumulator_size);
    for (unsigned i = 0; i < n_shares; i++)
        shares[i] = product_accumulator_create(product.accumulator_size);
    const struct sums sums = run_frames(&product, shares, n_shares);
    for (unsigned i = 0; i < n_shares; i++)
        product.class->merge(&product, merged, shares[backwards ? n_shares - 1 - i : i]);
    check_arrays(&product, merged, &sums);
    for (unsigned i = 0; i < n_shares; i++)
        free(shares[i]);
    free(merged);
    product.class->finish(&product);
}

static void profiles_are_exact_whatever_the_number_of_threads(void **state)
{
    for (uint32_t size = 1; size <= 4; size *= 2) {
        for (enum cpu_isa isa = CPU_ISA_PLAIN; isa <= cpu_isa_best(); isa++) {
            for (unsigned n_shares = 1; n_shares <= 4; n_shares *= 2) {
                run_shares(size, isa, n_shares, false);
                run_shares(size, isa, n_shares, true);
            }
        }
    }
}

static void the_arrays_are_described(void **state)
{
    struct product product = prepared(1, cpu_isa_best());
    static const char *const names[] = {"radial_sum", "radial_mean", "radial_area"};
    assert_int_equal(product.n_arrays, 3);
    for (unsigned i = 0; i < 3; i++) {
        assert_string_equal(product.arrays[i].name, names[i]);
        assert_int_equal(product.arrays[i].rank, 1);
        assert_int_equal(product.arrays[i].shape[0], 21);
        assert_int_equal(product.arrays[i].dtype, i == MEAN ? MAP_DTYPE_F64 : MAP_DTYPE_U64);
    }
    assert_int_equal(product.n_columns, 11); /* two rings each */
    assert_true(product_is_radial_profile(&product));
    assert_false(product_is_variance(&product));
    product.class->finish(&product);
}

static void without_frames_or_pixels_the_mean_is_not_a_number(void **state)
{
    const struct pixel_format format = frame_format(9, 9, 2);
    const struct radial_settings fine = {.bin_width = 0.25, .n_bins = 8};
    struct product product = {0};
    assert_int_equal(radial_profile_prepare(&product, &fine, NULL, &format, cpu_isa_best(), NULL),
                     0);
    void *const accumulator = product_accumulator_create(product.accumulator_size);
    void *const image = frame_create(&format);
    uint64_t columns[PRODUCT_MAX_COLUMNS];
    double means[8] = {0};
    product.class->array(&product, MEAN, accumulator, means);
    assert_true(isnan(means[0]));
    frame_fill(image, &format, FILL_FULL_SCALE, 0);
    product.class->frame(&product, &(struct frame){.image = image}, columns);
    product.class->accumulate(&product, 0, &(struct frame){.image = image}, columns, accumulator);
    product.class->array(&product, MEAN, accumulator, means);
    assert_true(means[0] == 65535); /* the pixel in the middle */
    assert_true(isnan(means[1]));   /* none is a quarter of a pixel away */
    assert_true(means[4] == 65535); /* its neighbours are one away */
    frame_destroy(image, &format);
    free(accumulator);
    product.class->finish(&product);
}

static void nonsense_is_refused_with_a_sentence(void **state)
{
    const struct pixel_format format = frame_format(9, 9, 2);
    const struct radial_settings wrong = {.bin_width = -1}, many = {.n_bins = 5000};
    struct product product = {0};
    struct error error = {0};
    assert_int_equal(
        radial_profile_prepare(&product, &wrong, NULL, &format, cpu_isa_best(), &error), -EINVAL);
    assert_non_null(strstr(error.text, "bin width"));
    assert_int_equal(radial_profile_prepare(&product, &many, NULL, &format, cpu_isa_best(), &error),
                     -EINVAL);
    const struct pixel_format odd = frame_format(9, 9, 3);
    assert_int_equal(radial_profile_prepare(&product, &(struct radial_settings){0}, NULL, &odd,
                                            cpu_isa_best(), &error),
                     -ENOTSUP);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(profiles_are_exact_whatever_the_number_of_threads),
        cmocka_unit_test(the_arrays_are_described),
        cmocka_unit_test(without_frames_or_pixels_the_mean_is_not_a_number),
        cmocka_unit_test(nonsense_is_refused_with_a_sentence),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
