#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <unistd.h>

#include <cmocka.h>

#include "processing/pixels/mask_values.h"
#include "processing/products/product.h"
#include "tests/unit/processing/frames.h"

/* Every detector against sums taken pixel by pixel from the definition of its shape. */

static const struct virtual_detector_settings shapes[] = {
    {"bright_field", VIRTUAL_DETECTOR_DISK, .outer = 12.5},
    {"dot", VIRTUAL_DETECTOR_DISK, 3, 4, true, .outer = 0.3},
    {"ring-1", VIRTUAL_DETECTOR_ANNULUS, 20.25, 30.75, true, .inner = 5, .outer = 10},
    {"corner", VIRTUAL_DETECTOR_ANNULUS, -3, -2, true, .inner = 4, .outer = 15},
    {"everything", VIRTUAL_DETECTOR_DISK, 0, 0, true, .outer = 1e6},
    {"sector", VIRTUAL_DETECTOR_SECTOR, 15, 16, true, 3, 14, .start_angle = -30, .stop_angle = 75},
    {"back", VIRTUAL_DETECTOR_SECTOR, 15.5, 16, true, 0, 14, .start_angle = 900, .stop_angle = 990},
    {"round", VIRTUAL_DETECTOR_SECTOR, 15, 16, true, 2, 9, .start_angle = 17, .stop_angle = 377},
    {"dpc", VIRTUAL_DETECTOR_SEGMENTED, 15, 15, true, 0, 14, .start_angle = -45, .n_sectors = 4},
    {"seven", VIRTUAL_DETECTOR_SEGMENTED, 14.3, 17, true, 5, 25, .start_angle = 10, .n_sectors = 7},
    {"box", VIRTUAL_DETECTOR_RECTANGLE, 10, 12.5, true, .height = 8, .width = 5.5},
    {"point", VIRTUAL_DETECTOR_POINT, 7.4, 8.5, true},
    {"halo", VIRTUAL_DETECTOR_K_BAND, .k_inner = 1, .k_outer = 4, .pixel_size_k = 0.25},
};
#define N_SHAPES (sizeof shapes / sizeof shapes[0])

static bool belongs(const struct virtual_detector_settings *settings, unsigned map,
                    const struct pixel_format *format, double y, double x)
{
    const bool given = settings->centre_given;
    const double dy = y - (given ? settings->centre_y : (format->height - 1) / 2.);
    const double dx = x - (given ? settings->centre_x : (format->width - 1) / 2.);
    const double radius = sqrt(dy * dy + dx * dx);
    double azimuth = atan2(dy, dx) / M_PI * 180;
    const bool in_ring = settings->inner <= radius && radius <= settings->outer;
    switch (settings->shape) {
    case VIRTUAL_DETECTOR_DISK:
    case VIRTUAL_DETECTOR_ANNULUS:
        return in_ring;
    case VIRTUAL_DETECTOR_SECTOR:
        while (azimuth < settings->start_angle)
            azimuth += 360;
        return in_ring && azimuth < settings->stop_angle;
    case VIRTUAL_DETECTOR_SEGMENTED: {
        while (azimuth < settings->start_angle)
            azimuth += 360;
        const unsigned sector =
            (unsigned)((azimuth - settings->start_angle) * settings->n_sectors / 360);
        return in_ring && sector == map;
    }
    case VIRTUAL_DETECTOR_RECTANGLE:
        return fabs(dy) <= settings->height / 2 && fabs(dx) <= settings->width / 2;
    case VIRTUAL_DETECTOR_POINT:
        return dy > -0.5 && dy <= 0.5 && dx > -0.5 && dx <= 0.5;
    case VIRTUAL_DETECTOR_K_BAND:
        return settings->k_inner <= radius * settings->pixel_size_k &&
               radius * settings->pixel_size_k <= settings->k_outer;
    default:
        return false;
    }
}

static void prepare(struct product *product, const struct virtual_detector_settings *settings,
                    const struct pixel_format *format, const struct detector_pixels *pixels,
                    enum cpu_isa isa)
{
    struct error error = {0};
    *product = (struct product){0};
    if (virtual_detector_prepare(product, settings, format, pixels, isa, &error))
        fail_msg("%s", error.text);
    assert_int_equal(product->n_columns, product->n_maps);
}

