#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "detector/decode.h"
#include "processing/pixels/mask_values.h"
#include "processing/products/frame.h"
#include "processing/products/product.h"
#include "processing/products/profile_products.h"
#include "tests/unit/processing/frames.h"

/* Products come to the same whichever form of a frame they take: raw bits, list, bank of weights,
 * for every layout; the judge is the plain code on the image that the reference decoder makes. */

enum {
    DISK,
    ANNULUS,
    POINT,
    SMOOTH,
    QUADRANTS,
    CENTRE,
    RADIAL,
    PATTERNS,
    VARIANCE,
    FIRST_MASK,
    N_MASKS = 5, /* of real weights: enough for a bank */
    N_PRODUCTS = FIRST_MASK + N_MASKS,
};

struct products {
    struct product of[N_PRODUCTS];
    void *sums[N_PRODUCTS];
    struct shared_work *shared;
};

static void add_mask(struct product *product, const struct pixel_format *format, unsigned number,
                     enum cpu_isa isa)
{
    const size_t n_pixels = (size_t)format->height * format->width;
    struct virtual_detector_settings settings = {.name = "mask", .shape = VIRTUAL_DETECTOR_MASK};
    struct error error = {0};
    float *const values = malloc(n_pixels * sizeof *values);
    assert_non_null(values);
    for (size_t i = 0; i < n_pixels; i++)
        values[i] = (float)sin((double)(i * (number + 1)) * 0.37);
    assert_int_equal(
        mask_values_create(&settings.mask, values, format->height, format->width, &error), 0);
    assert_int_equal(virtual_detector_prepare(product, &settings, format, NULL, isa, &error), 0);
    virtual_detector_settings_finish(&settings);
    free(values);
}

static void share(struct products *products, const struct pixel_format *format, enum cpu_isa isa)
{
    struct product *all[N_PRODUCTS];
    size_t n = 0;
    for (unsigned i = 0; i < N_PRODUCTS; i++) {
        if (products->of[i].class)
            all[n++] = &products->of[i];
    }
    products->shared = shared_work_create(all, n, format, isa);
    assert_non_null(products->shared);
    assert_non_null(products->shared->bank);
    assert_int_equal(products->shared->n_same, format->counter_depth == 1 ? 0 : 2);
}

static void products_init(struct products *products, const struct pixel_format *format,
                          enum cpu_isa isa)
{
    const double half = format->width / 2.0;
    const struct virtual_detector_settings detectors[] = {
        [DISK] = {.name = "disk", .outer = half / 3},
        [ANNULUS] = {.name = "annulus",
                     .shape = VIRTUAL_DETECTOR_ANNULUS,
                     .inner = half / 2,
                     .outer = 2 * half},
        [POINT] = {.name = "point", .shape = VIRTUAL_DETECTOR_POINT},
        [SMOOTH] = {.name = "smooth", .outer = half / 2, .edge = VIRTUAL_DETECTOR_ANTIALIASED},
        [QUADRANTS] = {.name = "quadrants",
                       .shape = VIRTUAL_DETECTOR_SEGMENTED,
                       .outer = half,
                       .n_sectors = 4},
    };
    struct error error = {0};
    memset(products, 0, sizeof *products);
    for (unsigned i = 0; i <= QUADRANTS; i++)
        assert_int_equal(
            virtual_detector_prepare(&products->of[i], &detectors[i], format, NULL, isa, &error),
            0);
    assert_int_equal(centre_of_mass_prepare(&products->of[CENTRE], format, isa, &error), 0);
    assert_int_equal(radial_profile_prepare(&products->of[RADIAL], &(struct radial_settings){0},
                                            NULL, format, isa, &error),
                     0);
    assert_int_equal(patterns_prepare(&products->of[PATTERNS], NULL, format, isa, &error), 0);
    if (format->counter_depth != 1)
        assert_int_equal(variance_prepare(&products->of[VARIANCE], &(struct variance_settings){0},
                                          NULL, format, isa, &error),
                         0);
    for (unsigned i = 0; i < N_MASKS; i++)
        add_mask(&products->of[FIRST_MASK + i], format, i, isa);
    for (unsigned i = 0; i < N_PRODUCTS; i++)
        products->sums[i] = product_accumulator_create(products->of[i].accumulator_size + 1);
    share(products, format, isa);
}

