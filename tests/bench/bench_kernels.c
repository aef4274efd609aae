/*
 * What a frame costs in each product, for each instruction set of this machine: microseconds,
 * cache-hot, one thread, as one JSON object. Every figure is the median over repeats. `frame_sum`
 * is a plain loop that adds up the frame's pixels, as a yardstick; `full_frame_detector` is the
 * same through a mask that chooses every pixel.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "processing/product.h"

#define FRAMES_PER_REPEAT 257 /* one flush of the sum pattern's tile */
#define REPEATS 15
#define COUNTS_PER_PIXEL 0.3

static const struct pixel_format formats[] = {
    {.width = 256, .height = 256, .pixel_size = 1, .image_size = 1 << 16},
    {.width = 256, .height = 256, .pixel_size = 2, .image_size = 1 << 17},
    {.width = 512, .height = 512, .pixel_size = 2, .image_size = 1 << 19},
    {.width = 256, .height = 256, .pixel_size = 4, .image_size = 1 << 18},
};
static const char *const format_names[] = {"u8_256", "u16_256", "u16_512", "u32_256"};

/* Radii in parts of the frame's width. */
static const struct virtual_detector_settings eight_detectors[] = {
    {.name = "bf", .shape = VIRTUAL_DETECTOR_DISK, .outer = 0.05},
    {.name = "abf", .shape = VIRTUAL_DETECTOR_ANNULUS, .inner = 0.025, .outer = 0.05},
    {.name = "disk", .shape = VIRTUAL_DETECTOR_DISK, .outer = 0.25},
    {.name = "half", .shape = VIRTUAL_DETECTOR_DISK, .outer = 0.4},
    {.name = "ring_1", .shape = VIRTUAL_DETECTOR_ANNULUS, .inner = 0.13, .outer = 0.15},
    {.name = "ring_2", .shape = VIRTUAL_DETECTOR_ANNULUS, .inner = 0.15, .outer = 0.17},
    {.name = "adf", .shape = VIRTUAL_DETECTOR_ANNULUS, .inner = 0.1, .outer = 0.25},
    {.name = "haadf", .shape = VIRTUAL_DETECTOR_ANNULUS, .inner = 0.25, .outer = 0.47},
};
#define N_DETECTORS (sizeof eight_detectors / sizeof eight_detectors[0])

static void give_up(const char *what)
{
    fprintf(stderr, "bench_kernels: %s\n", what);
    exit(EXIT_FAILURE);
}

static void *allocate(size_t size)
{
    void *const memory = aligned_alloc(64, (size + 63) & ~(size_t)63);
    if (!memory)
        give_up("no memory");
    memset(memory, 0, size);
    return memory;
}

static double uniform(uint64_t *seed)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    return (double)(*seed >> 11) * 0x1p-53;
}

static uint32_t poisson(uint64_t *seed, double mean)
{
    const double limit = exp(-mean);
    uint32_t counts = 0;
    for (double product = uniform(seed); product > limit; product *= uniform(seed))
        counts++;
    return counts;
}

static void *make_frame(const struct pixel_format *format)
{
    uint64_t seed = 88172645463325252;
    uint8_t *const image = allocate(format->image_size);
    for (size_t at = 0; at < format->image_size; at += format->pixel_size)
        image[at] = (uint8_t)poisson(&seed, COUNTS_PER_PIXEL); /* little-endian */
    return image;
}

