#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <errno.h>
#include <math.h>

#include "processing/products/profile_products.h"
#include "processing/products/variance_formulas.h"
#include "tests/unit/processing/frames.h"

/* The product against the definitions, from all frames kept in memory. */

enum { HEIGHT = 37, WIDTH = 53, N_PIXELS = HEIGHT * WIDTH, N_FRAMES = 50, N_BINS = 20 };
enum { N_BLOCKS = 5, BLOCK_LENGTH = 3 };
enum { VARIANCE, V_IMAGE, V_IMAGE_ERROR, V_R, V_R_ERROR, V_RE, V_RE_ERROR, OMEGA, OMEGA_ERROR };

static const double F = 1.5;
static const struct variance_settings settings = {
    .rings = {.centre_given = true, .centre_y = 17.25, .centre_x = 24.5, .n_bins = N_BINS},
    .counts_per_electron = 1.5,
    .n_blocks = N_BLOCKS,
    .block_length = BLOCK_LENGTH,
};

static uint8_t bad[N_PIXELS];
static void *frames[N_FRAMES];
static uint64_t counts[N_FRAMES][N_PIXELS];
static int ring_of[N_PIXELS];

static void make_frames(const struct pixel_format *format)
{
    bad[7] = bad[20 * WIDTH + 30] = 1;
    for (unsigned j = 0; j < N_FRAMES; j++) {
        frames[j] = frame_create(format);
        frame_fill(frames[j], format, j % N_FILLS, j);
        for (size_t q = 0; q < N_PIXELS; q++) {
            if (format->pixel_size == 4)
                ((uint32_t *)frames[j])[q] &= 0xffffff;
            counts[j][q] = frame_pixel(frames[j], q, format->pixel_size);
        }
    }
    for (int q = 0; q < N_PIXELS; q++) {
        const int y = q / WIDTH, x = q % WIDTH;
        const double dy = y - 17.25, dx = x - 24.5;
        ring_of[q] = bad[q] ? -1 : (int)sqrt(dy * dy + dx * dx);
    }
}

static void drop_frames(const struct pixel_format *format)
{
    for (unsigned j = 0; j < N_FRAMES; j++)
        frame_destroy(frames[j], format);
}

/* ---- by definition ---- */

static unsigned block_of(unsigned frame)
{
    return frame / BLOCK_LENGTH % N_BLOCKS;
}

/* Sum of n(n - 1) over the frames but those of a block. */
static long double pairs_in_pixel(size_t q, unsigned without)
{
    long double sum = 0;
    for (unsigned j = 0; j < N_FRAMES; j++) {
        if (block_of(j) != without)
            sum += (long double)counts[j][q] * ((long double)counts[j][q] - 1);
    }
    return sum;
}

/* Sum of n n' over all pairs of different frames. */
static long double pairs_between(const uint64_t *values, size_t stride, unsigned without)
{
    long double sum = 0;
    for (unsigned i = 0; i < N_FRAMES; i++) {
        for (unsigned j = 0; j < N_FRAMES; j++) {
            if (i != j && block_of(i) != without && block_of(j) != without)
                sum += (long double)values[i * stride] * (long double)values[j * stride];
        }
    }
    return sum;
}

static unsigned n_frames_without(unsigned without)
{
    unsigned n = 0;
    for (unsigned j = 0; j < N_FRAMES; j++)
        n += block_of(j) != without;
    return n;
}

static double expected_of_pixel(size_t q)
{
    return (double)((N_FRAMES - 1) * pairs_in_pixel(q, N_BLOCKS) /
                        pairs_between(&counts[0][q], N_PIXELS, N_BLOCKS) -
                    1);
}

/* v_image, v_r, v_re and omega of a ring, `without` a block (N_BLOCKS: of all). */
static void expected_of_ring(int ring, unsigned without, double values[4])
{
    uint64_t totals[N_FRAMES] = {0};
    long double in_pixels = 0, in_image = 0, in_rings = 0, n_pixels = 0;
    for (size_t q = 0; q < N_PIXELS; q++) {
        if (ring_of[q] != ring)
            continue;
        n_pixels++;
        in_pixels += pairs_in_pixel(q, without);
        in_image += pairs_between(&counts[0][q], N_PIXELS, without);
        for (unsigned j = 0; j < N_FRAMES; j++)
            totals[j] += counts[j][q];
    }
    for (unsigned j = 0; j < N_FRAMES; j++) {
        if (block_of(j) != without)
            in_rings += (long double)totals[j] * ((long double)totals[j] - F);
    }
    const long double pairs = pairs_between(totals, 1, without);
    const long double n = n_frames_without(without) - 1;
    values[0] = (double)(n * in_pixels / in_image - 1);
    values[1] = (double)(n_pixels * in_pixels / in_rings - 1);
    values[2] = (double)(n_pixels * n * in_pixels / pairs - 1);
    values[3] = (double)(n * in_rings / pairs - 1);
}

