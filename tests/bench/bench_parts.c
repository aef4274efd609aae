/*
 * What the parts of the pipeline cost that work on images, each alone on one thread, of images that
 * a simulator wrote with --dump: CPU seconds per GB of pixels, as one JSON object.
 *
 *   bench_parts SIDE PIXEL_SIZE DUMP.npy     images of SIDE x SIDE pixels of 1 or 2 bytes
 *
 * `compress` is blosc_compress_ctx with the default settings of a recording (lz4, bit shuffle,
 * level 1), chunk by chunk as merlind makes them; `kernels` are the products of bench.py's runs: 16
 * virtual detectors (8 disks and annuli, 8 masks of real weights), centre of mass, patterns, radial
 * profile and variance. The images are more than fit the cache of a core, as they are behind a
 * socket. Every figure is the least of several rounds.
 */
#include <blosc.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/clock.h"
#include "processing/pixels/mask_values.h"
#include "processing/products/product.h"
#include "processing/products/profile_products.h"
#include "processing/products/virtual_detector.h"
#include "tests/bench/detector_start.h"

#define ROUNDS 5
#define CHUNK_BYTES (1 << 20)
#define N_DETECTORS 8
#define N_MASKS 8
#define N_PRODUCTS (N_DETECTORS + N_MASKS + 4)
#define NPY_HEADER_LENGTH_AT 8 /* numpy's format, version 1.0 */

struct images {
    struct pixel_format format;
    const uint8_t *pixels;
    size_t n;
};

static double cpu_seconds(void)
{
    return (double)clock_read_ns(CLOCK_THREAD_CPUTIME_ID) * 1e-9;
}

static struct images mapped(const char *path, uint32_t side, uint32_t pixel_size)
{
    const int fd = open(path, O_RDONLY | O_CLOEXEC);
    struct stat status;
    if (fd < 0 || fstat(fd, &status) != 0)
        bench_die("cannot open the images");
    const uint8_t *const bytes =
        mmap(NULL, (size_t)status.st_size, PROT_READ, MAP_SHARED | MAP_POPULATE, fd, 0);
    if (bytes == MAP_FAILED)
        bench_die("cannot map the images");
    close(fd);
    const size_t offset = NPY_HEADER_LENGTH_AT + 2 + bytes[NPY_HEADER_LENGTH_AT] +
                          ((size_t)bytes[NPY_HEADER_LENGTH_AT + 1] << 8);
    const size_t image_size = (size_t)side * side * pixel_size;
    return (struct images){
        .format = {.width = side,
                   .height = side,
                   .pixel_size = pixel_size,
                   .counter_depth = pixel_size == 1 ? 6 : 12,
                   .image_size = image_size},
        .pixels = bytes + offset,
        .n = ((size_t)status.st_size - offset) / image_size,
    };
}

/* ---- compression ---- */

static double compress_all(const struct images *images, void *room)
{
    const size_t k = CHUNK_BYTES / images->format.image_size, size = k * images->format.image_size;
    const double start = cpu_seconds();
    size_t done = 0;
    for (; done + k <= images->n; done += k) {
        if (blosc_compress_ctx(1, BLOSC_BITSHUFFLE, images->format.pixel_size, size,
                               images->pixels + done * images->format.image_size, room,
                               size + BLOSC_MAX_OVERHEAD, BLOSC_LZ4_COMPNAME, 0, 1) <= 0)
            bench_die("Blosc refused a chunk");
    }
    return (cpu_seconds() - start) / (double)(done * images->format.image_size) * 1e9;
}

/* ---- products ---- */

struct analysis {
    struct product products[N_PRODUCTS];
    void *sums[N_PRODUCTS];
    struct frame_forms forms;
    struct shared_work *shared;
};

static void check(int status, const struct error *error)
{
    if (status < 0)
        bench_die(error->text);
}

/* As DETECTORS of bench.py. */
static void prepare_detectors(struct product *products, const struct pixel_format *format)
{
    for (unsigned i = 0; i < N_DETECTORS; i++) {
        const unsigned n = i % 4;
        const bool disk = i < 4;
        const struct virtual_detector_settings settings = {
            .name = "detector",
            .shape = disk ? VIRTUAL_DETECTOR_DISK : VIRTUAL_DETECTOR_ANNULUS,
            .inner = disk ? 0 : 20 + 20 * n,
            .outer = disk ? 10 + 10 * n : 40 + 20 * n,
        };
        struct error error = {0};
        check(
            virtual_detector_prepare(&products[i], &settings, format, NULL, cpu_isa_best(), &error),
            &error);
    }
}

/* As `masks` of bench.py. */
static void prepare_mask(struct product *product, const struct pixel_format *format,
                         unsigned number)
{
    const uint32_t side = format->width;
    float *const values = malloc((size_t)side * side * sizeof *values);
    struct virtual_detector_settings settings = {.name = "mask", .shape = VIRTUAL_DETECTOR_MASK};
    struct error error = {0};
    if (!values)
        bench_die("no memory");
    for (size_t i = 0; i < (size_t)side * side; i++) {
        const size_t row = i / side, column = i % side;
        const double y = (double)row / side, x = (double)column / side;
        values[i] = (float)(sin(3 * y + number) * cos(5 * x * (number + 1)) + 0.37 * y + 0.11);
    }
    check(mask_values_create(&settings.mask, values, side, side, &error), &error);
    check(virtual_detector_prepare(product, &settings, format, NULL, cpu_isa_best(), &error),
          &error);
    virtual_detector_settings_finish(&settings);
    free(values);
}

