#include <stdlib.h>
#include <string.h>

#include "daemon/record/file_copy.h"
#include "daemon/record/file_read.h"
#include "daemon/record/hdf5_error.h"

/* Datasets without chunks are copied in blocks of about this size. */
#define BLOCK_BYTES ((size_t)16 << 20)

struct dataset_copy {
    hid_t from, to, type, space, properties;
    unsigned rank; /* 0: a scalar, or nothing at all */
    hsize_t extent[H5S_MAX_RANK], chunk[H5S_MAX_RANK];
    const struct file_copy_judge *judge;
    struct file_buffer buffer;
};

/* ---- chunks ---- */

/* The corner of the next chunk; false: there is none. */
static bool step(const struct dataset_copy *copy, hsize_t *corner)
{
    for (unsigned i = copy->rank; i-- > 0;) {
        corner[i] += copy->chunk[i];
        if (corner[i] < copy->extent[i])
            return true;
        corner[i] = 0;
    }
    return false;
}

/* Returns whether there is such a chunk. */
static int copy_chunk(struct dataset_copy *copy, const hsize_t *corner)
{
    uint32_t mask = 0;
    hsize_t bytes;
    struct file_buffer *const buffer = &copy->buffer;
    const struct file_copy_judge *const judge = copy->judge;
    const int r = file_chunk_read(copy->from, corner, buffer, &bytes, &mask);
    if (r < 0 && judge) {
        hdf5_error_forget();
        judge->keep(judge->data, copy->from, NULL, 0);
        return 1;
    }
    if (r < 0)
        return -1;
    if (bytes == 0)
        return 0;
    if (judge && !judge->keep(judge->data, copy->from, buffer->bytes, bytes))
        return 1;
    return H5Dwrite_chunk(copy->to, H5P_DEFAULT, mask, corner, bytes, buffer->bytes) < 0 ? -1 : 1;
}

static int copy_chunks(struct dataset_copy *copy)
{
    hsize_t corner[H5S_MAX_RANK] = {0}, there = 0, done = 0;
    if (file_chunk_count(copy->from, &there) < 0)
        return -1;
    while (done < there) {
        const int found = copy_chunk(copy, corner);
        if (found < 0)
            return -1;
        done += (hsize_t)found;
        if (!step(copy, corner))
            break;
    }
    return done == there || copy->judge ? 0 : -1;
}

/* ---- blocks ---- */

/* n rows of the first axis. */
static int copy_block(struct dataset_copy *copy, hsize_t first, hsize_t n, bool reclaim)
{
    hsize_t start[H5S_MAX_RANK] = {first}, count[H5S_MAX_RANK];
    memcpy(count, copy->extent, copy->rank * sizeof *count);
    count[0] = n;
    const hid_t memory = H5Screate_simple((int)copy->rank, count, NULL);
    int r = -1;
    if (memory >= 0 &&
        H5Sselect_hyperslab(copy->space, H5S_SELECT_SET, start, NULL, count, NULL) >= 0 &&
        H5Dread(copy->from, copy->type, memory, copy->space, H5P_DEFAULT, copy->buffer.bytes) >= 0)
        r = H5Dwrite(copy->to, copy->type, memory, copy->space, H5P_DEFAULT, copy->buffer.bytes) < 0
                ? -1
                : 0;
    if (reclaim && memory >= 0)
        H5Dvlen_reclaim(copy->type, memory, H5P_DEFAULT, copy->buffer.bytes);
    if (memory >= 0)
        H5Sclose(memory);
    return r;
}

static int copy_blocks(struct dataset_copy *copy, bool reclaim)
{
    size_t row = H5Tget_size(copy->type);
    for (unsigned i = 1; i < copy->rank; i++)
        row *= copy->extent[i];
    const hsize_t at_once = row < BLOCK_BYTES ? BLOCK_BYTES / (row ? row : 1) : 1;
    const hsize_t most = at_once < copy->extent[0] ? at_once : copy->extent[0];
    int r = file_buffer_reserve(&copy->buffer, most * row + 1);
    if (r == 0)
        memset(copy->buffer.bytes, 0, most * row + 1);
    for (hsize_t first = 0, n; r == 0 && row > 0 && first < copy->extent[0]; first += n) {
        n = copy->extent[0] - first < most ? copy->extent[0] - first : most;
        r = copy_block(copy, first, n, reclaim);
    }
    return r;
}

