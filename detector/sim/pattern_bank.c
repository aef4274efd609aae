#include "detector/sim/pattern_bank.h"

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "common/cpu.h"

#define HUGE_PAGE ((size_t)2 << 20)
#define DRAWN_BYTES_MAX ((uint64_t)64 << 20)

void drawn_counts_init(struct drawn_counts *drawn, uint64_t count, uint32_t side)
{
    const uint64_t bytes = count * side * side * sizeof *drawn->counts;
    *drawn = (struct drawn_counts){0};
    if (bytes > DRAWN_BYTES_MAX)
        return;
    drawn->counts = malloc(bytes);
    drawn->drawn = calloc(count, sizeof *drawn->drawn);
    if (drawn->counts && drawn->drawn)
        drawn->count = count;
}

void drawn_counts_finish(struct drawn_counts *drawn)
{
    free(drawn->counts);
    free(drawn->drawn);
    *drawn = (struct drawn_counts){0};
}

/* One thread's room to make patterns in. */
struct canvas {
    uint32_t *sensor, *halved, *image;
};

static void canvas_finish(struct canvas *canvas)
{
    free(canvas->sensor);
    free(canvas->halved);
    free(canvas->image);
}

static int canvas_init(struct canvas *canvas, const struct pattern_bank *bank)
{
    const size_t side = bank->pattern->side;
    canvas->sensor = malloc(side * side * sizeof *canvas->sensor);
    canvas->halved = malloc(side * side * sizeof *canvas->halved);
    canvas->image =
        malloc(sizeof *canvas->image * bank->format.image_width * bank->format.image_height);
    if (canvas->sensor && canvas->halved && canvas->image)
        return 0;
    canvas_finish(canvas);
    return -ENOMEM;
}

static uint64_t exposures(const struct pattern_bank *bank)
{
    return bank->count + bank->flyback;
}

/* Counts of exposure `index`: [side][side], in the canvas or among those that stay. */
static const uint32_t *draw_sensor(const struct pattern_bank *bank, uint64_t index,
                                   struct canvas *canvas)
{
    const size_t pixels = (size_t)bank->pattern->side * bank->pattern->side;
    struct drawn_counts *const drawn = bank->drawn;
    const bool kept = drawn && index < drawn->count && index < bank->count;
    uint32_t *const counts = kept ? drawn->counts + index * pixels : canvas->sensor;
    struct glass_position position;
    if (kept && drawn->drawn[index])
        return counts;
    if (index < bank->count) {
        glass_map_position(bank->map, index, &position);
        glass_pattern_draw(bank->pattern, &position, index, counts);
    } else {
        for (size_t i = 0; i < pixels; i++)
            counts[i] = 1;
    }
    if (kept)
        drawn->drawn[index] = true;
    return counts;
}

/* The second counter has the higher threshold: half the counts, but for the mark of flyback. */
static void draw_layer(const struct pattern_bank *bank, uint64_t index, unsigned layer,
                       const uint32_t *sensor, struct canvas *canvas)
{
    const bool second = index < bank->count && bank->both_counters &&
                        pattern_bank_counter(bank, layer) >= (bank->format.colour ? 4 : 1);
    const size_t pixels = (size_t)bank->pattern->side * bank->pattern->side;
    for (size_t i = 0; second && i < pixels; i++)
        canvas->halved[i] = sensor[i] / 2;
    wire_format_assemble(&bank->format, second ? canvas->halved : sensor, layer, canvas->image);
}

/* Threads that fill the bank share only the index of the next pattern to make. */
struct bank_filling {
    const struct pattern_bank *bank;
    _Atomic uint64_t next;
    _Atomic bool failed;
};

static void *fill(void *data)
{
    struct bank_filling *filling = data;
    const struct pattern_bank *bank = filling->bank;
    const unsigned layers = pattern_bank_layers(bank);
    struct canvas canvas;
    if (canvas_init(&canvas, bank) < 0) {
        filling->failed = true;
        return NULL;
    }
    uint64_t index;
    while ((index = filling->next++) < exposures(bank)) {
        const uint32_t *sensor = draw_sensor(bank, index, &canvas);
        for (unsigned layer = 0; layer < layers; layer++) {
            draw_layer(bank, index, layer, sensor, &canvas);
            wire_format_encode(&bank->format, canvas.image,
                               bank->bytes + (index * layers + layer) * bank->format.payload_size);
        }
    }
    canvas_finish(&canvas);
    return NULL;
}