static double value_of(const struct product *product, unsigned map, const uint64_t *columns)
{
    uint64_t bits;
    double value;
    product->class->map_value(product, map, columns, &bits);
    if (product->maps[map].dtype == MAP_DTYPE_U64)
        return (double)bits;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static void check_sums(const struct pixel_format *format,
                       const struct virtual_detector_settings *settings, enum cpu_isa isa,
                       enum fill fill)
{
    struct product product;
    uint64_t columns[VIRTUAL_DETECTOR_SECTORS_MAX];
    void *const image = frame_create(format);
    frame_fill(image, format, fill, 5);
    prepare(&product, settings, format, NULL, isa);
    product.class->frame(&product, &(struct frame){.image = image}, columns);
    for (unsigned map = 0; map < product.n_maps; map++) {
        uint64_t expected = 0, value;
        for (size_t i = 0; i < (size_t)format->height * format->width; i++) {
            if (belongs(settings, map, format, (double)(i / format->width),
                        (double)(i % format->width)))
                expected += frame_pixel(image, i, format->pixel_size);
        }
        assert_int_equal(product.maps[map].dtype, MAP_DTYPE_U64);
        product.class->map_value(&product, map, columns, &value);
        if (value != expected)
            fail_msg("%s: %llu, not %llu", product.maps[map].name, (unsigned long long)value,
                     (unsigned long long)expected);
    }
    product.class->finish(&product);
    frame_destroy(image, format);
}

static void hard_edged_sums_are_exact(void **state)
{
    static const uint32_t frames[][2] = {{31, 33}, {64, 64}, {31, 257}};
    for (size_t frame = 0; frame < sizeof frames / sizeof frames[0]; frame++) {
        for (uint32_t size = 1; size <= 4; size *= 2) {
            const struct pixel_format format =
                frame_format(frames[frame][0], frames[frame][1], size);
            for (enum cpu_isa isa = CPU_ISA_PLAIN; isa <= cpu_isa_best(); isa++) {
                for (enum fill fill = 0; fill < N_FILLS; fill++) {
                    for (size_t i = 0; i < N_SHAPES; i++)
                        check_sums(&format, &shapes[i], isa, fill);
                }
            }
        }
    }
}

/* A mask as it acts: the value of a frame whose only count is in one pixel. */
static void read_weights(const struct virtual_detector_settings *settings,
                         const struct pixel_format *format, const struct detector_pixels *pixels,
                         unsigned map, double *weights)
{
    struct product product;
    uint64_t columns[VIRTUAL_DETECTOR_SECTORS_MAX];
    void *const image = frame_create(format);
    frame_fill(image, format, FILL_ZERO, 0);
    prepare(&product, settings, format, pixels, CPU_ISA_PLAIN);
    for (size_t i = 0; i < format->image_size; i++) {
        ((uint8_t *)image)[i] = 1;
        product.class->frame(&product, &(struct frame){.image = image}, columns);
        weights[i] = value_of(&product, map, columns);
        ((uint8_t *)image)[i] = 0;
    }
    product.class->finish(&product);
    frame_destroy(image, format);
}

enum { SIDE = 40 };
static double weights[SIDE * SIDE], more_weights[SIDE * SIDE];

static double sum_of_weights(void)
{
    double sum = 0;
    for (size_t i = 0; i < SIDE * SIDE; i++)
        sum += weights[i];
    return sum;
}

static void antialiased_weights_are_areas(void **state)
{
    const struct pixel_format format = frame_format(SIDE, SIDE, 1);
    for (size_t i = 0; i < N_SHAPES; i++) {
        struct virtual_detector_settings settings = shapes[i];
        settings.edge = VIRTUAL_DETECTOR_ANTIALIASED;
        if (settings.shape == VIRTUAL_DETECTOR_POINT)
            continue;
        read_weights(&settings, &format, NULL, 0, weights);
        for (size_t pixel = 0; pixel < SIDE * SIDE; pixel++) {
            unsigned inside = 0;
            for (unsigned sample = 0; sample < 400; sample++) {
                const double dy = (sample / 20 + 0.5) / 20 - 0.5;
                const double dx = (sample % 20 + 0.5) / 20 - 0.5;
                inside += belongs(&settings, 0, &format, (double)(pixel / SIDE) + dy,
                                  (double)(pixel % SIDE) + dx);
            }
            if (fabs(weights[pixel] - inside / 400.) > 0.03)
                fail_msg("%s, pixel %zu: %g, not %g", settings.name, pixel, weights[pixel],
                         inside / 400.);
            assert_true(weights[pixel] * 256 == floor(weights[pixel] * 256));
        }
    }
}

static void the_area_of_an_antialiased_disk_is_that_of_the_circle(void **state)
{
    const struct pixel_format format = frame_format(SIDE, SIDE, 1);
    for (double radius = 0.3; radius < 19; radius += 1.37) {
        const struct virtual_detector_settings disk = {"disk",
                                                       VIRTUAL_DETECTOR_DISK,
                                                       19.7,
                                                       19.2,
                                                       true,
                                                       .outer = radius,
                                                       .edge = VIRTUAL_DETECTOR_ANTIALIASED};
        read_weights(&disk, &format, NULL, 0, weights);
        assert_true(fabs(sum_of_weights() / (M_PI * radius * radius) - 1) < 0.02 / radius);
    }
}

/* Whatever the edge: nothing is counted twice or not at all, not even on the rays. */
static void the_sectors_of_a_segmented_detector_make_up_its_annulus(void **state)
{
    const struct pixel_format format = frame_format(SIDE, SIDE, 1);
    static const unsigned counts[] = {2, 3, 4, 7, 16};
    for (int edge = 0; edge < 2; edge++) {
        for (size_t count = 0; count < sizeof counts / sizeof counts[0]; count++) {
            const unsigned n = counts[count];
            struct virtual_detector_settings settings = {"s",
                                                         VIRTUAL_DETECTOR_SEGMENTED,
                                                         20,
                                                         20,
                                                         true,
                                                         0,
                                                         17.5,
                                                         .start_angle = -360. / n,
                                                         .edge = (enum virtual_detector_edge)edge,
                                                         .n_sectors = n};
            memset(more_weights, 0, sizeof more_weights);
            for (unsigned map = 0; map < n; map++) {
                read_weights(&settings, &format, NULL, map, weights);
                for (size_t i = 0; i < SIDE * SIDE; i++)
                    more_weights[i] += weights[i];
            }
            settings.shape = VIRTUAL_DETECTOR_ANNULUS;
            read_weights(&settings, &format, NULL, 0, weights);
            for (size_t i = 0; i < SIDE * SIDE; i++)
                assert_true(weights[i] == more_weights[i]);
        }
    }
}

/* docs/orientation.md: from +x (right) towards +y (down). */
static void azimuth_turns_from_columns_to_rows(void **state)
{
    const struct pixel_format format = frame_format(SIDE, SIDE, 1);
    const struct virtual_detector_settings dpc = {
        "dpc", VIRTUAL_DETECTOR_SEGMENTED, 20, 20, true, 0, 10, .start_angle = -45, .n_sectors = 4};
    static const size_t right_down_left_up[] = {20 * SIDE + 25, 25 * SIDE + 20, 20 * SIDE + 15,
                                                15 * SIDE + 20};
    for (unsigned map = 0; map < 4; map++) {
        read_weights(&dpc, &format, NULL, map, weights);
        for (unsigned i = 0; i < 4; i++)
            assert_true(weights[right_down_left_up[i]] == (i == map));
    }
}

/* The check at the end of docs/orientation.md. */
static void a_pattern_without_symmetry_is_seen_as_the_page_says(void **state)
{
    const struct pixel_format format = frame_format(SIDE, SIDE, 1);
    const struct virtual_detector_settings quadrants = {"q", VIRTUAL_DETECTOR_SEGMENTED,
                                                        .outer = SIDE, .n_sectors = 4};
    uint8_t image[SIDE][SIDE] = {{0}};
    struct product product, centre_of_mass = {0};
    uint64_t columns[4];
    for (size_t y = 0; y < SIDE / 4; y++) {
        memset(&image[y][0], 9, SIDE / 4);
        memset(&image[y][SIDE - SIDE / 4], 4, SIDE / 4);
    }
    prepare(&product, &quadrants, &format, NULL, CPU_ISA_PLAIN);
    product.class->frame(&product, &(struct frame){.image = image}, columns);
    assert_int_equal(columns[0], 0);
    assert_int_equal(columns[1], 0);
    assert_int_equal(columns[2], 9 * SIDE * SIDE / 16);
    assert_int_equal(columns[3], 4 * SIDE * SIDE / 16);
    product.class->finish(&product);
    assert_int_equal(centre_of_mass_prepare(&centre_of_mass, &format, CPU_ISA_PLAIN, NULL), 0);
    centre_of_mass.class->frame(&centre_of_mass, &(struct frame){.image = image}, columns);
    for (unsigned map = 0; map < 2; map++)
        assert_true(value_of(&centre_of_mass, map, columns) < (SIDE - 1) / 2.);
    centre_of_mass.class->finish(&centre_of_mass);
}

static struct mask_values *mask_of(const float *values, uint32_t height, uint32_t width)
{
    struct mask_values *mask;
    assert_int_equal(mask_values_create(&mask, values, height, width, NULL), 0);
    return mask;
}

/* What a mask of N weights says of an image, and the same of the sizes of its weights. */
struct weighed {
    double sum, size;
};

static struct weighed weigh(const float *values, size_t n, const void *image, uint32_t pixel_size)
{
    struct weighed weighed = {0, 0};
    for (size_t i = 0; i < n; i++) {
        const double counts = (double)frame_pixel(image, i, pixel_size);
        weighed.sum += (double)values[i] * counts;
        weighed.size += fabs((double)values[i]) * counts;
    }
    return weighed;
}

enum { MASK_HEIGHT = 37, MASK_WIDTH = 45, MASK_PIXELS = MASK_HEIGHT * MASK_WIDTH };

static void check_mask(const float *values, uint32_t pixel_size, enum fill fill)
{
    const struct pixel_format format = frame_format(MASK_HEIGHT, MASK_WIDTH, pixel_size);
    const struct virtual_detector_settings settings = {
        "m", VIRTUAL_DETECTOR_MASK, .mask = mask_of(values, MASK_HEIGHT, MASK_WIDTH)};
    void *const image = frame_create(&format);
    uint64_t column, first = 0;
    frame_fill(image, &format, fill, 8);
    const struct weighed expected = weigh(values, MASK_PIXELS, image, pixel_size);
    for (enum cpu_isa isa = CPU_ISA_PLAIN; isa <= cpu_isa_best(); isa++) {
        struct product product;
        prepare(&product, &settings, &format, NULL, isa);
        assert_int_equal(product.maps[0].dtype, MAP_DTYPE_F64);
        product.class->frame(&product, &(struct frame){.image = image}, &column);
        const double error = fabs(value_of(&product, 0, &column) - expected.sum);
        assert_true(error <= 1e-5 * fabs(expected.sum));
        assert_true(error <= 1e-8 * expected.size);
        assert_true(isa == CPU_ISA_PLAIN || column == first);
        first = column;
        product.class->finish(&product);
    }
    mask_values_unref(settings.mask);
    frame_destroy(image, &format);
}

static void any_mask_is_summed_to_a_hundred_thousandth_of_itself(void **state)
{
    float signs[MASK_PIXELS], gaussian[MASK_PIXELS];
    uint64_t seed = 9;
    for (size_t i = 0; i < MASK_PIXELS; i++) {
        const double y = (double)(i / MASK_WIDTH) - 18, x = (double)(i % MASK_WIDTH) - 22;
        signs[i] = (float)((double)(int64_t)frame_random(&seed) * 3e-20);
        gaussian[i] = (float)(0.7 * exp(-(y * y + x * x) / 120));
    }
    for (uint32_t size = 1; size <= 4; size *= 2) {
        for (enum fill fill = 0; fill < N_FILLS; fill++) {
            check_mask(signs, size, fill);
            check_mask(gaussian, size, fill);
        }
    }
}

/* A frame of one count shows the rounding of one weight, which no other makes good. */
static void a_lone_count_has_its_weight_to_a_hundred_thousandth(void **state)
{
    const struct pixel_format format = frame_format(MASK_HEIGHT, MASK_WIDTH, 1);
    float values[MASK_PIXELS];
    uint8_t image[MASK_PIXELS] = {0};
    for (size_t i = 0; i < MASK_PIXELS; i++)
        values[i] = (float)exp(-9 * (double)i / MASK_PIXELS); /* down to 1.2e-4 */
    const struct virtual_detector_settings settings = {
        "m", VIRTUAL_DETECTOR_MASK, .mask = mask_of(values, MASK_HEIGHT, MASK_WIDTH)};
    struct product product;
    prepare(&product, &settings, &format, NULL, cpu_isa_best());
    for (size_t i = 0; i < MASK_PIXELS; i++) {
        uint64_t column;
        image[i] = 1;
        product.class->frame(&product, &(struct frame){.image = image}, &column);
        assert_true(fabs(value_of(&product, 0, &column) / (double)values[i] - 1) <= 1e-5);
        image[i] = 0;
    }
    product.class->finish(&product);
    mask_values_unref(settings.mask);
}

static void integer_masks_give_exact_integers(void **state)
{
    const struct pixel_format format = frame_format(2, 3, 2);
    static const uint16_t image[] = {65535, 1, 65535, 7, 8, 65535};
    static const float counts[] = {1 << 24, 3, 2, 0, 1, 0}, signs[] = {-1, 0, 1, 1, -1, -1};
    struct virtual_detector_settings settings = {"m", VIRTUAL_DETECTOR_MASK};
    struct product product;
    uint64_t column, value;
    settings.mask = mask_of(counts, 2, 3);
    prepare(&product, &settings, &format, NULL, CPU_ISA_PLAIN);
    product.class->frame(&product, &(struct frame){.image = image}, &column);
    product.class->map_value(&product, 0, &column, &value);
    assert_int_equal(product.maps[0].dtype, MAP_DTYPE_U64);
    assert_int_equal(value, (65535ull << 24) + 3 + 2 * 65535 + 8);
    product.class->finish(&product);
    mask_values_unref(settings.mask);
    settings.mask = mask_of(signs, 2, 3);
    prepare(&product, &settings, &format, NULL, CPU_ISA_PLAIN);
    product.class->frame(&product, &(struct frame){.image = image}, &column);
    assert_int_equal(product.maps[0].dtype, MAP_DTYPE_F64);
    assert_true(value_of(&product, 0, &column) == 7 - 8 - 65535);
    product.class->finish(&product);
    mask_values_unref(settings.mask);
}

static void a_mean_is_the_sum_over_the_weights(void **state)
{
    const struct pixel_format format = frame_format(SIDE, SIDE, 2);
    void *const image = frame_create(&format);
    frame_fill(image, &format, FILL_RANDOM, 4);
    for (size_t i = 0; i < N_SHAPES; i++) {
        struct virtual_detector_settings settings = shapes[i];
        struct product product;
        uint64_t columns[VIRTUAL_DETECTOR_SECTORS_MAX];
        double sum = 0, n = 0;
        settings.mode = VIRTUAL_DETECTOR_MEAN;
        prepare(&product, &settings, &format, NULL, CPU_ISA_PLAIN);
        product.class->frame(&product, &(struct frame){.image = image}, columns);
        for (size_t pixel = 0; pixel < SIDE * SIDE; pixel++) {
            if (!belongs(&settings, 0, &format, (double)(pixel / SIDE), (double)(pixel % SIDE)))
                continue;
            sum += (double)frame_pixel(image, pixel, 2);
            n++;
        }
        assert_int_equal(product.maps[0].dtype, MAP_DTYPE_F64);
        assert_string_equal(product.maps[0].units, "counts/pixel");
        assert_true(value_of(&product, 0, columns) == sum / n);
        product.class->finish(&product);
    }
    frame_destroy(image, &format);
}

/* A frame in which every good pixel has 10 / gain counts looks flat: the mean is 10, the sum 10 for
 * each pixel of the detector, dead ones included. */
static void corrections_are_folded_in(void **state)
{
    const struct pixel_format format = frame_format(SIDE, SIDE, 1);
    uint8_t image[SIDE * SIDE], bad[SIDE * SIDE];
    float gain[SIDE * SIDE];
    uint64_t seed = 2, column;
    for (size_t i = 0; i < SIDE * SIDE; i++) {
        bad[i] = frame_random(&seed) % 12 == 0;
        gain[i] = frame_random(&seed) % 2 ? 0.5f : 2;
        image[i] = bad[i] ? 255 : gain[i] < 1 ? 20 : 5;
    }
    const struct detector_pixels pixels = {bad, gain}, only_bad = {bad, NULL};
    struct virtual_detector_settings settings = shapes[0];
    struct product product;
    prepare(&product, &settings, &format, NULL, CPU_ISA_PLAIN);
    memset(weights, 0, sizeof weights);
    product.class->finish(&product);
    read_weights(&settings, &format, NULL, 0, weights);
    const double n = sum_of_weights();
    prepare(&product, &settings, &format, &pixels, CPU_ISA_PLAIN);
    product.class->frame(&product, &(struct frame){.image = image}, &column);
    assert_true(fabs(value_of(&product, 0, &column) / (10 * n) - 1) < 1e-5);
    assert_non_null(strstr(product.maps[0].description, ", corrected for bad pixels, gain"));
    product.class->finish(&product);
    settings.mode = VIRTUAL_DETECTOR_MEAN;
    prepare(&product, &settings, &format, &pixels, CPU_ISA_PLAIN);
    product.class->frame(&product, &(struct frame){.image = image}, &column);
    assert_true(fabs(value_of(&product, 0, &column) / 10 - 1) < 1e-5);
    product.class->finish(&product);
    read_weights(&settings, &format, &only_bad, 0, weights);
    assert_true(fabs(sum_of_weights() - 1) < 1e-5);
    for (size_t i = 0; i < SIDE * SIDE; i++)
        assert_true(!bad[i] || weights[i] == 0);
}

static void maps_say_what_they_are(void **state)
{
    static const struct expected {
        size_t shape;
        unsigned map;
        const char *name, *description;
    } expected[] = {
        {0, 0, "bright_field",
         "sum of counts in the disk of radius 12.5 px around (y, x) = (127.5, 127.5), hard edge"},
        {2, 0, "ring-1",
         "sum of counts in the annulus from 5 to 10 px around (y, x) = (20.25, 30.75), hard edge"},
        {5, 0, "sector",
         "sum of counts in the sector from -30 to 75 deg, 3 to 14 px around (y, x) = (15, 16), "
         "hard edge"},
        {8, 3, "dpc_4",
         "sum of counts in the sector from 225 to 315 deg, 0 to 14 px around (y, x) = (15, 15), "
         "hard edge"},
        {10, 0, "box",
         "sum of counts in the rectangle of 8 x 5.5 px around (y, x) = (10, 12.5), hard edge"},
        {11, 0, "point", "sum of counts in the pixel (y, x) = (7, 9)"},
        {12, 0, "halo",
         "sum of counts in the band from 1 to 4 nm^-1 (4 to 16 px) around (y, x) = (127.5, 127.5), "
         "hard edge"},
    };
    const struct pixel_format format = frame_format(256, 256, 1);
    for (size_t i = 0; i < sizeof expected / sizeof expected[0]; i++) {
        struct product product;
        prepare(&product, &shapes[expected[i].shape], &format, NULL, CPU_ISA_PLAIN);
        assert_int_equal(product.n_maps, virtual_detector_n_maps(&shapes[expected[i].shape]));
        const struct product_map *const map = &product.maps[expected[i].map];
        assert_string_equal(map->name, expected[i].name);
        assert_string_equal(map->units, "counts");
        assert_string_equal(map->description, expected[i].description);
        product.class->finish(&product);
    }
}

static void write_mask_file(char *path)
{
    static const char header[] = "\x93NUMPY\1\0\x48\0{'descr': '|u1', 'fortran_order': False, "
                                 "'shape': (2, 2), }            \n\1\0\3\0";
    strcpy(path, "/tmp/test_virtual_detector.XXXXXX");
    const int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, header, sizeof header - 1), sizeof header - 1);
    close(fd);
}

