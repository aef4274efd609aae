#include "daemon/record/blosc_filter.h"

#include <blosc.h>

#define FILTER_REVISION 2
/* Meaning of the client data values, as every Blosc plug-in for HDF5 reads them. */
enum { CD_REVISION, CD_FORMAT, CD_TYPE_SIZE, CD_CHUNK_SIZE, CD_LEVEL, CD_SHUFFLE, CD_CODEC, N_CD };

/* Replaces *buffer, a Blosc buffer of n_bytes, by what it holds. 0: failed. Chunks come from a file
 * and are not to be trusted. */
static size_t decompress(unsigned flags, size_t n_values, const unsigned values[], size_t n_bytes,
                         size_t *buffer_size, void **buffer)
{
    size_t size = 0;
    if (!(flags & H5Z_FLAG_REVERSE))
        return 0;
    if (n_values <= CD_CHUNK_SIZE || blosc_cbuffer_validate(*buffer, n_bytes, &size) < 0)
        return 0;
    if (size == 0 || size != values[CD_CHUNK_SIZE])
        return 0;
    void *const pixels = H5allocate_memory(size, false);
    if (!pixels)
        return 0;
    const int got = blosc_decompress_ctx(*buffer, pixels, size, 1);
    if (got < 0 || (size_t)got != size) {
        H5free_memory(pixels);
        return 0;
    }
    H5free_memory(*buffer);
    *buffer = pixels;
    *buffer_size = size;
    return size;
}

herr_t blosc_filter_register(void)
{
    /* encoder_present must be 1: HDF5 refuses to create a dataset whose mandatory filter has no
     * encoder. */
    static const H5Z_class2_t class = {
        .version = H5Z_CLASS_T_VERS,
        .id = BLOSC_FILTER_ID,
        .encoder_present = 1,
        .decoder_present = 1,
        .name = "blosc",
        .filter = decompress,
    };
    return H5Zregister(&class);
}

static unsigned codec_code(enum recording_codec codec)
{
    switch (codec) {
    case RECORDING_CODEC_ZSTD:
        return BLOSC_ZSTD;
    case RECORDING_CODEC_BLOSCLZ:
        return BLOSC_BLOSCLZ;
    case RECORDING_CODEC_AUTO: /* at first; every chunk says what it is packed with */
        return BLOSC_ZSTD;
    case RECORDING_CODEC_LZ4:
    case RECORDING_CODEC_NONE:
        break;
    }
    return BLOSC_LZ4;
}

static unsigned shuffle_code(enum recording_shuffle shuffle)
{
    switch (shuffle) {
    case RECORDING_SHUFFLE_NONE:
        return BLOSC_NOSHUFFLE;
    case RECORDING_SHUFFLE_BYTE:
        return BLOSC_SHUFFLE;
    case RECORDING_SHUFFLE_BIT:
        break;
    }
    return BLOSC_BITSHUFFLE;
}

static unsigned level_of(const struct recording_settings *settings)
{
    switch (settings->codec) {
    case RECORDING_CODEC_NONE:
        return 0;
    case RECORDING_CODEC_AUTO:
        return 1;
    default:
        return (unsigned)settings->level;
    }
}

herr_t blosc_filter_add(hid_t properties, const struct recording_settings *settings,
                        size_t pixel_size, size_t chunk_size)
{
    const unsigned values[N_CD] = {
        [CD_REVISION] = FILTER_REVISION,          [CD_FORMAT] = BLOSC_VERSION_FORMAT,
        [CD_TYPE_SIZE] = (unsigned)pixel_size,    [CD_CHUNK_SIZE] = (unsigned)chunk_size,
        [CD_LEVEL] = level_of(settings),          [CD_SHUFFLE] = shuffle_code(settings->shuffle),
        [CD_CODEC] = codec_code(settings->codec),
    };
    return H5Pset_filter(properties, BLOSC_FILTER_ID, H5Z_FLAG_MANDATORY, N_CD, values);
}