struct expected {
    double variance[N_PIXELS];
    double values[4][N_BINS], errors[4][N_BINS];
};

static void expect(struct expected *expected)
{
    uint64_t sizes[N_BLOCKS] = {0};
    for (unsigned j = 0; j < N_FRAMES; j++)
        sizes[block_of(j)]++;
    for (size_t q = 0; q < N_PIXELS; q++)
        expected->variance[q] = bad[q] ? NAN : expected_of_pixel(q);
    for (int ring = 0; ring < N_BINS; ring++) {
        double all[4], without[4][N_BLOCKS], of_block[4];
        expected_of_ring(ring, N_BLOCKS, all);
        for (unsigned block = 0; block < N_BLOCKS; block++) {
            expected_of_ring(ring, block, of_block);
            for (unsigned i = 0; i < 4; i++)
                without[i][block] = of_block[i];
        }
        for (unsigned i = 0; i < 4; i++) {
            expected->values[i][ring] = all[i];
            expected->errors[i][ring] = jackknife_error(all[i], without[i], sizes, N_BLOCKS);
        }
    }
}

/* ---- the product ---- */

static struct product prepared(const struct pixel_format *format, enum cpu_isa isa)
{
    struct product product = {0};
    struct error error = {0};
    assert_int_equal(variance_prepare(&product, &settings, bad, format, isa, &error), 0);
    return product;
}

static void assert_same(const double *values, const double *expected, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const double allowed = 1e-9 * fabs(expected[i]) + 1e-12;
        if (isnan(expected[i]) ? !isnan(values[i]) : !(fabs(values[i] - expected[i]) <= allowed))
            fail_msg("%zu of %zu: %.17g, expected %.17g", i, n, values[i], expected[i]);
    }
}

static void check_arrays(const struct product *product, const void *accumulator,
                         const struct expected *expected)
{
    static double values[N_PIXELS];
    product->class->array(product, VARIANCE, accumulator, values);
    assert_same(values, expected->variance, N_PIXELS);
    for (unsigned i = 0; i < 4; i++) {
        product->class->array(product, V_IMAGE + 2 * i, accumulator, values);
        assert_same(values, expected->values[i], N_BINS);
        product->class->array(product, V_IMAGE_ERROR + 2 * i, accumulator, values);
        assert_same(values, expected->errors[i], N_BINS);
    }
}

static void check_columns(const struct product *product, const uint64_t *columns, unsigned frame)
{
    uint64_t sums[RADIAL_MAX_BINS], squares[RADIAL_MAX_BINS];
    uint64_t expected_sums[N_BINS] = {0}, expected_squares[N_BINS] = {0};
    variance_columns_to_sums(product, columns, sums, squares);
    for (size_t q = 0; q < N_PIXELS; q++) {
        if (ring_of[q] < 0 || ring_of[q] >= N_BINS)
            continue;
        expected_sums[ring_of[q]] += counts[frame][q];
        expected_squares[ring_of[q]] += counts[frame][q] * counts[frame][q];
    }
    assert_memory_equal(sums, expected_sums, sizeof expected_sums);
    assert_memory_equal(squares, expected_squares, sizeof expected_squares);
}

