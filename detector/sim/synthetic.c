#include "detector/sim/synthetic.h"

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "common/bytes.h"
#include "common/clock.h"
#include "common/cpu.h"
#include "detector/mpx.h"
#include "detector/sim/glass_pattern.h"
#include "detector/sim/hdr_text.h"
#include "detector/sim/truth.h"

#define BANK_BYTES ((uint64_t)256 << 20)
#define HUGE_PAGE ((size_t)2 << 20)

struct synthetic {
    struct frame_source source; /* first: the source's functions get a pointer to it */
    struct glass_map map;
    struct glass_pattern pattern;
    uint8_t header[MQ1_HEADER_MAX]; /* one for all frames; the sender puts number and times in */
    struct mq1_layout layout;
    uint32_t pixel_size; /* bytes */
    size_t image_size;
    uint8_t *bank;
    size_t bank_size; /* bytes mapped */
};

static void synthetic_frame(const struct frame_source *source, uint64_t index,
                            struct source_frame *frame)
{
    const struct synthetic *synthetic = (const struct synthetic *)source;
    frame->header = synthetic->header;
    frame->header_size = source->header_size_max;
    frame->layout = &synthetic->layout;
    frame->pixels = synthetic->bank + index % source->count * synthetic->image_size;
    frame->pixels_size = synthetic->image_size;
}

static void synthetic_destroy(struct frame_source *source)
{
    struct synthetic *synthetic = (struct synthetic *)source;
    if (synthetic->bank)
        munmap(synthetic->bank, synthetic->bank_size);
    glass_pattern_finish(&synthetic->pattern);
    free(synthetic->source.hdr);
    free(synthetic);
}

static uint32_t pixel_size_for(uint32_t depth)
{
    return depth <= 6 ? 1 : depth == 12 ? 2 : 4;
}

/* Counts to processed pixels: clipped to the counter's full scale, big endian. */
static void pack_pixels(uint8_t *pixels, const uint32_t *counts, size_t count, uint32_t depth)
{
    const uint32_t full_scale = (UINT32_C(1) << depth) - 1;
    for (size_t i = 0; i < count; i++) {
        const uint32_t value = counts[i] < full_scale ? counts[i] : full_scale;
        if (depth <= 6)
            pixels[i] = (uint8_t)value;
        else if (depth == 12)
            store_be16(pixels + 2 * i, (uint16_t)value);
        else
            store_be32(pixels + 4 * i, value);
    }
}

/* Threads that fill the bank share only the index of the next pattern to make. */
struct bank_filling {
    struct synthetic *synthetic;
    _Atomic uint64_t next;
    _Atomic bool failed;
};

static void *fill_bank(void *data)
{
    struct bank_filling *filling = data;
    struct synthetic *synthetic = filling->synthetic;
    const size_t pixels = (size_t)synthetic->pattern.side * synthetic->pattern.side;
    uint32_t *counts = malloc(pixels * sizeof *counts);
    if (!counts) {
        filling->failed = true;
        return NULL;
    }
    uint64_t index;
    while ((index = filling->next++) < synthetic->source.count) {
        struct glass_position position;
        glass_map_position(&synthetic->map, index, &position);
        memset(counts, 0, pixels * sizeof *counts);
        glass_pattern_draw(&synthetic->pattern, &position, index, counts);
        pack_pixels(synthetic->bank + index * synthetic->image_size, counts, pixels,
                    synthetic->source.counter_depth);
    }
    free(counts);
    return NULL;
}

#define FILLING_THREADS_MAX 16

static int fill_bank_in_threads(struct synthetic *synthetic)
{
    struct bank_filling filling = {.synthetic = synthetic};
    pthread_t threads[FILLING_THREADS_MAX];
    const unsigned cpus = cpu_count_available();
    unsigned started = 0;
    while (started + 1 < cpus && started < FILLING_THREADS_MAX &&
           pthread_create(&threads[started], NULL, fill_bank, &filling) == 0)
        started++;
    fill_bank(&filling);
    while (started > 0)
        pthread_join(threads[--started], NULL);
    return filling.failed ? -ENOMEM : 0;
}

