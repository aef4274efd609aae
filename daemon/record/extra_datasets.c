#include "daemon/record/extra_datasets.h"

#include "daemon/record/grown_dataset.h"
#include "daemon/record/nexus.h"

int extra_datasets_create(struct extra_datasets *extra, hid_t entry, const struct run *run)
{
    static const uint64_t no_frame = 0;
    static const uint8_t none = 0;
    extra->written = 0;
    extra->n_held = 0;
    extra->n_layers = run->n_layers;
    extra->layer = -1;
    const hid_t group = nexus_group(entry, "extra", "NXcollection");
    if (group < 0)
        return -1;
    int r = image_dataset_create_extra(&extra->images, group, run);
    extra->frame =
        grown_dataset_create(group, "frame", H5T_STD_U64LE, H5T_NATIVE_UINT64, &no_frame);
    extra->reason = grown_dataset_create(group, "reason", H5T_STD_U8LE, H5T_NATIVE_UINT8, &none);
    if (run->n_layers > 1)
        extra->layer = grown_dataset_create(group, "layer", H5T_STD_U8LE, H5T_NATIVE_UINT8, &none);
    if (extra->frame < 0 || extra->reason < 0 || (run->n_layers > 1 && extra->layer < 0))
        r = -1;
    H5Gclose(group);
    return r;
}

int extra_datasets_update(struct extra_datasets *extra)
{
    const uint64_t first = extra->written;
    const uint64_t n = extra->n_held;
    if (n == 0)
        return 0;
    if (grown_dataset_extend(extra->frame, first + n) < 0 ||
        grown_dataset_extend(extra->reason, first + n) < 0 ||
        grown_dataset_write(extra->frame, H5T_NATIVE_UINT64, first, n, extra->held_frame) < 0 ||
        grown_dataset_write(extra->reason, H5T_NATIVE_UINT8, first, n, extra->held_reason) < 0)
        return -1;
    if (extra->layer >= 0 &&
        (grown_dataset_extend(extra->layer, first + n) < 0 ||
         grown_dataset_write(extra->layer, H5T_NATIVE_UINT8, first, n, extra->held_layer) < 0))
        return -1;
    extra->written += n;
    extra->n_held = 0;
    return 0;
}

int extra_datasets_write(struct extra_datasets *extra, const struct compressed_chunk *chunk)
{
    if (extra->n_held == EXTRA_ROWS_HELD && extra_datasets_update(extra) < 0)
        return -1;
    const uint64_t row = extra_datasets_rows(extra);
    if (image_dataset_write(&extra->images, chunk, row, row + 1) < 0)
        return -1;
    extra->held_frame[extra->n_held] = chunk->frame_index * extra->n_layers + chunk->layer;
    extra->held_layer[extra->n_held] = (uint8_t)chunk->layer;
    extra->held_reason[extra->n_held] = chunk->flags;
    extra->n_held++;
    return 0;
}