static int copy_scalar(struct dataset_copy *copy, bool reclaim)
{
    const size_t size = H5Tget_size(copy->type);
    if (file_buffer_reserve(&copy->buffer, size + 1) < 0)
        return -1;
    memset(copy->buffer.bytes, 0, size + 1);
    if (H5Dread(copy->from, copy->type, H5S_ALL, H5S_ALL, H5P_DEFAULT, copy->buffer.bytes) < 0)
        return -1;
    const herr_t r =
        H5Dwrite(copy->to, copy->type, H5S_ALL, H5S_ALL, H5P_DEFAULT, copy->buffer.bytes);
    if (reclaim)
        H5Dvlen_reclaim(copy->type, copy->space, H5P_DEFAULT, copy->buffer.bytes);
    return r < 0 ? -1 : 0;
}

/* ---- all ---- */

static int copy_values(struct dataset_copy *copy)
{
    const H5D_layout_t layout = H5Pget_layout(copy->properties);
    /* Text of variable length lies elsewhere in the file than its chunk. */
    const bool pointers = H5Tdetect_class(copy->type, H5T_VLEN) > 0 ||
                          H5Tis_variable_str(copy->type) > 0 ||
                          H5Tdetect_class(copy->type, H5T_COMPOUND) > 0;
    if (H5Tdetect_class(copy->type, H5T_REFERENCE) > 0 || layout == H5D_VIRTUAL ||
        H5Pget_external_count(copy->properties) > 0 ||
        H5Sget_simple_extent_type(copy->space) == H5S_NULL)
        return 0;
    if (copy->rank == 0)
        return copy_scalar(copy, pointers);
    if (layout != H5D_CHUNKED || pointers)
        return copy_blocks(copy, pointers);
    if (H5Pget_chunk(copy->properties, (int)copy->rank, copy->chunk) < 0)
        return -1;
    return copy_chunks(copy);
}

/* A type that is not bound to the file it comes from. */
static hid_t free_type(hid_t dataset)
{
    const hid_t type = H5Dget_type(dataset);
    const hid_t copy = type < 0 ? -1 : H5Tcopy(type);
    if (type >= 0)
        H5Tclose(type);
    return copy;
}

static int create_copy(struct dataset_copy *copy, const char *name, hid_t to)
{
    copy->type = free_type(copy->from);
    copy->space = H5Dget_space(copy->from);
    copy->properties = H5Dget_create_plist(copy->from);
    if (copy->type < 0 || copy->space < 0 || copy->properties < 0)
        return -1;
    const int rank = H5Sget_simple_extent_ndims(copy->space);
    if (rank < 0 || H5Sget_simple_extent_dims(copy->space, copy->extent, NULL) < 0)
        return -1;
    copy->rank = (unsigned)rank;
    copy->to =
        H5Dcreate2(to, name, copy->type, copy->space, H5P_DEFAULT, copy->properties, H5P_DEFAULT);
    return copy->to < 0 ? -1 : 0;
}

int file_copy_dataset(hid_t from, const char *name, hid_t to, const struct file_copy_judge *judge)
{
    struct dataset_copy copy = {
        .from = H5Dopen2(from, name, H5P_DEFAULT),
        .to = -1,
        .type = -1,
        .space = -1,
        .properties = -1,
        .judge = judge,
    };
    int r = copy.from < 0 ? -1 : create_copy(&copy, name, to);
    if (r == 0)
        r = file_copy_attributes_judged(copy.from, copy.to, judge);
    if (r == 0)
        r = copy_values(&copy);
    free(copy.buffer.bytes);
    if (copy.to >= 0)
        H5Dclose(copy.to);
    if (copy.properties >= 0)
        H5Pclose(copy.properties);
    if (copy.space >= 0)
        H5Sclose(copy.space);
    if (copy.type >= 0)
        H5Tclose(copy.type);
    if (copy.from >= 0)
        H5Dclose(copy.from);
    return r;
}