static int map_bank(struct synthetic *synthetic, struct error *error)
{
    const uint64_t bytes = synthetic->source.count * synthetic->image_size;
    const size_t size = (bytes + HUGE_PAGE - 1) / HUGE_PAGE * HUGE_PAGE;
    void *bank = mmap(NULL, size, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (bank == MAP_FAILED)
        return error_set(error, -errno,
                         "no memory for a bank of %" PRIu64 " patterns (%" PRIu64
                         " MiB); give a smaller --bank",
                         synthetic->source.count, bytes >> 20);
    madvise(bank, size, MADV_HUGEPAGE);
    synthetic->bank = bank;
    synthetic->bank_size = size;
    return 0;
}

/* All frames of the scan when they fit; else whole lines, so that the picture repeats without a
 * shift. */
static uint64_t bank_count(const struct options *options, size_t image_size)
{
    const uint64_t frames = (uint64_t)options->scan_ny * options->scan_nx;
    const uint64_t room = BANK_BYTES / image_size;
    if (options->bank)
        return options->bank < frames ? options->bank : frames;
    if (frames <= room)
        return frames;
    return room >= options->scan_nx ? room - room % options->scan_nx : room;
}

static struct mq1_facts facts_for(const struct options *options, uint32_t side)
{
    static const char *const types[] = {"", "U08", "U16", "", "U32"};
    return (struct mq1_facts){.chips = options->chips,
                              .width = side,
                              .height = side,
                              .pixel_type = types[pixel_size_for(options->depth)],
                              .layout = options->chips == 4 ? "2x2" : "1x1",
                              .counter_depth = options->depth,
                              .thresholds_kev = {20, 511}};
}

static void describe(struct synthetic *synthetic, const struct options *options, uint32_t side)
{
    struct frame_source *source = &synthetic->source;
    synthetic->pixel_size = pixel_size_for(options->depth);
    synthetic->image_size = (size_t)side * side * synthetic->pixel_size;
    source->count = bank_count(options, synthetic->image_size);
    source->available = UINT64_MAX;
    source->period_ns = source->exposure_ns = NS_PER_MS;
    source->counter_depth = options->depth;
    source->image_width = source->image_height = side;
    source->header_size_max = mq1_header_size(options->chips);
    source->message_size_max = MPX_PREFIX_SIZE + source->header_size_max + synthetic->image_size;
    source->frame = synthetic_frame;
    source->destroy = synthetic_destroy;
}

static int prepare(struct synthetic *synthetic, const struct options *options, struct error *error)
{
    const uint32_t side = options->chips == 4 ? 512 : 256;
    describe(synthetic, options, side);
    const struct mq1_facts facts = facts_for(options, side);
    mq1_header_write(synthetic->header, &facts, synthetic->source.exposure_ns);
    mq1_layout_find(&synthetic->layout, synthetic->header, synthetic->source.header_size_max);
    synthetic->source.hdr = hdr_text_create(&facts);

    int result = synthetic->source.hdr ? 0 : -ENOMEM;
    if (!result)
        result = glass_map_init(&synthetic->map, options->seed, options->scan_ny, options->scan_nx,
                                options->br_fraction, GLASS_RING_RADIUS);
    if (!result)
        result = glass_pattern_init(&synthetic->pattern, side, options->seed, options->counts,
                                    options->br_contrast);
    if (result)
        return error_set(error, result, "no memory for the synthetic specimen");
    result = map_bank(synthetic, error);
    if (!result && fill_bank_in_threads(synthetic) < 0)
        result = error_set(error, -ENOMEM, "no memory to make patterns");
    if (!result && options->truth)
        result = truth_write(options->truth, &synthetic->map, &synthetic->pattern, options,
                             synthetic->source.count, error);
    return result;
}

int synthetic_create(struct frame_source **source, const struct options *options,
                     struct error *error)
{
    struct synthetic *synthetic = calloc(1, sizeof *synthetic);
    if (!synthetic)
        return error_set(error, -ENOMEM, "no memory");
    const int result = prepare(synthetic, options, error);
    if (result) {
        synthetic_destroy(&synthetic->source);
        return result;
    }
    *source = &synthetic->source;
    return 0;
}
