/*
 * How fast a .mib file in the page cache is analysed on one thread: centre of mass alone, and with
 * one bright-field detector (a disk of a tenth of the frame's width). Frames per second, as one
 * JSON object; every figure is the best of several passes over the file.
 *
 *   bench_mib [FILE]     without a file: 4096 frames of 256x256 U08, 0.3 counts per pixel, in
 *                        memory (a memfd, which is page cache too)
 *
 * The file is mapped; headers are parsed frame by frame as in a stream. Pixels of one byte are
 * analysed where they lie, others are decoded first.
 */
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/clock.h"
#include "detector/frame_header.h"
#include "processing/products/product.h"
#include "processing/products/virtual_detector.h"
#include "tests/bench/detector_start.h"

#define PASSES 7
#define MADE_FRAMES 4096
#define MADE_SIDE 256
#define MADE_OFFSET 384

/* ---- a file ---- */

static uint8_t few_counts(uint64_t *seed)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    const unsigned chance = *seed >> 32 & 0xff; /* Poisson, mean 0.3: 0.741, 0.222, 0.033, ... */
    return (uint8_t)((chance >= 190) + (chance >= 247) + (chance >= 255));
}

static void put_frame(int fd, unsigned number, uint64_t *seed)
{
    static uint8_t frame[MADE_OFFSET + MADE_SIDE * MADE_SIDE];
    memset(frame, 0, MADE_OFFSET);
    snprintf((char *)frame, MADE_OFFSET,
             "MQ1,%06u,00384,01,0256,0256,U08,   1x1,01,2026-01-01 00:00:00.000000,0.001,0,0,0,"
             "1.0E+0,MQ1A,2026-01-01T00:00:00.000000000Z,1000000ns,6,",
             number);
    for (size_t i = MADE_OFFSET; i < sizeof frame; i++)
        frame[i] = few_counts(seed);
    if (write(fd, frame, sizeof frame) != (ssize_t)sizeof frame)
        bench_die("no memory for the frames");
}

static int made_file(void)
{
    uint64_t seed = 88172645463325252;
    const int fd = memfd_create("bench_mib", 0);
    if (fd < 0)
        bench_die("no memory for the frames");
    for (unsigned i = 1; i <= MADE_FRAMES; i++)
        put_frame(fd, i, &seed);
    return fd;
}

struct file {
    uint8_t *bytes;
    size_t size;
};

static struct file mapped(const char *path)
{
    const int fd = path ? open(path, O_RDONLY | O_CLOEXEC) : made_file();
    struct stat status;
    if (fd < 0 || fstat(fd, &status) != 0)
        bench_die("cannot open the file");
    void *const bytes = mmap(NULL, (size_t)status.st_size, PROT_READ, MAP_SHARED, fd, 0);
    if (bytes == MAP_FAILED)
        bench_die("cannot map the file");
    close(fd);
    return (struct file){bytes, (size_t)status.st_size};
}

/* ---- analysis ---- */

struct analysis {
    struct pixel_format format;
    size_t message; /* bytes from frame to frame */
    struct frame_forms forms;
    void *room;
    struct product products[2];
    size_t n_products;
    double sum; /* of all that was measured, so that nothing is left out */
};

static void check(int status, const struct error *error)
{
    if (status < 0)
        bench_die(error->text);
}

static void prepare(struct analysis *analysis, const struct file *file)
{
    struct frame_header header;
    struct error error = {0};
    check(frame_header_parse(&header, file->bytes, file->size, &error), &error);
    /* All frames of a file are as long as the first; where the second begins tells how long. */
    const uint8_t *const next =
        memmem(file->bytes + header.data_offset, file->size - header.data_offset, "MQ1,", 4);
    analysis->message = next ? (size_t)(next - file->bytes) : file->size;
    check(pixel_format_from_header(&analysis->format, &header, NULL, 0, analysis->message, &error),
          &error);
    const enum cpu_isa isa = cpu_isa_best();
    const struct virtual_detector_settings bright_field = {
        .name = "bf", .shape = VIRTUAL_DETECTOR_DISK, .outer = analysis->format.width / 10.0};
    check(centre_of_mass_prepare(&analysis->products[0], &analysis->format, isa, &error), &error);
    check(virtual_detector_prepare(&analysis->products[1], &bright_field, &analysis->format, NULL,
                                   isa, &error),
          &error);
    frame_forms_init(&analysis->forms, &analysis->format, isa);
    analysis->room = product_accumulator_create(analysis->format.image_size);
    if (!analysis->room)
        bench_die("no memory");
}

static void analyse_frame(struct analysis *analysis, const uint8_t *body)
{
    uint64_t number, timestamp_ns, exposure_ns, columns[8] = {0};
    size_t geometry_at;
    if (!frame_header_number(body, analysis->format.data_offset, &number, &geometry_at))
        bench_die("a frame without a number");
    frame_header_parse_time(body, analysis->format.data_offset, &timestamp_ns, &exposure_ns);
    struct frame frame =
        frame_of_payload(&analysis->forms, body + analysis->format.data_offset, analysis->room);
    for (size_t i = 0; i < analysis->n_products; i++) {
        const struct product *const product = &analysis->products[i];
        product->class->frame(product, &frame, columns);
        for (unsigned map = 0; map < product->n_maps; map++) {
            double value = 0;
            product->class->map_value(product, map, columns, &value);
            analysis->sum += value;
        }
    }
}

/* Frames per second of the best pass. */
static double rate(struct analysis *analysis, const struct file *file, size_t n_products)
{
    double best = 0;
    analysis->n_products = n_products;
    for (unsigned pass = 0; pass < PASSES; pass++) {
        size_t n = 0;
        const uint64_t start = clock_monotonic_ns();
        for (size_t at = 0; at + analysis->message <= file->size; at += analysis->message, n++)
            analyse_frame(analysis, file->bytes + at);
        best = fmax(best, (double)n / ((double)(clock_monotonic_ns() - start) * 1e-9));
    }
    return best;
}

int main(int argc, char **argv)
{
    const struct file file = mapped(argc > 1 ? argv[1] : NULL);
    struct analysis analysis = {0};
    prepare(&analysis, &file);
    const double centre = rate(&analysis, &file, 1), both = rate(&analysis, &file, 2);
    printf("{\"frame\": \"%ux%u\", \"pixel_bytes\": %u, \"frames\": %zu, "
           "\"centre_of_mass_frames_per_s\": %.0f, "
           "\"centre_of_mass_and_bright_field_frames_per_s\": %.0f}\n",
           analysis.format.height, analysis.format.width, analysis.format.pixel_size,
           file.size / analysis.message, centre, both);
    for (size_t i = 0; i < 2; i++)
        analysis.products[i].class->finish(&analysis.products[i]);
    frame_forms_finish(&analysis.forms);
    free(analysis.room);
    munmap(file.bytes, file.size);
    return EXIT_SUCCESS;
}