static void products_finish(struct products *products)
{
    for (unsigned i = 0; i < N_PRODUCTS; i++) {
        if (products->of[i].class)
            products->of[i].class->finish(&products->of[i]);
        free(products->sums[i]);
    }
    shared_work_destroy(products->shared);
}

/* Columns of one product. */
static void compute(const struct products *products, unsigned i, struct frame *frame,
                    uint64_t *columns)
{
    const struct product *const product = &products->of[i];
    memset(columns, 0, PRODUCT_MAX_COLUMNS * sizeof *columns);
    if (product->class && product->n_columns)
        product->class->frame(product, frame, columns);
    if (product->class && product->class->accumulate)
        product->class->accumulate(product, 0, frame, columns, products->sums[i]);
}

static void expect_same_arrays(const struct products *a, const struct products *b)
{
    for (unsigned i = 0; i < N_PRODUCTS; i++) {
        const struct product *const product = &a->of[i];
        for (unsigned which = 0; which < product->n_arrays; which++) {
            const struct product_array *const array = &product->arrays[which];
            const size_t n = (size_t)array->shape[0] * (array->rank > 1 ? array->shape[1] : 1);
            uint64_t *const of_a = malloc(n * sizeof *of_a), *const of_b = malloc(n * sizeof *of_b);
            assert_true(of_a && of_b);
            product->class->array(product, which, a->sums[i], of_a);
            b->of[i].class->array(&b->of[i], which, b->sums[i], of_b);
            assert_memory_equal(of_a, of_b, n * sizeof *of_a);
            free(of_a);
            free(of_b);
        }
    }
}

/* Bytes of random bits, each set with probability parts / 256. */
static void random_bits(uint8_t *payload, size_t size, unsigned parts, uint64_t *seed)
{
    for (size_t i = 0; i < size * 8; i++) {
        payload[i / 8] = i % 8 ? payload[i / 8] : 0;
        payload[i / 8] |= (uint8_t)((frame_random(seed) >> 13 & 0xff) < parts) << i % 8;
    }
}

static const unsigned densities[] = {0, 1, 12, 40, 128, 256};
#define N_DENSITIES (sizeof densities / sizeof densities[0])

/* What the plain code makes of the decoded image of each payload; see check_bits. */
struct truth {
    struct products products;
    uint8_t *payloads[N_DENSITIES], *images[N_DENSITIES];
};

static void truth_init(struct truth *truth, const struct pixel_format *format)
{
    uint64_t seed = 1;
    products_init(&truth->products, format, CPU_ISA_PLAIN);
    for (size_t d = 0; d < N_DENSITIES; d++) {
        truth->payloads[d] = malloc(format->payload_size + 1);
        truth->images[d] = malloc(format->image_size);
        assert_true(truth->payloads[d] && truth->images[d]);
        /* In the ring a payload lies anywhere. */
        random_bits(truth->payloads[d] + 1, format->payload_size, densities[d], &seed);
        decode_reference(truth->images[d], truth->payloads[d] + 1, format);
    }
}

static void truth_finish(struct truth *truth)
{
    for (size_t d = 0; d < N_DENSITIES; d++) {
        free(truth->payloads[d]);
        free(truth->images[d]);
    }
    products_finish(&truth->products);
}

static bool counts_bits_alone(unsigned product)
{
    return product == DISK || product == ANNULUS || product == POINT || product == QUADRANTS ||
           product == CENTRE;
}