static int compare_doubles(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(double *values, size_t n)
{
    qsort(values, n, sizeof *values, compare_doubles);
    return values[n / 2];
}

static double product_us(const struct product *product, const void *image)
{
    uint64_t *const columns = allocate((product->n_columns + 1) * sizeof *columns);
    void *const accumulator = allocate(product->accumulator_size + 1);
    double us[REPEATS];
    for (size_t repeat = 0; repeat < REPEATS; repeat++) {
        const uint64_t start = clock_monotonic_ns();
        for (size_t i = 0; i < FRAMES_PER_REPEAT; i++)
            product->class->frame(product, image, columns, accumulator);
        us[repeat] = (double)(clock_monotonic_ns() - start) / 1e3 / FRAMES_PER_REPEAT;
    }
    free(accumulator);
    free(columns);
    return median(us, REPEATS);
}

static uint64_t frame_sum(const struct pixel_format *format, const void *image)
{
    const size_t n_pixels = format->image_size / format->pixel_size;
    uint64_t sum = 0;
    if (format->pixel_size == 1)
        for (size_t i = 0; i < n_pixels; i++)
            sum += ((const uint8_t *)image)[i];
    else if (format->pixel_size == 2)
        for (size_t i = 0; i < n_pixels; i++)
            sum += ((const uint16_t *)image)[i];
    else
        for (size_t i = 0; i < n_pixels; i++)
            sum += ((const uint32_t *)image)[i];
    return sum;
}

static double frame_sum_us(const struct pixel_format *format, const void *image)
{
    double us[REPEATS];
    volatile uint64_t sum = 0;
    for (size_t repeat = 0; repeat < REPEATS; repeat++) {
        const uint64_t start = clock_monotonic_ns();
        for (size_t i = 0; i < FRAMES_PER_REPEAT; i++) {
            __asm__ volatile(""
                             :
                             : "r"(image)
                             : "memory"); /* the frame may have changed: sum it again */
            sum = sum + frame_sum(format, image);
        }
        us[repeat] = (double)(clock_monotonic_ns() - start) / 1e3 / FRAMES_PER_REPEAT;
    }
    return median(us, REPEATS);
}

static double measured(struct product *product, const void *image, int status,
                       const struct error *error)
{
    if (status)
        give_up(error->text);
    const double us = product_us(product, image);
    product->class->finish(product);
    return us;
}

static double detectors_us(const struct pixel_format *format, enum cpu_isa isa, const void *image,
                           const struct virtual_detector_settings *detectors, size_t n_detectors)
{
    struct virtual_detector_settings scaled[N_DETECTORS];
    for (size_t i = 0; i < n_detectors; i++) {
        scaled[i] = detectors[i];
        scaled[i].inner *= format->width;
        scaled[i].outer *= format->width;
    }
    struct error error = {0};
    struct product product = {0};
    const int status =
        virtual_detectors_prepare(&product, scaled, n_detectors, format, isa, &error);
    return measured(&product, image, status, &error);
}

static double centre_of_mass_us(const struct pixel_format *format, enum cpu_isa isa,
                                const void *image)
{
    struct error error = {0};
    struct product product = {0};
    const int status = centre_of_mass_prepare(&product, format, isa, &error);
    return measured(&product, image, status, &error);
}

static double sum_pattern_us(const struct pixel_format *format, enum cpu_isa isa, const void *image)
{
    struct error error = {0};
    struct product product = {0};
    const int status = sum_pattern_prepare(&product, format, isa, &error);
    return measured(&product, image, status, &error);
}

static void print_isa(const struct pixel_format *format, enum cpu_isa isa, const void *image)
{
    const struct virtual_detector_settings everything = {
        .name = "everything", .shape = VIRTUAL_DETECTOR_DISK, .outer = 1};
    printf("    \"%s\": {\"virtual_detectors_8\": %.2f, \"full_frame_detector\": %.2f, "
           "\"centre_of_mass\": %.2f, \"sum_pattern\": %.2f},\n",
           cpu_isa_name(isa), detectors_us(format, isa, image, eight_detectors, N_DETECTORS),
           detectors_us(format, isa, image, &everything, 1), centre_of_mass_us(format, isa, image),
           sum_pattern_us(format, isa, image));
}

int main(void)
{
    printf("{\n  \"unit\": \"us per frame\",\n  \"counts_per_pixel\": %g", COUNTS_PER_PIXEL);
    for (size_t i = 0; i < sizeof formats / sizeof formats[0]; i++) {
        void *const image = make_frame(&formats[i]);
        printf(",\n  \"%s\": {\n", format_names[i]);
        for (enum cpu_isa isa = CPU_ISA_PLAIN; isa <= cpu_isa_best(); isa++)
            print_isa(&formats[i], isa, image);
        printf("    \"frame_sum\": %.2f\n  }", frame_sum_us(&formats[i], image));
        free(image);
    }
    printf("\n}\n");
    return EXIT_SUCCESS;
}