static void run_shares(const struct product *product, unsigned n_shares, bool backwards,
                       const struct expected *expected)
{
    uint64_t columns[PRODUCT_MAX_COLUMNS];
    void *shares[4] = {NULL}, *const merged = product_accumulator_create(product->accumulator_size);
    for (unsigned i = 0; i < n_shares; i++)
        shares[i] = product_accumulator_create(product->accumulator_size);
    for (unsigned j = 0; j < N_FRAMES; j++) {
        product->class->frame(product, &(struct frame){.image = frames[j]}, columns);
        check_columns(product, columns, j);
        product->class->accumulate(product, j, &(struct frame){.image = frames[j]}, columns,
                                   shares[j * 7 / 5 % n_shares]);
    }
    if (n_shares == 1)
        check_arrays(product, shares[0], expected);
    for (unsigned i = 0; i < n_shares; i++)
        product->class->merge(product, merged, shares[backwards ? n_shares - 1 - i : i]);
    check_arrays(product, merged, expected);
    for (unsigned i = 0; i < n_shares; i++)
        free(shares[i]);
    free(merged);
}

static void all_variances_are_those_of_their_definitions(void **state)
{
    static struct expected expected;
    for (uint32_t size = 1; size <= 4; size *= 2) {
        const struct pixel_format format = frame_format(HEIGHT, WIDTH, size);
        make_frames(&format);
        expect(&expected);
        for (enum cpu_isa isa = CPU_ISA_PLAIN; isa <= cpu_isa_best(); isa++) {
            struct product product = prepared(&format, isa);
            for (unsigned n_shares = 1; n_shares <= 4; n_shares *= 2) {
                run_shares(&product, n_shares, false, &expected);
                run_shares(&product, n_shares, true, &expected);
            }
            product.class->finish(&product);
        }
        drop_frames(&format);
    }
}

/* Whole arrays, to the last bit: what one worker would have made. */
static void the_result_does_not_depend_on_the_number_of_threads(void **state)
{
    const struct pixel_format format = frame_format(HEIGHT, WIDTH, 2);
    make_frames(&format);
    struct product product = prepared(&format, cpu_isa_best());
    static double first[9][N_PIXELS], again[N_PIXELS];
    uint64_t columns[PRODUCT_MAX_COLUMNS];
    for (unsigned n_shares = 1; n_shares <= 4; n_shares *= 2) {
        void *const merged = product_accumulator_create(product.accumulator_size);
        for (unsigned share = n_shares; share-- > 0;) {
            void *const own = product_accumulator_create(product.accumulator_size);
            for (unsigned j = share; j < N_FRAMES; j += n_shares) {
                product.class->frame(&product, &(struct frame){.image = frames[j]}, columns);
                product.class->accumulate(&product, j, &(struct frame){.image = frames[j]}, columns,
                                          own);
            }
            product.class->merge(&product, merged, own);
            free(own);
        }
        for (unsigned which = 0; which < product.n_arrays; which++) {
            const size_t n = which == VARIANCE ? N_PIXELS : N_BINS;
            product.class->array(&product, which, merged, n_shares == 1 ? first[which] : again);
            if (n_shares > 1)
                assert_memory_equal(again, first[which], n * sizeof again[0]);
        }
        free(merged);
    }
    product.class->finish(&product);
    drop_frames(&format);
}

/* Tiles of 16 bits take 257 frames of bytes, those of squares 66051; all frames alike have V =
 * -1/n.
 */
static void full_scale_frames(uint32_t pixel_size, uint32_t n_frames, uint64_t value)
{
    const struct pixel_format format = frame_format(2, 3, pixel_size);
    const struct variance_settings blocks = {.n_blocks = 2, .block_length = 1000000};
    struct product product = {0};
    assert_int_equal(variance_prepare(&product, &blocks, NULL, &format, cpu_isa_best(), NULL), 0);
    void *const accumulator = product_accumulator_create(product.accumulator_size);
    void *const image = frame_create(&format);
    uint64_t columns[PRODUCT_MAX_COLUMNS];
    double values[6];
    for (size_t q = 0; q < 6; q++)
        memcpy((uint8_t *)image + q * pixel_size, &value, pixel_size);
    product.class->frame(&product, &(struct frame){.image = image}, columns);
    for (uint32_t j = 0; j < n_frames; j++)
        product.class->accumulate(&product, j, &(struct frame){.image = image}, columns,
                                  accumulator);
    product.class->array(&product, VARIANCE, accumulator, values);
    assert_true(fabs(values[5] + 1.0 / (double)value) < 1e-13);
    product.class->array(&product, V_IMAGE, accumulator, values);
    assert_true(fabs(values[0] + 1.0 / (double)value) < 1e-13);
    frame_destroy(image, &format);
    free(accumulator);
    product.class->finish(&product);
}

