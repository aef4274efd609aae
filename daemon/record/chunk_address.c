#include "daemon/record/chunk_address.h"

#include <string.h>
#include <unistd.h>

#include "daemon/record/hdf5_error.h"

/* Of a chunk, to know it by: a Blosc header and what follows. */
#define BYTES_LOOKED_AT 64

haddr_t chunk_address_end(hid_t file)
{
    haddr_t end = HADDR_UNDEF;
    if (H5Fget_eoa(file, &end) < 0)
        hdf5_error_forget();
    return end;
}

static bool is_at(int descriptor, const struct compressed_chunk *chunk, haddr_t address)
{
    uint8_t bytes[BYTES_LOOKED_AT];
    const size_t n = chunk->size < sizeof bytes ? chunk->size : sizeof bytes;
    return pread(descriptor, bytes, n, (off_t)address) == (ssize_t)n &&
           memcmp(bytes, chunk->bytes, n) == 0;
}

/* In the new part of the file, before or behind what the library needed for its index. */
static bool look_at_end(hid_t file, int descriptor, const struct compressed_chunk *chunk,
                        haddr_t end_before, struct stored_chunk *where)
{
    const haddr_t end = chunk_address_end(file);
    /* A chunk that was written before may have stayed where it was. */
    if (end_before == HADDR_UNDEF || end == HADDR_UNDEF || end < end_before + chunk->size)
        return false;
    const haddr_t candidates[] = {end - chunk->size, end_before};
    for (int i = 0; i < 2; i++) {
        if (!is_at(descriptor, chunk, candidates[i]))
            continue;
        *where = (struct stored_chunk){.offset = candidates[i], .size = chunk->size};
        return true;
    }
    return false;
}

bool chunk_address_find(hid_t file, int descriptor, const struct image_dataset *images,
                        uint64_t place, const struct compressed_chunk *chunk, haddr_t end_before,
                        struct stored_chunk *where)
{
    return look_at_end(file, descriptor, chunk, end_before, where) ||
           image_dataset_find(images, place, where);
}