#define FILLING_THREADS_MAX 16

static int fill_in_threads(const struct pattern_bank *bank)
{
    struct bank_filling filling = {.bank = bank};
    pthread_t threads[FILLING_THREADS_MAX];
    const unsigned cpus = cpu_count_available();
    unsigned started = 0;
    while (started + 1 < cpus && started < FILLING_THREADS_MAX &&
           pthread_create(&threads[started], NULL, fill, &filling) == 0)
        started++;
    fill(&filling);
    while (started > 0)
        pthread_join(threads[--started], NULL);
    return filling.failed ? -ENOMEM : 0;
}

static int map_memory(struct pattern_bank *bank, struct error *error)
{
    const uint64_t bytes =
        exposures(bank) * pattern_bank_layers(bank) * (uint64_t)bank->format.payload_size;
    const size_t size = (bytes + HUGE_PAGE - 1) / HUGE_PAGE * HUGE_PAGE;
    void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory == MAP_FAILED)
        return error_set(error, -errno,
                         "no memory for a bank of %" PRIu64 " patterns (%" PRIu64
                         " MiB); give a smaller --bank",
                         bank->count, bytes >> 20);
    madvise(memory, size, MADV_HUGEPAGE);
    bank->bytes = memory;
    bank->size = size;
    return 0;
}

int pattern_bank_fill(struct pattern_bank *bank, struct error *error)
{
    const int result = map_memory(bank, error);
    if (result)
        return result;
    if (fill_in_threads(bank) == 0)
        return 0;
    pattern_bank_finish(bank);
    return error_set(error, -ENOMEM, "no memory to make patterns");
}

void pattern_bank_finish(struct pattern_bank *bank)
{
    if (bank->bytes)
        munmap(bank->bytes, bank->size);
    bank->bytes = NULL;
}

/* Version 1.0 of numpy's format: magic, length of the header, a Python literal padded to 64 bytes.
 */
static void write_npy_header(FILE *file, const struct pattern_bank *bank)
{
    static const char *const types[] = {"", "|u1", "<u2", "", "<u4"};
    char text[119];
    const int size =
        snprintf(text, sizeof text,
                 "{'descr': '%s', 'fortran_order': False, 'shape': (%" PRIu64 ", %u, %u), }",
                 types[bank->format.pixel_size], bank->count * pattern_bank_layers(bank),
                 bank->format.image_height, bank->format.image_width);
    fwrite("\x93NUMPY\x01\x00\x76\x00", 1, 10, file);
    fprintf(file, "%s%*s\n", text, 117 - size, "");
}

static void write_image(FILE *file, const struct wire_format *format, uint32_t *image)
{
    const size_t pixels = (size_t)format->image_width * format->image_height;
    uint8_t *bytes = (uint8_t *)image; /* narrowed in place: never ahead of what is read */
    for (size_t i = 0; i < pixels; i++) {
        const uint32_t value = image[i];
        for (uint32_t k = 0; k < format->pixel_size; k++)
            bytes[i * format->pixel_size + k] = (uint8_t)(value >> 8 * k);
    }
    fwrite(bytes, format->pixel_size, pixels, file);
}

int pattern_bank_dump(const struct pattern_bank *bank, const char *path, struct error *error)
{
    struct canvas canvas;
    if (canvas_init(&canvas, bank) < 0)
        return error_set(error, -ENOMEM, "no memory for the dump");
    FILE *file = fopen(path, "we");
    if (!file) {
        canvas_finish(&canvas);
        return error_set(error, -errno, "dump file %s: %s", path, strerror(errno));
    }
    write_npy_header(file, bank);
    for (uint64_t index = 0; index < bank->count; index++) {
        const uint32_t *sensor = draw_sensor(bank, index, &canvas);
        for (unsigned layer = 0; layer < pattern_bank_layers(bank); layer++) {
            draw_layer(bank, index, layer, sensor, &canvas);
            write_image(file, &bank->format, canvas.image);
        }
    }
    canvas_finish(&canvas);
    const bool written = !ferror(file);
    if (fclose(file) != 0 || !written)
        return error_set(error, -EIO, "dump file %s: cannot be written; is there room?", path);
    return 0;
}
