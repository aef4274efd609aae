#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "daemon/record/file_geometry.h"
#include "daemon/record/file_reshape.h"

/* ---- what is asked for ---- */

/* The geometry of a place in the history, with a reference of its list. */
static int take_entry(struct reshape *reshape, size_t index, struct error *error)
{
    const json_t *const entry = json_array_get(reshape->old.history, index);
    const char *const name = json_string_value(json_object_get(entry, "positions"));
    const int r = file_geometry_read(&reshape->geometry, reshape->old.file, entry, error);
    if (r == 0 && reshape->geometry.list)
        reshape->list_name = name ? name : "positions";
    return r;
}

static int take_base(struct reshape *reshape, struct error *error)
{
    const json_t *const history = reshape->old.history;
    if (history)
        return take_entry(reshape,
                          reshape->options->last ? file_history_last(history)
                                                 : file_history_stored(history),
                          error);
    if (reshape->options->last)
        return error_set(error, -EINVAL,
                         "%.250s was recorded by a merlind that kept no history of geometries: "
                         "--last cannot help, give --shift",
                         reshape->old.path);
    reshape->geometry = reshape->old.storage;
    return 0;
}

static int take_list(struct reshape *reshape, struct error *error)
{
    const struct reshape_options *const options = reshape->options;
    struct scan_geometry *const geometry = &reshape->geometry;
    struct scan_list *list = NULL;
    const int r =
        file_list_from_npy(&list, options->positions, options->asked.ny, options->asked.nx, error);
    if (r < 0)
        return r;
    file_geometry_finish(geometry);
    geometry->order = SCAN_ORDER_LIST;
    geometry->list = list;
    geometry->ny = list->ny;
    geometry->nx = list->nx;
    reshape->list_name = NULL;
    return 0;
}

static int take_shape(struct reshape *reshape, struct error *error)
{
    const struct reshape_options *const options = reshape->options;
    struct scan_geometry *const geometry = &reshape->geometry;
    if (options->positions)
        return take_list(reshape, error);
    if (options->has_order) {
        file_geometry_finish(geometry);
        geometry->order = options->asked.order;
    }
    if (options->has_scan && geometry->order == SCAN_ORDER_LIST)
        return error_set(error, -EINVAL,
                         "the file has a list of positions: --scan needs --order raster or "
                         "serpentine, or another list with --positions");
    if (options->has_scan) {
        geometry->ny = options->asked.ny;
        geometry->nx = options->asked.nx;
    }
    if (geometry->ny == 0 && (options->has_order || options->has_line || options->has_repeats))
        return error_set(error, -EINVAL,
                         "the file is a stack of frames without a shape: give --scan too");
    return 0;
}

static void take_numbers(struct scan_geometry *geometry, const struct reshape_options *options)
{
    if (options->has_start)
        geometry->skip_start = options->asked.skip_start;
    if (options->has_line)
        geometry->skip_line = options->asked.skip_line;
    if (options->has_end)
        geometry->skip_end = options->asked.skip_end;
    if (options->has_shift)
        geometry->shift = options->asked.shift;
    if (options->has_repeats)
        geometry->repeats = options->asked.repeats;
    geometry->repeats = scan_geometry_passes(geometry);
}

/* ---- does it fit? ---- */

/* Frames up to the last one with a position, had the scan not been shifted. */
static uint64_t frames_needed(const struct scan_geometry *geometry)
{
    const uint64_t skip_line =
        geometry->order == SCAN_ORDER_LIST ? 0 : (uint64_t)geometry->skip_line;
    return scan_geometry_frames(geometry) - geometry->skip_end - skip_line;
}

static bool fits(const struct scan_geometry *like, uint64_t ny, uint64_t nx, uint64_t frames)
{
    struct scan_geometry geometry = *like;
    if (ny == 0 || nx == 0 || ny > UINT32_MAX || nx > UINT32_MAX)
        return false;
    geometry.ny = (uint32_t)ny;
    geometry.nx = (uint32_t)nx;
    return file_geometry_sane(&geometry) && frames_needed(&geometry) <= frames;
}

/* The largest number of lines or columns with which a scan still fits, the other one being `with`;
 * 0: none. */
static uint64_t largest(const struct scan_geometry *like, uint64_t with, bool lines,
                        uint64_t frames)
{
    uint64_t low = 0, high = frames < UINT32_MAX ? frames : UINT32_MAX;
    while (low < high) {
        const uint64_t middle = low + (high - low + 1) / 2;
        if (fits(like, lines ? middle : with, lines ? with : middle, frames))
            low = middle;
        else
            high = middle - 1;
    }
    return low;
}

