#include "daemon/record/frame_datasets.h"

#include <stdlib.h>

#include "daemon/record/grown_dataset.h"
#include "daemon/record/nexus.h"

#define ROWS_AT_ONCE GROWN_DATASET_CHUNK
/* A frame that is this far behind the newest one will hardly come any more. */
#define SETTLED_AFTER 65536
#define POSITION_NEVER_CAME INT64_C(-3)
#define LAYER_NEVER_CAME 255
#define MESSAGE_NOT_RECORDED INT64_C(-1)

struct frame_rows {
    uint64_t number[ROWS_AT_ONCE];
    int64_t position[ROWS_AT_ONCE];
    uint64_t timestamp[ROWS_AT_ONCE];
    uint64_t exposure[ROWS_AT_ONCE];
    uint8_t status[ROWS_AT_ONCE];
    uint32_t crc32c[ROWS_AT_ONCE];
    uint16_t settings[ROWS_AT_ONCE];
    int64_t message[ROWS_AT_ONCE];
    uint8_t layer[ROWS_AT_ONCE];
};

static int create_layer(struct frame_datasets *frames, hid_t group)
{
    static const uint8_t never_came = LAYER_NEVER_CAME;
    frames->layer =
        grown_dataset_create(group, "layer", H5T_STD_U8LE, H5T_NATIVE_UINT8, &never_came);
    if (frames->layer < 0)
        return -1;
    return nexus_attribute(frames->layer, "description",
                           "layer of the exposure, from 0; 255 never came");
}

static int create_columns(struct frame_datasets *frames, hid_t group)
{
    static const uint64_t zero = 0;
    static const int64_t never_came = POSITION_NEVER_CAME;
    static const uint8_t missing = FRAME_FLAG_MISSING;
    const hid_t u64 = H5T_NATIVE_UINT64;
    frames->number = grown_dataset_create(group, "number", H5T_STD_U64LE, u64, &zero);
    frames->position =
        grown_dataset_create(group, "position", H5T_STD_I64LE, H5T_NATIVE_INT64, &never_came);
    frames->timestamp = grown_dataset_create(group, "timestamp_ns", H5T_STD_U64LE, u64, &zero);
    frames->exposure = grown_dataset_create(group, "exposure_ns", H5T_STD_U64LE, u64, &zero);
    frames->status =
        grown_dataset_create(group, "status", H5T_STD_U8LE, H5T_NATIVE_UINT8, &missing);
    if (frames->number < 0 || frames->position < 0 || frames->timestamp < 0 ||
        frames->exposure < 0 || frames->status < 0)
        return -1;
    if (nexus_attribute(frames->timestamp, "units", "ns") < 0 ||
        nexus_attribute(frames->exposure, "units", "ns") < 0 ||
        nexus_attribute(frames->position, "description",
                        "(repeat * ny + scan_y) * nx + scan_x; -1 skipped, -2 surplus, "
                        "-3 never came") < 0 ||
        nexus_attribute(frames->status, "description",
                        "bits: 1 missing, 2 duplicate came, 4 late, 8 stalled, 16 saturated, "
                        "32 deferred, 64 skipped, 128 surplus") < 0)
        return -1;
    return 0;
}

/* What ties a row to its message. */
static int create_message_columns(struct frame_datasets *frames, hid_t group)
{
    static const uint32_t zero = 0;
    static const int64_t none = MESSAGE_NOT_RECORDED;
    frames->crc32c = grown_dataset_create(group, "crc32c", H5T_STD_U32LE, H5T_NATIVE_UINT32, &zero);
    frames->settings =
        grown_dataset_create(group, "settings_version", H5T_STD_U16LE, H5T_NATIVE_UINT16, &zero);
    frames->message =
        grown_dataset_create(group, "message", H5T_STD_I64LE, H5T_NATIVE_INT64, &none);
    if (frames->crc32c < 0 || frames->settings < 0 || frames->message < 0)
        return -1;
    if (nexus_attribute(frames->crc32c, "description",
                        "CRC-32C of the pixels as received; 0 where none came") < 0 ||
        nexus_attribute(frames->settings, "description",
                        "version of the products that it was analysed with; 0 never came") < 0 ||
        nexus_attribute(frames->message, "description",
                        "row of its header in /entry/messages; -1 never came") < 0)
        return -1;
    return 0;
}

int frame_datasets_create(struct frame_datasets *frames, hid_t entry, const struct run *run)
{
    *frames = (struct frame_datasets){-1, -1, -1, -1, -1, -1, -1, -1, -1, 0, 0, NULL};
    frames->rows = malloc(sizeof *frames->rows);
    const hid_t group = nexus_group(entry, "frames", "NXcollection");
    if (group < 0 || !frames->rows)
        return -1;
    int r = create_columns(frames, group);
    if (r >= 0)
        r = create_message_columns(frames, group);
    if (r >= 0 && run->n_layers > 1)
        r = create_layer(frames, group);
    H5Gclose(group);
    return r;
}