static void a_mask_comes_from_its_file(void **state)
{
    const struct pixel_format format = frame_format(2, 2, 1), other = frame_format(2, 3, 1);
    struct virtual_detector_settings copy, settings = {"m", VIRTUAL_DETECTOR_MASK};
    struct product product = {0};
    struct error error = {0};
    uint64_t column;
    write_mask_file(settings.mask_path);
    prepare(&product, &settings, &format, NULL, CPU_ISA_PLAIN);
    assert_null(settings.mask);
    product.class->frame(&product, &(struct frame){.image = "\5\6\7\10"}, &column);
    assert_int_equal(column, 5 + 3 * 7);
    product.class->finish(&product);
    assert_int_equal(
        virtual_detector_prepare(&product, &settings, &other, NULL, CPU_ISA_PLAIN, &error),
        -EINVAL);
    assert_non_null(strstr(error.text, "2 x 2 weights, frames have 2 x 3"));
    assert_int_equal(virtual_detector_settings_load(&settings, &error), 0);
    unlink(settings.mask_path);
    virtual_detector_settings_copy(&copy, &settings);
    virtual_detector_settings_finish(&settings);
    prepare(&product, &copy, &format, NULL, CPU_ISA_PLAIN);
    product.class->finish(&product);
    virtual_detector_settings_finish(&copy);
    assert_int_equal(virtual_detector_settings_load(&copy, &error), -ENOENT);
    assert_non_null(strstr(error.text, "virtual detector \"m\": mask file /tmp/test_virtual"));
}