static void check_payload(const struct truth *truth, size_t d, const struct products *products,
                          struct frame_forms *forms, void *room)
{
    static uint64_t expected[PRODUCT_MAX_COLUMNS], columns[PRODUCT_MAX_COLUMNS];
    struct frame decoded = {.image = truth->images[d]};
    struct frame frame = frame_of_payload(forms, truth->payloads[d] + 1, room);
    frame.shared = products->shared;
    for (unsigned i = 0; i < N_PRODUCTS; i++) {
        struct frame alone = frame_of_payload(forms, truth->payloads[d] + 1, room);
        compute(&truth->products, i, &decoded, expected);
        compute(products, i, &frame, columns);
        assert_memory_equal(columns, expected, sizeof columns);
        if (!counts_bits_alone(i))
            continue;
        products->of[i].class->frame(&products->of[i], &alone, columns);
        assert_int_equal(alone.image == NULL, forms->order.n_words > 0);
    }
}

static void check_bits(const struct pixel_format *format)
{
    struct truth truth;
    truth_init(&truth, format);
    void *const room = malloc(format->image_size);
    assert_non_null(room);
    for (enum cpu_isa isa = CPU_ISA_PLAIN; isa <= cpu_isa_best(); isa++) {
        struct products products;
        struct frame_forms forms;
        products_init(&products, format, isa);
        frame_forms_init(&forms, format, isa);
        assert_int_equal(forms.order.n_words,
                         format->payload_size % 64 ? 0 : format->payload_size / 8);
        for (unsigned i = 0; i < N_PRODUCTS; i++)
            memset(truth.products.sums[i], 0, products.of[i].accumulator_size);
        for (size_t d = 0; d < N_DENSITIES; d++)
            check_payload(&truth, d, &products, &forms, room);
        expect_same_arrays(&truth.products, &products);
        frame_forms_finish(&forms);
        products_finish(&products);
    }
    free(room);
    truth_finish(&truth);
}

static struct pixel_format bits_format(uint32_t height, uint32_t width, enum pixel_packing packing)
{
    struct pixel_format format = frame_format(height, width, 1);
    format.counter_depth = 1;
    format.packing = packing;
    format.payload_size = (size_t)height * width / 8;
    return format;
}

static struct pixel_format raw_quad(uint32_t rows, uint32_t chip_width, uint32_t gap)
{
    struct pixel_format format = bits_format(2 * rows + gap, 2 * chip_width + gap, PACKING_RAW_1);
    format.raw_quad = true;
    format.gap = gap;
    format.payload_size = (size_t)4 * rows * chip_width / 8;
    return format;
}

static void bits_of_a_chip_give_what_its_image_gives(void **state)
{
    /* Whole, region of interest, colour. */
    const struct pixel_format formats[] = {
        bits_format(256, 256, PACKING_RAW_1), bits_format(32, 256, PACKING_RAW_1),
        bits_format(1, 256, PACKING_RAW_1), bits_format(128, 128, PACKING_RAW_1)};
    for (size_t i = 0; i < sizeof formats / sizeof formats[0]; i++)
        check_bits(&formats[i]);
}

static void bits_of_a_quad_give_what_its_image_gives(void **state)
{
    const struct pixel_format formats[] = {raw_quad(64, 256, 0), raw_quad(32, 256, 3),
                                           raw_quad(128, 128, 2)};
    for (size_t i = 0; i < sizeof formats / sizeof formats[0]; i++)
        check_bits(&formats[i]);
}

static void packed_processed_bits_give_what_their_image_gives(void **state)
{
    const struct pixel_format formats[] = {bits_format(256, 256, PACKING_BITS),
                                           bits_format(32, 48, PACKING_BITS),
                                           bits_format(3, 40, PACKING_BITS)};
    for (size_t i = 0; i < sizeof formats / sizeof formats[0]; i++)
        check_bits(&formats[i]);
}

