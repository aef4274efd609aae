#include "processing/stored/chunk_codec.h"

#include <blosc.h>
#include <errno.h>

#include "detector/bit_plane.h"
#include "processing/stored/bit_chunk.h"

/* As Blosc does: level 9 looks everywhere, level 1 at every ninth place. */
#define LEVEL_TO_ACCELERATION 10

static const char *codec_name(enum recording_codec codec)
{
    switch (codec) {
    case RECORDING_CODEC_ZSTD:
        return BLOSC_ZSTD_COMPNAME;
    case RECORDING_CODEC_BLOSCLZ:
        return BLOSC_BLOSCLZ_COMPNAME;
    case RECORDING_CODEC_LZ4:
    case RECORDING_CODEC_NONE:
    case RECORDING_CODEC_AUTO:
        break;
    }
    return BLOSC_LZ4_COMPNAME;
}

static const struct chunk_packing step_packing[CHUNK_CODEC_STEPS] = {
    {RECORDING_CODEC_ZSTD, 1}, {RECORDING_CODEC_LZ4, 1}, {RECORDING_CODEC_NONE, 0}};

const char *chunk_codec_step_name(unsigned step)
{
    static const char *const names[CHUNK_CODEC_STEPS] = {"zstd 1", "lz4 1", "none"};
    return names[step < CHUNK_CODEC_STEPS ? step : CHUNK_CODEC_STEPS - 1];
}

struct chunk_packing chunk_codec_packing(const struct run *run)
{
    const struct recording_settings *const settings = &run->plan->recording;
    if (settings->codec == RECORDING_CODEC_NONE)
        return (struct chunk_packing){RECORDING_CODEC_NONE, 0};
    if (settings->codec != RECORDING_CODEC_AUTO)
        return (struct chunk_packing){settings->codec, settings->level};
    if (chunk_codec_takes_planes(run))
        return step_packing[1];
    return step_packing[atomic_load_explicit(&run->pack_step, memory_order_relaxed)];
}

/* Planes of bits are packed so fast that there is nothing to step down from. */
bool chunk_codec_takes_planes(const struct run *run)
{
    const struct recording_settings *const settings = &run->plan->recording;
    const bool is_auto = settings->codec == RECORDING_CODEC_AUTO;
    return (is_auto || (settings->codec == RECORDING_CODEC_LZ4 && settings->level > 0)) &&
           settings->shuffle == RECORDING_SHUFFLE_BIT && bit_plane_applies(&run->format) &&
           bit_chunk_takes(bit_plane_size(&run->format));
}

size_t chunk_codec_frame_size(const struct run *run)
{
    return chunk_codec_takes_planes(run) ? bit_plane_size(&run->format) : run->format.image_size;
}

size_t chunk_codec_bound(const struct run *run, size_t n)
{
    return n * run->format.image_size + BLOSC_MAX_OVERHEAD;
}

static ptrdiff_t pack_planes(const struct run *run, const uint8_t *planes, size_t n, uint8_t *bytes,
                             size_t capacity)
{
    const size_t packed =
        bit_chunk_pack(planes, n, bit_plane_size(&run->format),
                       LEVEL_TO_ACCELERATION - chunk_codec_packing(run).level, bytes, capacity);
    return packed > 0 ? (ptrdiff_t)packed : -EIO;
}

ptrdiff_t chunk_codec_pack(const struct run *run, const uint8_t *frames, size_t n, uint8_t *bytes,
                           size_t capacity)
{
    if (chunk_codec_takes_planes(run))
        return pack_planes(run, frames, n, bytes, capacity);
    const struct recording_settings *const settings = &run->plan->recording;
    const struct chunk_packing packing = chunk_codec_packing(run);
    const int packed = blosc_compress_ctx(packing.level, (int)settings->shuffle,
                                          run->format.pixel_size, n * run->format.image_size,
                                          frames, bytes, capacity, codec_name(packing.codec), 0, 1);
    return packed > 0 ? packed : -EIO;
}

int chunk_codec_unpack(uint8_t *images, size_t size, const uint8_t *bytes, size_t n_bytes)
{
    size_t held;
    if (blosc_cbuffer_validate(bytes, n_bytes, &held) < 0 || held != size)
        return -EIO;
    return blosc_decompress_ctx(bytes, images, size, 1) == (int)size ? 0 : -EIO;
}
