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

/* One thread's room to make patterns in. */
struct canvas {
    uint32_t *sensor, *image;
};

static int canvas_init(struct canvas *canvas, const struct pattern_bank *bank)
{
    const size_t side = bank->pattern->side;
    canvas->sensor = malloc(side * side * sizeof *canvas->sensor);
    canvas->image =
        malloc(sizeof *canvas->image * bank->format.image_width * bank->format.image_height);
    if (canvas->sensor && canvas->image)
        return 0;
    free(canvas->sensor);
    free(canvas->image);
    return -ENOMEM;
}

static void canvas_finish(struct canvas *canvas)
{
    free(canvas->sensor);
    free(canvas->image);
}

static void draw_sensor(const struct pattern_bank *bank, uint64_t index, struct canvas *canvas)
{
    const size_t side = bank->pattern->side;
    struct glass_position position;
    glass_map_position(bank->map, index, &position);
    memset(canvas->sensor, 0, side * side * sizeof *canvas->sensor);
    glass_pattern_draw(bank->pattern, &position, index, canvas->sensor);
}

/* The second counter has the higher threshold: half the counts. */
static void draw_layer(const struct pattern_bank *bank, unsigned layer, struct canvas *canvas)
{
    const bool second =
        bank->both_counters && pattern_bank_counter(bank, layer) >= (bank->format.colour ? 4 : 1);
    wire_format_assemble(&bank->format, canvas->sensor, layer, canvas->image);
    const size_t pixels = (size_t)bank->format.image_width * bank->format.image_height;
    for (size_t i = 0; second && i < pixels; i++)
        canvas->image[i] /= 2;
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
    while ((index = filling->next++) < bank->count) {
        draw_sensor(bank, index, &canvas);
        for (unsigned layer = 0; layer < layers; layer++) {
            draw_layer(bank, layer, &canvas);
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
        bank->count * pattern_bank_layers(bank) * (uint64_t)bank->format.payload_size;
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
        draw_sensor(bank, index, &canvas);
        for (unsigned layer = 0; layer < pattern_bank_layers(bank); layer++) {
            draw_layer(bank, layer, &canvas);
            write_image(file, &bank->format, canvas.image);
        }
    }
    canvas_finish(&canvas);
    const bool written = !ferror(file);
    if (fclose(file) != 0 || !written)
        return error_set(error, -EIO, "dump file %s: cannot be written; is there room?", path);
    return 0;
}
