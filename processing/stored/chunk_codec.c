#include "processing/stored/chunk_codec.h"

#include <blosc.h>
#include <errno.h>

static const char *codec_name(enum recording_codec codec)
{
    switch (codec) {
    case RECORDING_CODEC_ZSTD:
        return BLOSC_ZSTD_COMPNAME;
    case RECORDING_CODEC_BLOSCLZ:
        return BLOSC_BLOSCLZ_COMPNAME;
    case RECORDING_CODEC_LZ4:
        break;
    }
    return BLOSC_LZ4_COMPNAME;
}

size_t chunk_codec_bound(size_t size)
{
    return size + BLOSC_MAX_OVERHEAD;
}

ptrdiff_t chunk_codec_pack(const struct run *run, const uint8_t *images, size_t size,
                           uint8_t *bytes, size_t capacity)
{
    const struct recording_settings *const settings = &run->plan->recording;
    const int packed =
        blosc_compress_ctx(settings->level, (int)settings->shuffle, run->format.pixel_size, size,
                           images, bytes, capacity, codec_name(settings->codec), 0, 1);
    return packed > 0 ? packed : -EIO;
}

int chunk_codec_unpack(uint8_t *images, size_t size, const uint8_t *bytes, size_t n_bytes)
{
    size_t held;
    if (blosc_cbuffer_validate(bytes, n_bytes, &held) < 0 || held != size)
        return -EIO;
    return blosc_decompress_ctx(bytes, images, size, 1) == (int)size ? 0 : -EIO;
}