/* Returns how many of the n rows are frames that came. */
static uint64_t gather(struct frame_rows *rows, const struct run *run, uint64_t first, uint64_t n)
{
    uint64_t came = 0;
    for (uint64_t i = 0; i < n; i++) {
        const struct frame_facts *const facts = frame_table_seen(run->frames, first + i);
        rows->number[i] = facts ? facts->number : 0;
        rows->position[i] = facts ? facts->position : POSITION_NEVER_CAME;
        rows->timestamp[i] = facts ? facts->timestamp_ns : 0;
        rows->exposure[i] = facts ? facts->exposure_ns : 0;
        rows->status[i] =
            facts ? atomic_load_explicit(&facts->flags, memory_order_relaxed) : FRAME_FLAG_MISSING;
        rows->crc32c[i] = facts ? facts->crc32c : 0;
        rows->settings[i] = facts ? facts->settings : 0;
        rows->message[i] = facts ? (int64_t)facts->message - 1 : MESSAGE_NOT_RECORDED;
        rows->layer[i] = facts ? (uint8_t)((first + i) % run->n_layers) : LAYER_NEVER_CAME;
        came += facts != NULL;
    }
    return came;
}

static int write_rows(const struct frame_datasets *frames, uint64_t first, uint64_t n)
{
    const struct frame_rows *const rows = frames->rows;
    const hid_t u64 = H5T_NATIVE_UINT64;
    if (grown_dataset_write(frames->number, u64, first, n, rows->number) < 0 ||
        grown_dataset_write(frames->position, H5T_NATIVE_INT64, first, n, rows->position) < 0 ||
        grown_dataset_write(frames->timestamp, u64, first, n, rows->timestamp) < 0 ||
        grown_dataset_write(frames->exposure, u64, first, n, rows->exposure) < 0 ||
        grown_dataset_write(frames->status, H5T_NATIVE_UINT8, first, n, rows->status) < 0 ||
        grown_dataset_write(frames->crc32c, H5T_NATIVE_UINT32, first, n, rows->crc32c) < 0 ||
        grown_dataset_write(frames->settings, H5T_NATIVE_UINT16, first, n, rows->settings) < 0 ||
        grown_dataset_write(frames->message, H5T_NATIVE_INT64, first, n, rows->message) < 0)
        return -1;
    if (frames->layer < 0)
        return 0;
    return grown_dataset_write(frames->layer, H5T_NATIVE_UINT8, first, n, rows->layer) < 0 ? -1 : 0;
}

static int extend(struct frame_datasets *frames, uint64_t length)
{
    const hid_t all[] = {frames->number,   frames->position, frames->timestamp,
                         frames->exposure, frames->status,   frames->crc32c,
                         frames->settings, frames->message,  frames->layer};
    if (length <= frames->length)
        return 0;
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        if (all[i] >= 0 && grown_dataset_extend(all[i], length) < 0)
            return -1;
    }
    frames->length = length;
    return 0;
}

/* Writes the rows [first, end). Stretches where no frame came are left out: the fill values say the
 * same, and a frame number that jumped far ahead must not cost gigabytes. */
static int write_range(struct frame_datasets *frames, const struct run *run, uint64_t first,
                       uint64_t end)
{
    for (uint64_t n; first < end; first += n) {
        n = ROWS_AT_ONCE - first % ROWS_AT_ONCE;
        if (n > end - first)
            n = end - first;
        if (gather(frames->rows, run, first, n) > 0 && write_rows(frames, first, n) < 0)
            return -1;
    }
    return 0;
}

static uint64_t rows_so_far(const struct run *run)
{
    return frame_table_end(run->frames) * run->n_layers;
}

static uint64_t first_unseen(const struct run *run, uint64_t from, uint64_t end)
{
    while (from < end && frame_table_seen(run->frames, from))
        from++;
    return from;
}

int frame_datasets_update(struct frame_datasets *frames, const struct run *run)
{
    const uint64_t end = rows_so_far(run);
    const uint64_t unseen = first_unseen(run, frames->settled, end);
    /* The newest chunk is still being worked on; what is missing before it may really be. */
    const uint64_t newest = (uint64_t)run->chunk_frames * run->n_layers;
    const uint64_t before_last = end > newest ? end - newest : 0;
    const uint64_t limit = unseen > before_last ? unseen : before_last;
    if (extend(frames, limit) < 0 || write_range(frames, run, frames->settled, limit) < 0)
        return -1;
    if (limit > unseen + SETTLED_AFTER)
        frames->settled = limit - SETTLED_AFTER;
    else if (unseen > frames->settled)
        frames->settled = unseen;
    return 0;
}

/* One more than the last frame index that has a place in a scan of known length, 0: unknown. */
static uint64_t last_place(const struct run *run)
{
    const struct scan_geometry *const scan = &run->scan;
    const uint64_t visits =
        scan->ny > 0 ? scan_geometry_visits(scan) : run->expected / run->n_layers;
    if (visits == 0)
        return 0;
    int64_t last = scan_geometry_frame_at_place(scan, visits - 1);
    /* A line that went backwards ended at its first place. */
    if (scan->order == SCAN_ORDER_SERPENTINE && scan->ny > 0) {
        const int64_t other = scan_geometry_frame_at_place(scan, visits - scan->nx);
        last = other > last ? other : last;
    }
    return (uint64_t)(last + 1);
}

/* Rows of a complete run: up to the last frame that came, or that has a place and did not come. */
static uint64_t complete_length(const struct run *run)
{
    const uint64_t end = rows_so_far(run), places = last_place(run) * run->n_layers;
    return places > end ? places : end;
}

int frame_datasets_complete(struct frame_datasets *frames, const struct run *run)
{
    if (extend(frames, complete_length(run)) < 0)
        return -1;
    return write_range(frames, run, 0, rows_so_far(run));
}

void frame_datasets_finish(struct frame_datasets *frames)
{
    free(frames->rows);
    frames->rows = NULL;
}