static void refused_with(const struct virtual_detector_settings *bad,
                         const struct detector_pixels *pixels, const char *word)
{
    const struct pixel_format format = frame_format(2, 2, 2);
    struct product product = {0};
    struct error error = {0};
    assert_int_equal(
        virtual_detector_prepare(&product, bad, &format, pixels, CPU_ISA_PLAIN, &error), -EINVAL);
    assert_int_equal(error.code, -EINVAL);
    assert_non_null(strstr(error.text, "virtual detector \"bad\""));
    if (!strstr(error.text, word))
        fail_msg("\"%s\" does not say \"%s\"", error.text, word);
}

#define REFUSED(word, ...)                                                                         \
    refused_with(&(struct virtual_detector_settings){"bad", __VA_ARGS__}, NULL, word)

static void settings_that_mean_nothing_are_refused_by_name(void **state)
{
    REFUSED("radius -1", VIRTUAL_DETECTOR_DISK, .outer = -1);
    REFUSED("radius", VIRTUAL_DETECTOR_DISK, .outer = NAN);
    REFUSED("radius inf", VIRTUAL_DETECTOR_DISK, .outer = INFINITY);
    REFUSED("inner radius -2", VIRTUAL_DETECTOR_ANNULUS, .inner = -2, .outer = 3);
    REFUSED("inner radius", VIRTUAL_DETECTOR_ANNULUS, .inner = NAN, .outer = 3);
    REFUSED("larger than outer", VIRTUAL_DETECTOR_ANNULUS, .inner = 4, .outer = 3);
    REFUSED("centre", VIRTUAL_DETECTOR_DISK, NAN, 0, true, .outer = 3);
    REFUSED("no sector", VIRTUAL_DETECTOR_SECTOR, .outer = 3, .start_angle = 10, .stop_angle = 10);
    REFUSED("no sector", VIRTUAL_DETECTOR_SECTOR, .outer = 3, .start_angle = 0, .stop_angle = 361);
    REFUSED("no sector", VIRTUAL_DETECTOR_SECTOR, .outer = 3, .start_angle = NAN);
    REFUSED("1 sectors", VIRTUAL_DETECTOR_SEGMENTED, .outer = 3, .n_sectors = 1);
    REFUSED("65 sectors", VIRTUAL_DETECTOR_SEGMENTED, .outer = 3, .n_sectors = 65);
    REFUSED("start angle", VIRTUAL_DETECTOR_SEGMENTED, .outer = 3, .n_sectors = 4,
            .start_angle = INFINITY);
    REFUSED("larger than outer", VIRTUAL_DETECTOR_SEGMENTED, .inner = 4, .outer = 3,
            .n_sectors = 4);
    REFUSED("height -1", VIRTUAL_DETECTOR_RECTANGLE, .height = -1, .width = 1);
    REFUSED("width nan", VIRTUAL_DETECTOR_RECTANGLE, .height = 1, .width = NAN);
    REFUSED("calibrate", VIRTUAL_DETECTOR_K_BAND, .k_inner = 1, .k_outer = 2);
    REFUSED("no band", VIRTUAL_DETECTOR_K_BAND, .k_inner = 2, .k_outer = 1, .pixel_size_k = 1);
    REFUSED("no band", VIRTUAL_DETECTOR_K_BAND, .k_inner = NAN, .k_outer = 1, .pixel_size_k = 1);
    REFUSED("pixel_size_k -1", VIRTUAL_DETECTOR_K_BAND, .k_outer = 1, .pixel_size_k = -1);
    REFUSED("pixel_size_k nan", VIRTUAL_DETECTOR_K_BAND, .k_outer = 1, .pixel_size_k = NAN);
    REFUSED("no weights", VIRTUAL_DETECTOR_MASK);
}

