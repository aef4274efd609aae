/*
 * How fast frames of each format are decoded, for each instruction set of this machine: GB of
 * decoded image per second, one thread, as one JSON object. `memcpy` copies as many bytes as the
 * image has. Every figure is the median over repeats.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "detector/pixel_format.h"

#define REPEATS 31
#define BYTES_PER_REPEAT (32 << 20)

static const struct bench_format {
    const char *name;
    struct frame_header header;
    size_t payload;
    uint32_t gap;
} formats[] = {
    {"u16_quad", {.chips = 4, .width = 512, .height = 512, .pixel_type = PIXEL_U16}, 524288, 0},
    {"u32_quad", {.chips = 4, .width = 512, .height = 512, .pixel_type = PIXEL_U32}, 1048576, 0},
    {"u01_bits_quad", {.chips = 4, .width = 512, .height = 512, .pixel_type = PIXEL_U01}, 32768, 0},
    {"r64_1_single", {.chips = 1, .width = 256, .height = 256, .pixel_type = PIXEL_R64}, 8192, 0},
    {"r64_6_single", {.chips = 1, .width = 256, .height = 256, .pixel_type = PIXEL_R64}, 65536, 0},
    {"r64_12_single",
     {.chips = 1, .width = 256, .height = 256, .pixel_type = PIXEL_R64},
     131072,
     0},
    {"r64_24_single",
     {.chips = 1, .width = 512, .height = 256, .pixel_type = PIXEL_R64},
     262144,
     0},
#define QUAD(name, columns, size, pixels, gap_layout)                                              \
    {                                                                                              \
        name,                                                                                      \
            {.chips = 4,                                                                           \
             .width = columns,                                                                     \
             .height = 256,                                                                        \
             .pixel_type = PIXEL_R64,                                                              \
             .layout = gap_layout},                                                                \
            size, pixels                                                                           \
    }
    QUAD("r64_1_quad", 1024, 32768, 0, LAYOUT_2X2),
    QUAD("r64_6_quad", 1024, 262144, 0, LAYOUT_2X2),
    QUAD("r64_12_quad", 1024, 524288, 0, LAYOUT_2X2),
    QUAD("r64_12_quad_gap_3", 1024, 524288, 3, LAYOUT_2X2G),
    QUAD("r64_24_quad", 2048, 1048576, 0, LAYOUT_2X2),
#undef QUAD
};

static void copy(void *restrict image, const void *restrict payload,
                 const struct pixel_format *format)
{
    memcpy(image, payload, format->image_size);
}

static int compare_doubles(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double gigabytes_per_second(frame_decode_fn decode, const struct pixel_format *format,
                                   void *image, const void *payload)
{
    const size_t n = BYTES_PER_REPEAT / format->image_size;
    double rates[REPEATS];
    for (size_t repeat = 0; repeat < REPEATS; repeat++) {
        const uint64_t start = clock_monotonic_ns();
        for (size_t i = 0; i < n; i++)
            decode(image, payload, format);
        rates[repeat] = (double)(n * format->image_size) / (double)(clock_monotonic_ns() - start);
    }
    qsort(rates, REPEATS, sizeof *rates, compare_doubles);
    return rates[REPEATS / 2];
}

/* Payloads lie in the ring wherever the stream put them: at an odd address here. */
static void measure(const struct pixel_format *format)
{
    const size_t size =
        format->image_size > format->payload_size ? format->image_size : format->payload_size;
    uint8_t *const image = aligned_alloc(64, (size + 63) / 64 * 64);
    uint8_t *const bytes = malloc(size + 399);
    if (!image || !bytes) {
        fputs("bench_decode: no memory\n", stderr);
        exit(EXIT_FAILURE);
    }
    memset(image, 0, size);
    for (size_t i = 0; i < size + 399; i++)
        bytes[i] = (uint8_t)(i * 2654435761u >> 13);
    for (enum cpu_isa isa = CPU_ISA_PLAIN; isa <= cpu_isa_best(); isa++)
        printf("\"%s\": %.2f, ", cpu_isa_name(isa),
               gigabytes_per_second(frame_decoder(format, isa), format, image, bytes + 399));
    printf("\"memcpy\": %.2f", gigabytes_per_second(copy, format, image, bytes + 399));
    free(bytes);
    free(image);
}

int main(void)
{
    printf("{\n  \"unit\": \"GB of decoded image per second\"");
    for (size_t i = 0; i < sizeof formats / sizeof formats[0]; i++) {
        struct pixel_format format;
        struct error error = {0};
        if (pixel_format_from_header(&format, &formats[i].header, NULL, formats[i].gap,
                                     formats[i].payload, &error) < 0) {
            fprintf(stderr, "bench_decode: %s: %s\n", formats[i].name, error.text);
            return EXIT_FAILURE;
        }
        printf(",\n  \"%s\": {", formats[i].name);
        measure(&format);
        putchar('}');
    }
    printf("\n}\n");
    return EXIT_SUCCESS;
}