static void check_image(const struct pixel_format *format, enum fill fill, enum cpu_isa isa)
{
    static uint64_t expected[PRODUCT_MAX_COLUMNS], columns[PRODUCT_MAX_COLUMNS];
    struct products truth, products;
    struct frame_forms forms;
    void *const image = frame_create(format);
    products_init(&truth, format, CPU_ISA_PLAIN);
    products_init(&products, format, isa);
    frame_forms_init(&forms, format, isa);
    frame_fill(image, format, fill, 7);
    if (fill == FILL_SPARSE)
        memset((uint8_t *)image + format->image_size / 3, 0, format->image_size / 3 * 2);
    struct frame plain = {.image = image}, frame = {.image = image, .forms = &forms};
    frame.shared = products.shared;
    for (unsigned i = 0; i < N_PRODUCTS; i++) {
        compute(&truth, i, &plain, expected);
        compute(&products, i, &frame, columns);
        assert_memory_equal(columns, expected, sizeof columns);
    }
    expect_same_arrays(&truth, &products);
    assert_true((frame_events(&frame) != NULL) == (fill == FILL_ZERO || fill == FILL_SPARSE));
    frame_forms_finish(&forms);
    products_finish(&products);
    products_finish(&truth);
    frame_destroy(image, format);
}

static void lists_and_banks_give_what_the_image_gives(void **state)
{
    for (uint32_t size = 1; size <= 4; size *= 2) {
        const struct pixel_format formats[] = {frame_format(64, 64, size),
                                               frame_format(37, 53, size)};
        for (enum fill fill = 0; fill < N_FILLS; fill++) {
            for (enum cpu_isa isa = CPU_ISA_PLAIN; isa <= cpu_isa_best(); isa++) {
                check_image(&formats[0], fill, isa);
                check_image(&formats[1], fill, isa);
            }
        }
    }
}

/* Dense frames of one run: once that is known they are weighed together. */
static void frames_that_are_weighed_ahead_give_what_each_gives(void **state)
{
    static uint64_t expected[PRODUCT_MAX_COLUMNS], columns[PRODUCT_MAX_COLUMNS];
    const struct pixel_format format = frame_format(37, 53, 1);
    struct products products;
    struct frame_forms forms;
    uint8_t *images[2 * WEIGHT_IMAGES];
    products_init(&products, &format, cpu_isa_best());
    frame_forms_init(&forms, &format, cpu_isa_best());
    for (unsigned i = 0; i < 2 * WEIGHT_IMAGES; i++) {
        images[i] = malloc(format.image_size);
        assert_non_null(images[i]);
        frame_fill(images[i], &format, FILL_RANDOM, i + 1);
    }
    for (unsigned first = 0; first < 2 * WEIGHT_IMAGES; first += WEIGHT_IMAGES) {
        struct frame frames[WEIGHT_IMAGES];
        for (unsigned i = 0; i < WEIGHT_IMAGES; i++)
            frames[i] = (struct frame){
                .image = images[first + i], .forms = &forms, .shared = products.shared};
        frames_weigh_ahead(frames, WEIGHT_IMAGES);
        assert_int_equal(frames[0].weighed != 0, first > 0);
        for (unsigned i = 0; i < WEIGHT_IMAGES; i++) {
            struct frame alone = {.image = images[first + i]};
            for (unsigned mask = FIRST_MASK; mask < N_PRODUCTS; mask++) {
                compute(&products, mask, &alone, expected);
                compute(&products, mask, &frames[i], columns);
                assert_memory_equal(columns, expected, sizeof columns);
            }
        }
    }
    for (unsigned i = 0; i < 2 * WEIGHT_IMAGES; i++)
        free(images[i]);
    frame_forms_finish(&forms);
    products_finish(&products);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bits_of_a_chip_give_what_its_image_gives),
        cmocka_unit_test(bits_of_a_quad_give_what_its_image_gives),
        cmocka_unit_test(packed_processed_bits_give_what_their_image_gives),
        cmocka_unit_test(lists_and_banks_give_what_the_image_gives),
        cmocka_unit_test(frames_that_are_weighed_ahead_give_what_each_gives),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