/* But a sector that looks past the frame leaves the others as they are. */
static void a_detector_without_a_pixel_of_the_frame_is_refused(void **state)
{
    static const uint8_t all_bad[4] = {1, 1, 1, 1};
    static const float zeros[4] = {0};
    const struct detector_pixels no_pixels = {.bad = all_bad};
    const struct pixel_format format = frame_format(2, 2, 2);
    const struct virtual_detector_settings whole = {"bad", VIRTUAL_DETECTOR_DISK, .outer = 3};
    struct virtual_detector_settings mask = {"bad", VIRTUAL_DETECTOR_MASK,
                                             .mask = mask_of(zeros, 2, 2)};
    const struct virtual_detector_settings corner = {
        "corner", VIRTUAL_DETECTOR_SEGMENTED, 1, 1, true, .outer = 3, .n_sectors = 4};
    REFUSED("no pixel counts in it, of frames of 2 x 2", VIRTUAL_DETECTOR_DISK, 5000, 5000, true,
            .outer = 100);
    REFUSED("no pixel", VIRTUAL_DETECTOR_POINT, -1, 1, true);
    REFUSED("no pixel", VIRTUAL_DETECTOR_DISK, .outer = 0, .edge = VIRTUAL_DETECTOR_ANTIALIASED);
    REFUSED("no pixel", VIRTUAL_DETECTOR_ANNULUS, .inner = 30, .outer = 40);
    refused_with(&mask, NULL, "no pixel");
    refused_with(&whole, &no_pixels, "masked as bad");
    struct product product = {0};
    prepare(&product, &corner, &format, NULL, CPU_ISA_PLAIN);
    product.class->finish(&product);
    mask_values_unref(mask.mask);
}

