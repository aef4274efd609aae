#include "processing/products/variance_sums.h"

#include <string.h>

/* Then follow, at the layout's offsets: rings [n_blocks][n_bins], patterns [n_blocks][n_pixels],
 * pairs [n_pixels] (twice for pixels of 4 bytes: sums of lower halves, then of upper halves),
 * tile, tile of pairs. */
struct accumulator {
    _Alignas(64) uint64_t block_frames[VARIANCE_MAX_BLOCKS];
    uint64_t n_in_tile, n_in_pairs_tile;
    uint32_t tile_block;
};

static size_t to_next_line(size_t size)
{
    return (size + 63) & ~(size_t)63;
}

/* Returns the offset of `size` more bytes. */
static size_t take(struct variance_layout *layout, size_t size)
{
    const size_t offset = layout->size;
    layout->size += to_next_line(size);
    return offset;
}

void variance_layout_init(struct variance_layout *layout, const struct radial_bins *bins,
                          uint32_t pixel_size, uint32_t n_blocks, uint32_t block_length,
                          enum cpu_isa isa)
{
    const size_t n_pixels = (size_t)bins->height * bins->width;
    *layout = (struct variance_layout){
        .kernels = kernels_for(isa, pixel_size),
        .square_kernels = square_kernels_for(isa, pixel_size),
        .widen_pairs = kernels_for(isa, 2)->widen, /* whose tiles have 32 bits */
        .pixel_size = pixel_size,
        .n_bins = bins->n_bins,
        .n_blocks = n_blocks,
        .block_length = block_length,
        .n_pixels = n_pixels,
        .tile_size = pixel_size < 4 ? to_next_line(n_pixels * 2 * pixel_size) : 0,
        .pairs_tile_size = pixel_size == 1 ? to_next_line(n_pixels * 4) : 0,
    };
    const size_t pattern = n_pixels * sizeof(uint64_t);
    take(layout, sizeof(struct accumulator));
    layout->rings = take(layout, (size_t)n_blocks * bins->n_bins * sizeof(struct ring_moments));
    layout->patterns = take(layout, n_blocks * pattern);
    layout->pairs = take(layout, pixel_size == 4 ? 2 * pattern : pattern);
    layout->tile = take(layout, layout->tile_size);
    layout->pairs_tile = take(layout, layout->pairs_tile_size);
}

/* ---- the parts of an accumulator ---- */

static void *at(void *accumulator, size_t offset)
{
    return (uint8_t *)accumulator + offset;
}

static const void *const_at(const void *accumulator, size_t offset)
{
    return (const uint8_t *)accumulator + offset;
}

static struct ring_moments *rings_of(const struct variance_layout *layout, void *accumulator,
                                     uint32_t block)
{
    return (struct ring_moments *)at(accumulator, layout->rings) + (size_t)block * layout->n_bins;
}

static uint64_t *pattern_of(const struct variance_layout *layout, void *accumulator, uint32_t block)
{
    return (uint64_t *)at(accumulator, layout->patterns) + block * layout->n_pixels;
}

static uint64_t *pairs_of(const struct variance_layout *layout, void *accumulator)
{
    return at(accumulator, layout->pairs);
}

static size_t n_pairs(const struct variance_layout *layout)
{
    return layout->pixel_size == 4 ? 2 * layout->n_pixels : layout->n_pixels;
}

const uint64_t *variance_block_frames(const void *accumulator)
{
    const struct accumulator *const sums = accumulator;
    return sums->block_frames;
}

const struct ring_moments *variance_block_rings(const struct variance_layout *layout,
                                                const void *accumulator, uint32_t block)
{
    return (const struct ring_moments *)const_at(accumulator, layout->rings) +
           (size_t)block * layout->n_bins;
}

uint64_t variance_frames(const struct variance_layout *layout, const void *accumulator)
{
    const struct accumulator *const sums = accumulator;
    uint64_t frames = 0;
    for (uint32_t block = 0; block < layout->n_blocks; block++)
        frames += sums->block_frames[block];
    return frames;
}

void variance_add_block_counts(const struct variance_layout *layout, const void *accumulator,
                               uint32_t block, uint64_t *counts)
{
    const struct accumulator *const sums = accumulator;
    const uint64_t *const pattern =
        (const uint64_t *)const_at(accumulator, layout->patterns) + block * layout->n_pixels;
    if (!sums->block_frames[block])
        return;
    for (size_t i = 0; i < layout->n_pixels; i++)
        counts[i] += pattern[i];
    if (sums->n_in_tile && sums->tile_block == block)
        layout->kernels->widen(counts, const_at(accumulator, layout->tile), layout->n_pixels);
}

wide_count variance_pairs(const struct variance_layout *layout, const void *accumulator,
                          size_t pixel)
{
    const uint64_t *const pairs = const_at(accumulator, layout->pairs);
    wide_count sum = pairs[pixel];
    if (layout->pixel_size == 4)
        sum += (wide_count)pairs[layout->n_pixels + pixel] << 32;
    if (layout->pairs_tile_size)
        sum += ((const uint32_t *)const_at(accumulator, layout->pairs_tile))[pixel];
    return sum;
}

