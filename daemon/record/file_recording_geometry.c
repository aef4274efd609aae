#include <errno.h>

#include "daemon/record/file_geometry.h"
#include "daemon/record/file_recording.h"

/* The shape that the dataset has says nothing of frames that were left out. */
static void shape_of_data(const struct file_recording *recording, struct scan_geometry *geometry)
{
    const struct image_store *const images = &recording->layers[0].images;
    *geometry = (struct scan_geometry){.repeats = (uint32_t)images->passes};
    if (images->rank == 3 || images->ny == 0 || images->nx == 0)
        return;
    geometry->ny = (uint32_t)images->ny;
    geometry->nx = (uint32_t)images->nx;
}

/* First and last frame that has a position. */
struct placed_frames {
    uint64_t first, last;
    int64_t first_position, last_position;
    bool any;
};

static void find_placed(struct file_recording *recording, struct placed_frames *placed)
{
    const uint64_t places = image_store_places(&recording->layers[0].images);
    *placed = (struct placed_frames){0};
    for (uint64_t row = 0; row < recording->frames.rows; row++) {
        const struct file_frame frame = file_frames_look(&recording->frames, row);
        if (frame.position < 0 || (uint64_t)frame.position >= places)
            continue;
        if (!placed->any) {
            placed->first = row / recording->n_layers;
            placed->first_position = frame.position;
        }
        placed->any = true;
        placed->last = row / recording->n_layers;
        placed->last_position = frame.position;
    }
}

/* frame = start + line * (nx + skip_line) + column, at both ends of the scan. */
static void find_skips(struct scan_geometry *geometry, const struct placed_frames *placed)
{
    const int64_t nx = geometry->nx ? geometry->nx : INT64_MAX;
    const int64_t lines = placed->last_position / nx - placed->first_position / nx;
    const int64_t columns = placed->last_position % nx - placed->first_position % nx;
    const int64_t frames = (int64_t)(placed->last - placed->first) - columns;
    if (lines > 0 && frames % lines == 0 && frames / lines >= nx &&
        frames / lines - nx <= UINT32_MAX)
        geometry->skip_line = (uint32_t)(frames / lines - nx);
    int64_t before;
    if (__builtin_mul_overflow(placed->first_position / nx, nx + geometry->skip_line, &before))
        return;
    const int64_t start = (int64_t)placed->first - before - placed->first_position % nx;
    if (start >= 0)
        geometry->skip_start = (uint64_t)start;
    else
        geometry->shift = start;
}

static int infer_geometry(struct file_recording *recording, struct error *error)
{
    struct placed_frames placed;
    shape_of_data(recording, &recording->storage);
    find_placed(recording, &placed);
    if (placed.any)
        find_skips(&recording->storage, &placed);
    if (file_geometry_sane(&recording->storage))
        return 0;
    return error_set(error, -EBADMSG, "%.300s: /entry/frames/position makes no sense",
                     recording->path);
}

static bool fits_data(const struct scan_geometry *geometry, const struct image_store *images)
{
    if (geometry->ny == 0)
        return images->rank == 3;
    if (scan_geometry_is_stack(geometry))
        return images->rank == 3 && images->nx == scan_geometry_visits(geometry);
    return images->rank == (scan_geometry_passes(geometry) > 1 ? 5 : 4) &&
           images->ny == geometry->ny && images->nx == geometry->nx &&
           images->passes == scan_geometry_passes(geometry);
}

int file_recording_read_geometry(struct file_recording *recording, struct error *error)
{
    recording->history = file_history_read(recording->file);
    if (!recording->history)
        return infer_geometry(recording, error);
    const json_t *const entry =
        json_array_get(recording->history, file_history_stored(recording->history));
    const int r = file_geometry_read(&recording->storage, recording->file, entry, error);
    if (r < 0) {
        error_prefix(error, "%.200s", recording->path);
        return r;
    }
    if (fits_data(&recording->storage, &recording->layers[0].images))
        return 0;
    return error_set(error, -EBADMSG,
                     "%.300s: /entry/geometry/history does not tell the shape of /entry/data",
                     recording->path);
}
