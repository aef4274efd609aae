#include "detector/sim/synthetic.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "detector/mpx.h"
#include "detector/sim/hdr_text.h"
#include "detector/sim/pattern_bank.h"
#include "detector/sim/specimen.h"
#include "detector/sim/truth.h"

#define BANK_BYTES ((uint64_t)256 << 20)
#define LAYERS_MAX 8

/* Making a bank again while a client waits for its reply may take so long. */
#define REMAKE_NS_MAX (10 * NS_PER_S)

struct synthetic {
    struct frame_source source; /* first: the source's functions get a pointer to it */
    const struct options *options;
    struct glass_map map;
    struct glass_pattern pattern;
    struct drawn_counts drawn;
    struct pattern_bank bank;
    uint64_t filling_ns; /* that making a pattern of this bank took */
    unsigned layers;
    size_t header_size;
    uint8_t headers[LAYERS_MAX][1024]; /* of each layer; the sender puts number and times in */
    struct mq1_layout layouts[LAYERS_MAX];
};

_Static_assert(sizeof((struct synthetic *)0)->headers[0] >= 256 + 128 * 4, "a quad's header fits");

static void synthetic_frame(const struct frame_source *source, uint64_t index,
                            struct source_frame *frame)
{
    const struct synthetic *synthetic = (const struct synthetic *)source;
    const struct pattern_bank *bank = &synthetic->bank;
    const unsigned layer = (unsigned)(index % synthetic->layers);
    const size_t size = bank->format.payload_size;
    uint64_t position;
    const bool scanned =
        scan_path_position(&synthetic->options->path, index / synthetic->layers, &position);
    const uint64_t pattern = scanned ? position % bank->count : bank->count;
    frame->header = synthetic->headers[layer];
    frame->header_size = source->header_size_max;
    frame->layout = &synthetic->layouts[layer];
    frame->pixels = bank->bytes + (pattern * synthetic->layers + layer) * size;
    frame->pixels_size = size;
}

static void synthetic_stretch(const struct frame_source *source, uint64_t index,
                              uint64_t exposure_ns, uint64_t *longer_ns, uint64_t *later_ns)
{
    const struct synthetic *synthetic = (const struct synthetic *)source;
    scan_path_stretch(&synthetic->options->path, index, exposure_ns, longer_ns, later_ns);
}

static void synthetic_destroy(struct frame_source *source)
{
    struct synthetic *synthetic = (struct synthetic *)source;
    pattern_bank_finish(&synthetic->bank);
    drawn_counts_finish(&synthetic->drawn);
    glass_pattern_finish(&synthetic->pattern);
    free(synthetic->source.hdr);
    free(synthetic);
}

/* All frames of the scan when they fit; else whole lines, so that the picture repeats without a
 * shift. */
static uint64_t bank_count(const struct options *options, size_t exposure_size)
{
    const uint64_t frames = (uint64_t)options->path.ny * options->path.nx;
    const uint64_t room = BANK_BYTES / exposure_size;
    if (options->bank)
        return options->bank < frames ? options->bank : frames;
    if (frames <= room)
        return frames;
    return room >= options->path.nx ? room - room % options->path.nx : room;
}

static struct mq1_facts facts_for(const struct synthetic *synthetic, unsigned layer)
{
    const struct wire_format *format = &synthetic->bank.format;
    const enum mq1_style style = synthetic->options->header_style;
    const bool mislabelled = style == MQ1_OLD && format->layout == WIRE_1X1;
    return (struct mq1_facts){.chips = format->chips,
                              .width = format->header_width,
                              .height = format->header_height,
                              .pixel_type = format->pixel_type,
                              .layout = mislabelled ? "2x2" : format->layout_name,
                              .counter_depth = format->depth,
                              .counter = pattern_bank_counter(&synthetic->bank, layer),
                              .colour = synthetic->layers > 1,
                              .style = style,
                              .thresholds_kev = {20, 511}};
}