static void masks_without_a_mean_and_gains_that_are_no_numbers_are_refused(void **state)
{
    static const float zero_sum[] = {1, -0.25f, -0.25f, -0.5f}, gain[] = {1, 1, NAN, 1};
    const struct detector_pixels pixels = {.gain = gain};
    struct virtual_detector_settings settings = {"bad", VIRTUAL_DETECTOR_MASK,
                                                 .mode = VIRTUAL_DETECTOR_MEAN,
                                                 .mask = mask_of(zero_sum, 2, 2)};
    refused_with(&settings, NULL, "use the sum");
    settings.mode = VIRTUAL_DETECTOR_SUM;
    refused_with(&settings, &pixels, "(1, 0)");
    mask_values_unref(settings.mask);
}

static void pixels_of_other_sizes_are_refused(void **state)
{
    const struct pixel_format format = frame_format(16, 16, 8);
    struct product product = {0};
    struct error error = {0};
    assert_int_equal(
        virtual_detector_prepare(&product, &shapes[0], &format, NULL, CPU_ISA_PLAIN, &error),
        -ENOTSUP);
    assert_non_null(strstr(error.text, "8 bytes"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hard_edged_sums_are_exact),
        cmocka_unit_test(antialiased_weights_are_areas),
        cmocka_unit_test(the_area_of_an_antialiased_disk_is_that_of_the_circle),
        cmocka_unit_test(the_sectors_of_a_segmented_detector_make_up_its_annulus),
        cmocka_unit_test(azimuth_turns_from_columns_to_rows),
        cmocka_unit_test(a_pattern_without_symmetry_is_seen_as_the_page_says),
        cmocka_unit_test(any_mask_is_summed_to_a_hundred_thousandth_of_itself),
        cmocka_unit_test(a_lone_count_has_its_weight_to_a_hundred_thousandth),
        cmocka_unit_test(integer_masks_give_exact_integers),
        cmocka_unit_test(a_mean_is_the_sum_over_the_weights),
        cmocka_unit_test(corrections_are_folded_in),
        cmocka_unit_test(maps_say_what_they_are),
        cmocka_unit_test(a_mask_comes_from_its_file),
        cmocka_unit_test(settings_that_mean_nothing_are_refused_by_name),
        cmocka_unit_test(a_detector_without_a_pixel_of_the_frame_is_refused),
        cmocka_unit_test(masks_without_a_mean_and_gains_that_are_no_numbers_are_refused),
        cmocka_unit_test(pixels_of_other_sizes_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