static void full_scale_never_overflows(void **state)
{
    full_scale_frames(1, 256, 255);
    full_scale_frames(1, 258, 255);
    full_scale_frames(1, 140000, 255);
    full_scale_frames(2, 65536, 65535);
    full_scale_frames(2, 140000, 65535);
    full_scale_frames(4, 140000, (1 << 24) - 1); /* squares pass 2^64 after 65536 */
}

static void one_bit_frames_are_refused(void **state)
{
    struct pixel_format format = frame_format(8, 8, 1);
    struct product product = {0};
    struct error error = {0};
    format.counter_depth = 1;
    assert_int_equal(variance_prepare(&product, &settings, NULL, &format, cpu_isa_best(), &error),
                     -ENOTSUP);
    assert_non_null(strstr(error.text, "V is not available in 1-bit mode: n(n-1) is 0; sum at "
                                       "least two exposures"));
}

static void nonsense_is_refused_with_a_sentence(void **state)
{
    static const struct variance_settings wrong[] = {
        {.counts_per_electron = 0.5},
        {.counts_per_electron = NAN},
        {.counts_per_electron = 1e6},
        {.n_blocks = 1},
        {.n_blocks = 65},
        {.rings = {.bin_width = -1}},
        {.rings = {.n_bins = 513}},
    };
    const struct pixel_format format = frame_format(8, 8, 1), odd = frame_format(8, 8, 3);
    struct product product = {0};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        struct error error = {0};
        assert_int_equal(
            variance_prepare(&product, &wrong[i], NULL, &format, cpu_isa_best(), &error), -EINVAL);
        assert_string_not_equal(error.text, "");
    }
    assert_int_equal(variance_prepare(&product, &settings, NULL, &odd, cpu_isa_best(), NULL),
                     -ENOTSUP);
}

static void nothing_measured_is_not_a_number(void **state)
{
    const struct pixel_format format = frame_format(HEIGHT, WIDTH, 1);
    make_frames(&format);
    struct product product = prepared(&format, cpu_isa_best());
    void *const accumulator = product_accumulator_create(product.accumulator_size);
    static double values[N_PIXELS];
    uint64_t columns[PRODUCT_MAX_COLUMNS];
    for (unsigned n = 0; n < 2; n++) { /* no frame, then one */
        for (unsigned which = 0; which < product.n_arrays; which++) {
            product.class->array(&product, which, accumulator, values);
            assert_true(isnan(values[10]) || (n == 1 && which == V_R));
        }
        product.class->frame(&product, &(struct frame){.image = frames[2]}, columns);
        product.class->accumulate(&product, 0, &(struct frame){.image = frames[2]}, columns,
                                  accumulator);
    }
    free(accumulator);
    product.class->finish(&product);
    drop_frames(&format);
}

static void the_arrays_are_described(void **state)
{
    const struct pixel_format format = frame_format(HEIGHT, WIDTH, 2);
    struct product product = prepared(&format, cpu_isa_best());
    static const char *const names[] = {"variance",   "v_image",   "v_image_error",
                                        "v_r",        "v_r_error", "v_re",
                                        "v_re_error", "omega",     "omega_error"};
    assert_int_equal(product.n_arrays, 9);
    for (unsigned i = 0; i < 9; i++) {
        assert_string_equal(product.arrays[i].name, names[i]);
        assert_int_equal(product.arrays[i].dtype, MAP_DTYPE_F64);
        assert_int_equal(product.arrays[i].rank, i == VARIANCE ? 2 : 1);
        assert_int_equal(product.arrays[i].shape[0], i == VARIANCE ? HEIGHT : N_BINS);
    }
    assert_non_null(strstr(product.arrays[V_R].description, "F = 1.5"));
    assert_true(product_is_variance(&product));
    assert_false(product_is_radial_profile(&product));
    product.class->finish(&product);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_variances_are_those_of_their_definitions),
        cmocka_unit_test(the_result_does_not_depend_on_the_number_of_threads),
        cmocka_unit_test(full_scale_never_overflows),
        cmocka_unit_test(one_bit_frames_are_refused),
        cmocka_unit_test(nonsense_is_refused_with_a_sentence),
        cmocka_unit_test(nothing_measured_is_not_a_number),
        cmocka_unit_test(the_arrays_are_described),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