/* ---- adding a frame ---- */

static void empty_tile(const struct variance_layout *layout, struct accumulator *sums)
{
    void *const tile = at(sums, layout->tile);
    if (!sums->n_in_tile)
        return;
    layout->kernels->widen(pattern_of(layout, sums, sums->tile_block), tile, layout->n_pixels);
    memset(tile, 0, layout->tile_size);
    sums->n_in_tile = 0;
}

static void empty_pairs_tile(const struct variance_layout *layout, struct accumulator *sums)
{
    void *const tile = at(sums, layout->pairs_tile);
    layout->widen_pairs(pairs_of(layout, sums), tile, layout->n_pixels);
    memset(tile, 0, layout->pairs_tile_size);
    sums->n_in_pairs_tile = 0;
}

/* Frames of full scale that a tile of sums takes: 257 or 65537. */
static uint64_t tile_frames(const struct variance_layout *layout)
{
    return (UINT64_C(1) << 8 * layout->pixel_size) + 1;
}

/* Frames of 255 * 254 that fit 32 bits. */
#define PAIRS_TILE_FRAMES (UINT32_MAX / (255 * 254))

static void add_frame(const struct variance_layout *layout, void *sums, void *pairs,
                      struct frame *frame)
{
    const struct frame_events *const events = frame_events(frame);
    if (events)
        events_add_pairs(events, layout->pixel_size, sums, pairs, layout->n_pixels);
    else
        layout->square_kernels->accumulate(sums, pairs, frame_image(frame), layout->n_pixels);
}

static void add_pixels(const struct variance_layout *layout, struct accumulator *sums,
                       uint32_t block, struct frame *frame)
{
    if (!layout->tile_size) {
        add_frame(layout, pattern_of(layout, sums, block), pairs_of(layout, sums), frame);
        return;
    }
    if (sums->tile_block != block || sums->n_in_tile == tile_frames(layout))
        empty_tile(layout, sums);
    if (sums->n_in_pairs_tile == PAIRS_TILE_FRAMES)
        empty_pairs_tile(layout, sums);
    void *const pairs =
        layout->pairs_tile_size ? at(sums, layout->pairs_tile) : (void *)pairs_of(layout, sums);
    add_frame(layout, at(sums, layout->tile), pairs, frame);
    sums->tile_block = block;
    sums->n_in_tile++;
    sums->n_in_pairs_tile += layout->pairs_tile_size > 0;
}

void variance_sums_add(const struct variance_layout *layout, void *accumulator, uint64_t exposure,
                       struct frame *frame, const uint64_t *counts, const uint64_t *squares)
{
    struct accumulator *const sums = accumulator;
    const uint32_t block = (uint32_t)(exposure / layout->block_length % layout->n_blocks);
    struct ring_moments *const rings = rings_of(layout, accumulator, block);
    for (uint32_t bin = 0; bin < layout->n_bins; bin++) {
        rings[bin].counts += counts[bin];
        rings[bin].squares += squares[bin];
        rings[bin].products += (wide_count)counts[bin] * counts[bin];
    }
    add_pixels(layout, sums, block, frame);
    sums->block_frames[block]++;
}

/* ---- merging ---- */

static void merge_rings(const struct variance_layout *layout, void *into, const void *from)
{
    struct ring_moments *const sums = rings_of(layout, into, 0);
    const struct ring_moments *const more = variance_block_rings(layout, from, 0);
    for (size_t i = 0; i < (size_t)layout->n_blocks * layout->n_bins; i++) {
        sums[i].counts += more[i].counts;
        sums[i].squares += more[i].squares;
        sums[i].products += more[i].products;
    }
}

static void merge_patterns(const struct variance_layout *layout, struct accumulator *into,
                           const struct accumulator *from)
{
    for (uint32_t block = 0; block < layout->n_blocks; block++)
        variance_add_block_counts(layout, from, block, pattern_of(layout, into, block));
}

static void merge_pairs(const struct variance_layout *layout, struct accumulator *into,
                        const struct accumulator *from)
{
    uint64_t *const sums = pairs_of(layout, into);
    const uint64_t *const more = const_at(from, layout->pairs);
    for (size_t i = 0; i < n_pairs(layout); i++)
        sums[i] += more[i];
    if (from->n_in_pairs_tile)
        layout->widen_pairs(sums, const_at(from, layout->pairs_tile), layout->n_pixels);
}

void variance_sums_merge(const struct variance_layout *layout, void *into, const void *from)
{
    struct accumulator *const sums = into;
    const struct accumulator *const share = from;
    merge_rings(layout, into, from);
    merge_patterns(layout, sums, share);
    merge_pairs(layout, sums, share);
    for (uint32_t block = 0; block < layout->n_blocks; block++)
        sums->block_frames[block] += share->block_frames[block];
}
