#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/record/file_reshape_moving.h"
#include "daemon/record/grown_dataset.h"
#include "daemon/record/nexus.h"

#define EXTRA_ROWS_HELD 1024

struct extra_made {
    struct image_store images;
    hid_t frame, reason, layer; /* layer: -1 when there is one */
    uint64_t written;
    unsigned n_held;
    uint64_t held_frame[EXTRA_ROWS_HELD];
    uint8_t held_reason[EXTRA_ROWS_HELD], held_layer[EXTRA_ROWS_HELD];
};

static bool is_extra_column(const char *name)
{
    return strcmp(name, "data") == 0 || strcmp(name, "frame") == 0 || strcmp(name, "reason") == 0 ||
           strcmp(name, "layer") == 0;
}

static hid_t create_column(hid_t group, const char *name, hid_t type, hid_t memory)
{
    static const uint64_t none = 0;
    return grown_dataset_create(group, name, type, memory, &none);
}

static int create_extra_members(struct extra_made *extra, const struct reshape *reshape,
                                hid_t group)
{
    const struct image_store *const old = &reshape->old.extra;
    const struct image_store *const like = old->id >= 0 ? old : &reshape->old.layers[0].images;
    if (image_store_create(&extra->images, group, like, NULL, 0, 1) < 0)
        return -1;
    extra->frame = create_column(group, "frame", H5T_STD_U64LE, H5T_NATIVE_UINT64);
    extra->reason = create_column(group, "reason", H5T_STD_U8LE, H5T_NATIVE_UINT8);
    if (reshape->old.n_layers > 1)
        extra->layer = create_column(group, "layer", H5T_STD_U8LE, H5T_NATIVE_UINT8);
    if (extra->frame < 0 || extra->reason < 0 || (reshape->old.n_layers > 1 && extra->layer < 0))
        return -1;
    return old->id >= 0 ? file_copy_attributes(old->id, extra->images.id, NULL) : 0;
}

static int create_extra(struct extra_made *extra, struct reshape *reshape)
{
    *extra = (struct extra_made){
        .images = {.id = -1, .type = -1}, .frame = -1, .reason = -1, .layer = -1};
    const hid_t old = reshape->old.extra.id >= 0
                          ? H5Gopen2(reshape->old.entry, "extra", H5P_DEFAULT)
                          : H5I_INVALID_HID;
    const hid_t group = nexus_group(reshape->entry, "extra", old < 0 ? "NXcollection" : NULL);
    int r = group < 0 ? -1 : create_extra_members(extra, reshape, group);
    if (r == 0 && old >= 0)
        r = file_copy_attributes(old, group, NULL);
    if (r == 0 && old >= 0)
        r = file_copy_members(&reshape->copier, old, group, is_extra_column);
    if (group >= 0)
        H5Gclose(group);
    if (old >= 0)
        H5Gclose(old);
    return r;
}

static int write_column(hid_t dataset, hid_t memory, const struct extra_made *extra,
                        const void *values)
{
    if (dataset < 0)
        return 0;
    if (grown_dataset_extend(dataset, extra->written + extra->n_held) < 0)
        return -1;
    return grown_dataset_write(dataset, memory, extra->written, extra->n_held, values) < 0 ? -1 : 0;
}

static int flush_extra(struct extra_made *extra)
{
    if (extra->n_held == 0)
        return 0;
    if (write_column(extra->frame, H5T_NATIVE_UINT64, extra, extra->held_frame) < 0 ||
        write_column(extra->reason, H5T_NATIVE_UINT8, extra, extra->held_reason) < 0 ||
        write_column(extra->layer, H5T_NATIVE_UINT8, extra, extra->held_layer) < 0)
        return -1;
    extra->written += extra->n_held;
    extra->n_held = 0;
    return 0;
}

static int finish_extra(struct extra_made *extra)
{
    const int r = extra->frame >= 0 && extra->reason >= 0 ? flush_extra(extra) : -1;
    const hid_t columns[] = {extra->frame, extra->reason, extra->layer};
    for (unsigned i = 0; i < 3; i++) {
        if (columns[i] >= 0)
            H5Dclose(columns[i]);
    }
    image_store_finish(&extra->images);
    return r;
}

static int put_extra(struct moving *moving, struct extra_made *extra, uint64_t row, uint8_t reason,
                     struct image_source source, struct error *error)
{
    if (!source.store) {
        moving->reshape->counts.lost++;
        return 0;
    }
    if (extra->n_held == EXTRA_ROWS_HELD && flush_extra(extra) < 0)
        return moving_failed(moving, error);
    const uint64_t at = extra->written + extra->n_held;
    moving->sources[0] = source;
    if (image_store_extend(&extra->images, at + 1) < 0)
        return moving_failed(moving, error);
    const int moved = moving_make_chunk(moving, &extra->images, at, 1);
    if (moved < 0 || (moved == 0 && image_store_extend(&extra->images, at) < 0))
        return moving_failed(moving, error);
    if (moved == 0)
        return 0;
    extra->held_frame[extra->n_held] = row;
    extra->held_reason[extra->n_held] = reason;
    extra->held_layer[extra->n_held] = (uint8_t)(row % moving->reshape->old.n_layers);
    extra->n_held++;
    moving->reshape->counts.extra++;
    return moving_go_on(moving, 1, error);
}

/* Frames that the new geometry leaves out. */
static int put_left_out(struct moving *moving, struct extra_made *extra, struct error *error)
{
    struct file_recording *const old = &moving->reshape->old;
    for (uint64_t row = 0; row < old->frames.rows; row++) {
        const struct file_frame frame = file_frames_look(&old->frames, row);
        const int64_t position = reshape_position(moving->reshape, row);
        if (frame.position == FILE_POSITION_NEVER_CAME || position >= 0)
            continue;
        moving->layer = (unsigned)(row % old->n_layers);
        const uint8_t reason =
            position == SCAN_POSITION_SURPLUS ? FRAME_FLAG_SURPLUS : FRAME_FLAG_SKIPPED;
        const struct image_source source = file_recording_source(old, moving->layer, row, &frame);
        const int r = put_extra(moving, extra, row, reason, source, error);
        if (r < 0)
            return r;
    }
    return 0;
}

/* Duplicates, and whatever else is in the old /entry/extra and is no frame of the table. */
static int put_others(struct moving *moving, struct extra_made *extra, struct error *error)
{
    struct file_recording *const old = &moving->reshape->old;
    for (uint64_t i = 0; i < old->n_extra; i++) {
        const struct file_extra *const one = &old->by_row[i];
        const unsigned layer = (unsigned)(one->row % old->n_layers);
        const struct file_frame frame = file_frames_look(&old->frames, one->row);
        const struct image_source known = file_recording_source(old, layer, one->row, &frame);
        const struct image_source source = {&old->extra, one->place};
        if (known.store == source.store && known.place == source.place)
            continue;
        const int r = put_extra(moving, extra, one->row, one->reason, source, error);
        if (r < 0)
            return r;
    }
    return 0;
}

int moving_extra(struct moving *moving, struct error *error)
{
    struct extra_made *const extra = malloc(sizeof *extra);
    if (!extra)
        return error_set(error, -ENOMEM, "no memory for /entry/extra");
    int r = create_extra(extra, moving->reshape) < 0 ? moving_failed(moving, error) : 0;
    if (r == 0)
        r = put_left_out(moving, extra, error);
    if (r == 0)
        r = put_others(moving, extra, error);
    if (finish_extra(extra) < 0 && r == 0)
        r = moving_failed(moving, error);
    free(extra);
    return r;
}