static void share(struct analysis *analysis, const struct pixel_format *format)
{
    struct product *products[N_PRODUCTS];
    for (unsigned i = 0; i < N_PRODUCTS; i++)
        products[i] = &analysis->products[i];
    analysis->shared = shared_work_create(products, N_PRODUCTS, format, cpu_isa_best());
}

static void prepare(struct analysis *analysis, const struct pixel_format *format)
{
    struct product *const products = analysis->products;
    const enum cpu_isa isa = cpu_isa_best();
    struct error error = {0};
    prepare_detectors(products, format);
    for (unsigned i = 0; i < N_MASKS; i++)
        prepare_mask(&products[N_DETECTORS + i], format, i);
    struct product *const others = products + N_DETECTORS + N_MASKS;
    check(centre_of_mass_prepare(&others[0], format, isa, &error), &error);
    check(patterns_prepare(&others[1], NULL, format, isa, &error), &error);
    check(
        radial_profile_prepare(&others[2], &(struct radial_settings){0}, NULL, format, isa, &error),
        &error);
    check(variance_prepare(&others[3], &(struct variance_settings){0}, NULL, format, isa, &error),
          &error);
    for (unsigned i = 0; i < N_PRODUCTS; i++) {
        analysis->sums[i] = product_accumulator_create(products[i].accumulator_size + 1);
        if (!analysis->sums[i])
            bench_die("no memory");
    }
    frame_forms_init(&analysis->forms, format, isa);
    share(analysis, format);
}

static void analyse(struct analysis *analysis, uint64_t exposure, struct frame *frame,
                    uint64_t *columns)
{
    for (unsigned p = 0; p < N_PRODUCTS; p++) {
        const struct product *const product = &analysis->products[p];
        if (product->n_columns)
            product->class->frame(product, frame, columns);
        if (product->class->accumulate)
            product->class->accumulate(product, exposure, frame, columns, analysis->sums[p]);
    }
}

/* As many as a worker takes at once: not more than a chunk has. */
static size_t frames_of_chunk(const struct analysis *analysis, const struct pixel_format *format,
                              size_t left)
{
    const size_t chunk = CHUNK_BYTES / format->image_size;
    const size_t n = frames_at_once(&analysis->forms, analysis->shared);
    const size_t most = n < chunk ? n : chunk;
    return most < left ? most : left;
}

static double analyse_all(struct analysis *analysis, const struct images *images)
{
    static uint64_t columns[PRODUCT_MAX_COLUMNS];
    const double start = cpu_seconds();
    for (size_t i = 0, n; i < images->n; i += n) {
        struct frame frames[WEIGHT_IMAGES];
        n = frames_of_chunk(analysis, &images->format, images->n - i);
        for (size_t j = 0; j < n; j++)
            frames[j] =
                (struct frame){.image = images->pixels + (i + j) * images->format.image_size,
                               .forms = &analysis->forms,
                               .shared = analysis->shared};
        frames_weigh_ahead(frames, (unsigned)n);
        for (size_t j = 0; j < n; j++)
            analyse(analysis, i + j, &frames[j], columns);
    }
    return (cpu_seconds() - start) / (double)(images->n * images->format.image_size) * 1e9;
}

static void finish(struct analysis *analysis)
{
    for (unsigned i = 0; i < N_PRODUCTS; i++) {
        analysis->products[i].class->finish(&analysis->products[i]);
        free(analysis->sums[i]);
    }
    frame_forms_finish(&analysis->forms);
    shared_work_destroy(analysis->shared);
}

int main(int argc, char **argv)
{
    if (argc != 4) {
        fprintf(stderr, "usage: bench_parts SIDE PIXEL_SIZE DUMP.npy\n");
        return 64;
    }
    const struct images images =
        mapped(argv[3], (uint32_t)strtoul(argv[1], NULL, 10), (uint32_t)strtoul(argv[2], NULL, 10));
    static struct analysis analysis;
    void *const room = malloc(CHUNK_BYTES + BLOSC_MAX_OVERHEAD);
    if (!room || images.n < CHUNK_BYTES / images.format.image_size)
        bench_die("too few images");
    prepare(&analysis, &images.format);
    double compress = HUGE_VAL, kernels = HUGE_VAL;
    for (unsigned round = 0; round < ROUNDS; round++) {
        compress = fmin(compress, compress_all(&images, room));
        kernels = fmin(kernels, analyse_all(&analysis, &images));
    }
    printf("{\"images\": %zu, \"compress\": %.4f, \"kernels\": %.4f}\n", images.n, compress,
           kernels);
    finish(&analysis);
    free(room);
    return EXIT_SUCCESS;
}