/* The squarest shape that leaves the fewest frames over. */
static uint64_t squarest(const struct scan_geometry *like, uint64_t frames, uint64_t *nx)
{
    const uint64_t root = (uint64_t)sqrt((double)frames / scan_geometry_passes(like));
    uint64_t best_ny = 0, best_nx = 0;
    for (uint64_t ny = root; ny > 0 && ny + 1000 > root; ny--) {
        const uint64_t columns = largest(like, ny, false, frames);
        if (columns * ny > best_nx * best_ny) {
            best_ny = ny;
            best_nx = columns;
        }
    }
    *nx = best_nx;
    return best_ny;
}

/* "8x32, 16x16": shapes that would fit with these skips. */
static void suggest_shapes(char *text, size_t size, const struct scan_geometry *like,
                           uint64_t frames)
{
    uint64_t nx = 0;
    const uint64_t ny = squarest(like, frames, &nx);
    const uint64_t shapes[][2] = {
        {largest(like, like->nx, true, frames), like->nx},
        {like->ny, largest(like, like->ny, false, frames)},
        {ny, nx},
    };
    size_t used = 0;
    text[0] = '\0';
    for (size_t i = 0; i < 3; i++) {
        bool known = shapes[i][0] == 0 || shapes[i][1] == 0;
        for (size_t j = 0; j < i; j++)
            known |= shapes[i][0] == shapes[j][0] && shapes[i][1] == shapes[j][1];
        if (!known && used < size)
            used += (size_t)snprintf(text + used, size - used, "%s%" PRIu64 "x%" PRIu64,
                                     used ? ", " : "", shapes[i][0], shapes[i][1]);
    }
    if (used == 0)
        snprintf(text, size, "none");
}

static int refuse(const struct reshape *reshape, uint64_t frames, struct error *error)
{
    const struct scan_geometry *const geometry = &reshape->geometry;
    char words[160], shapes[120];
    file_geometry_describe(words, sizeof words, geometry);
    if (geometry->order == SCAN_ORDER_LIST)
        snprintf(shapes, sizeof shapes, "lists of up to %" PRIu64 " positions",
                 frames > geometry->skip_start ? frames - geometry->skip_start : 0);
    else
        suggest_shapes(shapes, sizeof shapes, geometry, frames);
    return error_set(error, -EINVAL,
                     "%s needs %" PRIu64 " frames, and the run has %" PRIu64 " (%" PRIu64
                     " of them came); what fits: %s; with --allow-missing the positions at the end "
                     "stay empty",
                     words, frames_needed(geometry), frames,
                     reshape->n_came / reshape->old.n_layers, shapes);
}

static int check_fit(const struct reshape *reshape, struct error *error)
{
    const struct reshape_options *const options = reshape->options;
    const uint64_t frames = file_recording_frames(&reshape->old);
    /* A nudge, or another order, leaves as many places as there were. */
    const bool other_size = options->has_scan || options->has_start || options->has_line ||
                            options->has_end || options->has_repeats || options->positions;
    if (!other_size || options->allow_missing || reshape->geometry.ny == 0 ||
        frames_needed(&reshape->geometry) <= frames)
        return 0;
    return refuse(reshape, frames, error);
}

/* Of a stack without shape: as far as frames came. */
static uint64_t count_places(const struct reshape *reshape)
{
    const struct scan_geometry *const geometry = &reshape->geometry;
    if (geometry->ny > 0)
        return scan_geometry_visits(geometry);
    const int64_t last =
        reshape->came_end > 0 ? scan_geometry_position(geometry, reshape->came_end - 1) : -1;
    return last < 0 ? 0 : (uint64_t)last + 1;
}

int reshape_choose_geometry(struct reshape *reshape, struct error *error)
{
    int r = take_base(reshape, error);
    if (r == 0)
        r = take_shape(reshape, error);
    if (r < 0)
        return r;
    take_numbers(&reshape->geometry, reshape->options);
    if (!file_geometry_sane(&reshape->geometry))
        return error_set(error, -EINVAL, "that would be more positions than any scan has");
    reshape->length = count_places(reshape);
    return check_fit(reshape, error);
}

int64_t reshape_position(const struct reshape *reshape, uint64_t row)
{
    return scan_geometry_position(&reshape->geometry, row / reshape->old.n_layers);
}
