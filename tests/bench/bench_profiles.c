/*
 * What a frame costs in patterns, radial profiles and variance, for each instruction set of this
 * machine, frame format and dose: microseconds, cache-hot, one thread, as one JSON object. Every
 * figure is the least of several repeats. `frame_sum` is a plain loop that adds up the frame's
 * pixels, as a yardstick; `squares` is the kernel that adds n and n^2 to the variance's tiles.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "processing/kernels/kernels_squares.h"
#include "processing/profile_products.h"

#define FRAMES_PER_REPEAT 100
#define REPEATS 15

static const struct pixel_format formats[] = {
    {.width = 256, .height = 256, .pixel_size = 1, .counter_depth = 6, .image_size = 1 << 16},
    {.width = 256, .height = 256, .pixel_size = 2, .counter_depth = 12, .image_size = 1 << 17},
    {.width = 512, .height = 512, .pixel_size = 2, .counter_depth = 12, .image_size = 1 << 19},
};
static const char *const format_names[] = {"u8_256", "u16_256", "u16_512"};
static const double doses[] = {0.05, 0.3, 1, 10};

static void give_up(const char *what)
{
    fprintf(stderr, "bench_profiles: %s\n", what);
    exit(EXIT_FAILURE);
}

static void *allocate(size_t size)
{
    void *const memory = product_accumulator_create(size);
    if (!memory)
        give_up("no memory");
    return memory;
}

static double uniform(uint64_t *seed)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    return (double)(*seed >> 11) * 0x1p-53;
}

static void fill(void *image, const struct pixel_format *format, double dose)
{
    uint64_t seed = 88172645463325252;
    for (size_t at = 0; at < format->image_size; at += format->pixel_size) {
        const double limit = exp(-dose);
        uint8_t counts = 0;
        for (double product = uniform(&seed); product > limit; product *= uniform(&seed))
            counts++;
        ((uint8_t *)image)[at] = counts; /* little-endian */
    }
}

/* ---- what is measured ---- */

struct work {
    void (*once)(const struct work *work, uint64_t frame);
    const struct pixel_format *format;
    const void *image;
    const struct product *product;
    const struct square_kernels *squares;
    void *sums, *more_sums; /* accumulator, or tiles */
    uint64_t *columns;
};

/* The least of all repeats: other programs only ever add to it. */
static double least_us(const struct work *work)
{
    double least = HUGE_VAL;
    for (size_t repeat = 0; repeat < REPEATS; repeat++) {
        const uint64_t start = clock_monotonic_ns();
        for (uint64_t i = 0; i < FRAMES_PER_REPEAT; i++)
            work->once(work, repeat * FRAMES_PER_REPEAT + i);
        least = fmin(least, (double)(clock_monotonic_ns() - start) / 1e3 / FRAMES_PER_REPEAT);
    }
    return least;
}

static void product_once(const struct work *work, uint64_t frame)
{
    const struct product *const product = work->product;
    if (product->n_columns)
        product->class->frame(product, &(struct frame){.image = work->image}, work->columns);
    product->class->accumulate(product, frame, &(struct frame){.image = work->image}, work->columns,
                               work->sums);
}

static void sum_once(const struct work *work, uint64_t frame)
{
    const size_t n_pixels = work->format->image_size / work->format->pixel_size;
    uint64_t sum = 0;
    if (work->format->pixel_size == 1)
        for (size_t i = 0; i < n_pixels; i++)
            sum += ((const uint8_t *)work->image)[i];
    else
        for (size_t i = 0; i < n_pixels; i++)
            sum += ((const uint16_t *)work->image)[i];
    __asm__ volatile("" : : "r"(sum) : "memory"); /* somebody may want it: do not leave it out */
}

static void squares_once(const struct work *work, uint64_t frame)
{
    work->squares->accumulate(work->sums, work->more_sums, work->image,
                              work->format->image_size / work->format->pixel_size);
}

static double product_us(struct work work, struct product *product, int status,
                         const struct error *error)
{
    if (status)
        give_up(error->text);
    work.once = product_once;
    work.product = product;
    work.sums = allocate(product->accumulator_size);
    work.columns = allocate((product->n_columns + 1) * sizeof(uint64_t));
    const double us = least_us(&work);
    free(work.sums);
    free(work.columns);
    product->class->finish(product);
    return us;
}

static double squares_us(struct work work, enum cpu_isa isa)
{
    work.once = squares_once;
    work.squares = square_kernels_for(isa, work.format->pixel_size);
    work.sums = allocate(2 * work.format->image_size);
    work.more_sums = allocate(4 * work.format->image_size);
    const double us = least_us(&work);
    free(work.sums);
    free(work.more_sums);
    return us;
}

static void measure(const struct pixel_format *format, const void *image, enum cpu_isa isa)
{
    const struct work work = {.once = sum_once, .format = format, .image = image};
    struct product patterns = {0}, radial = {0}, variance = {0}, saturation = {0};
    struct error error = {0};
    printf("\"frame_sum\": %.2f, ", least_us(&work));
    int status = patterns_prepare(&patterns, NULL, format, isa, &error);
    printf("\"patterns\": %.2f, ", product_us(work, &patterns, status, &error));
    status = saturation_prepare(&saturation, format, isa, &error);
    printf("\"saturation\": %.2f, ", product_us(work, &saturation, status, &error));
    status =
        radial_profile_prepare(&radial, &(struct radial_settings){0}, NULL, format, isa, &error);
    printf("\"radial_profile\": %.2f, ", product_us(work, &radial, status, &error));
    printf("\"squares\": %.2f, ", squares_us(work, isa));
    status = variance_prepare(&variance, &(struct variance_settings){0}, NULL, format, isa, &error);
    printf("\"variance\": %.2f", product_us(work, &variance, status, &error));
}

static void measure_format(size_t which)
{
    const struct pixel_format *const format = &formats[which];
    void *const image = allocate(format->image_size);
    printf("  \"%s\": {\n", format_names[which]);
    for (enum cpu_isa isa = CPU_ISA_PLAIN; isa <= cpu_isa_best(); isa++) {
        printf("    \"%s\": {\n", cpu_isa_name(isa));
        for (size_t dose = 0; dose < sizeof doses / sizeof doses[0]; dose++) {
            fill(image, format, doses[dose]);
            printf("%s      \"%g\": {", dose ? ",\n" : "", doses[dose]);
            measure(format, image, isa);
            printf("}");
        }
        printf("\n    }%s\n", isa == cpu_isa_best() ? "" : ",");
    }
    printf("  }");
    free(image);
}

int main(void)
{
    printf("{\n");
    for (size_t i = 0; i < sizeof formats / sizeof formats[0]; i++) {
        measure_format(i);
        printf("%s\n", i + 1 < sizeof formats / sizeof formats[0] ? "," : "");
    }
    printf("}\n");
    return EXIT_SUCCESS;
}