static int describe(struct synthetic *synthetic)
{
    struct frame_source *source = &synthetic->source;
    const struct wire_format *format = &synthetic->bank.format;
    source->count = synthetic->bank.count;
    source->layers = synthetic->layers = pattern_bank_layers(&synthetic->bank);
    source->counter_depth = format->depth;
    source->raw = format->raw;
    source->image_width = format->image_width;
    source->image_height = format->image_height;
    source->header_size_max = mq1_header_size(format->chips);
    source->message_size_max = MPX_PREFIX_SIZE + source->header_size_max + format->payload_size;
    for (unsigned layer = 0; layer < synthetic->layers; layer++) {
        const struct mq1_facts facts = facts_for(synthetic, layer);
        mq1_header_write(synthetic->headers[layer], &facts, source->exposure_ns);
        mq1_layout_find(&synthetic->layouts[layer], synthetic->headers[layer],
                        source->header_size_max);
    }
    const struct mq1_facts facts = facts_for(synthetic, 0);
    char *hdr = hdr_text_create(&facts);
    if (!hdr)
        return -ENOMEM;
    free(source->hdr);
    source->hdr = hdr;
    return 0;
}

static int format_for(struct wire_format *format, const struct options *options,
                      const struct source_mode *mode, struct error *error)
{
    *format = (struct wire_format){.layout = options->layout,
                                   .raw = mode->raw,
                                   .one_bit = options->one_bit,
                                   .depth = mode->counter_depth,
                                   .rows = options->rows,
                                   .wrap = options->wrap,
                                   .gap = options->layout == WIRE_2X2G ? options->gap : 0,
                                   .colour = mode->colour};
    return wire_format_init(format, error);
}

/* Makes the bank for a mode, and then lets go of the one before. */
static int make_bank(struct synthetic *synthetic, const struct source_mode *mode,
                     struct error *error)
{
    struct pattern_bank bank = {.map = &synthetic->map,
                                .pattern = &synthetic->pattern,
                                .drawn = &synthetic->drawn,
                                .both_counters = mode->both_counters,
                                .flyback = options_have_flyback(synthetic->options)};
    int result = format_for(&bank.format, synthetic->options, mode, error);
    if (result)
        return result;
    bank.count =
        bank_count(synthetic->options, bank.format.payload_size * pattern_bank_layers(&bank));
    if (synthetic->filling_ns * bank.count > REMAKE_NS_MAX)
        return error_set(error, -EBUSY, "the bank is too large to be made again; give --bank");
    const uint64_t begun_ns = clock_monotonic_ns();
    result = pattern_bank_fill(&bank, error);
    if (result)
        return result;
    synthetic->filling_ns = (clock_monotonic_ns() - begun_ns) / bank.count;
    pattern_bank_finish(&synthetic->bank);
    synthetic->bank = bank;
    if (describe(synthetic) < 0)
        return error_set(error, -ENOMEM, "no memory for the acquisition header");
    if (synthetic->options->dump)
        return pattern_bank_dump(&bank, synthetic->options->dump, error);
    return 0;
}

static int synthetic_reformat(struct frame_source *source, const struct source_mode *mode,
                              struct error *error)
{
    return make_bank((struct synthetic *)source, mode, error);
}

static int prepare(struct synthetic *synthetic, const struct options *options, struct error *error)
{
    const struct source_mode mode = {.counter_depth = options->depth, .raw = options->raw};
    struct wire_format format;
    int result = format_for(&format, options, &mode, error);
    if (result)
        return result;
    synthetic->source.available = UINT64_MAX;
    synthetic->source.period_ns = synthetic->source.exposure_ns = NS_PER_MS;
    synthetic->source.scan_frames = scan_path_first_pass_frames(&options->path);
    synthetic->source.frame = synthetic_frame;
    synthetic->source.stretch = synthetic_stretch;
    synthetic->source.reformat = synthetic_reformat;
    synthetic->source.destroy = synthetic_destroy;
    result = specimen_init(&synthetic->map, &synthetic->pattern, &options->specimen, options->seed,
                           wire_format_sensor_side(&format), options->path.ny, options->path.nx);
    if (result)
        return error_set(error, result, "no memory for the synthetic specimen");
    drawn_counts_init(&synthetic->drawn, bank_count(options, 1), wire_format_sensor_side(&format));
    result = make_bank(synthetic, &mode, error);
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
    synthetic->options = options;
    const int result = prepare(synthetic, options, error);
    if (result) {
        synthetic_destroy(&synthetic->source);
        return result;
    }
    *source = &synthetic->source;
    return 0;
}
