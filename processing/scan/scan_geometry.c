#include "processing/scan/scan_geometry.h"

bool scan_geometry_is_stack(const struct scan_geometry *geometry)
{
    return geometry->ny == 0 || geometry->order == SCAN_ORDER_LIST;
}

static bool is_unending(const struct scan_geometry *geometry)
{
    return geometry->repeats == SCAN_REPEATS_UNENDING;
}

uint32_t scan_geometry_passes(const struct scan_geometry *geometry)
{
    return geometry->repeats == 0 || is_unending(geometry) ? 1 : geometry->repeats;
}

static uint64_t map_size(const struct scan_geometry *geometry)
{
    return (uint64_t)geometry->ny * geometry->nx;
}

static uint64_t visits_of_pass(const struct scan_geometry *geometry)
{
    return geometry->order == SCAN_ORDER_LIST ? geometry->list->n : map_size(geometry);
}

/* A list is one long line. */
static uint64_t visits_of_line(const struct scan_geometry *geometry)
{
    return geometry->order == SCAN_ORDER_LIST ? geometry->list->n : geometry->nx;
}

static uint64_t frames_of_line(const struct scan_geometry *geometry)
{
    return geometry->order == SCAN_ORDER_LIST ? geometry->list->n
                                              : (uint64_t)geometry->nx + geometry->skip_line;
}

static uint64_t lines_of_pass(const struct scan_geometry *geometry)
{
    return geometry->order == SCAN_ORDER_LIST ? 1 : geometry->ny;
}

uint64_t scan_geometry_pass_frames(const struct scan_geometry *geometry)
{
    if (geometry->ny == 0)
        return 0;
    return lines_of_pass(geometry) * frames_of_line(geometry) + geometry->skip_end;
}

uint64_t scan_geometry_positions(const struct scan_geometry *geometry)
{
    return scan_geometry_passes(geometry) * map_size(geometry);
}

uint64_t scan_geometry_visits(const struct scan_geometry *geometry)
{
    if (geometry->ny == 0 || is_unending(geometry))
        return 0;
    return scan_geometry_passes(geometry) * visits_of_pass(geometry);
}

uint64_t scan_geometry_frames(const struct scan_geometry *geometry)
{
    if (geometry->ny == 0 || is_unending(geometry))
        return 0;
    return geometry->skip_start +
           scan_geometry_passes(geometry) * scan_geometry_pass_frames(geometry);
}

/* Frames before the first line. */
static int64_t lead(const struct scan_geometry *geometry)
{
    return (int64_t)geometry->skip_start + geometry->shift;
}

/* Where a frame stands in the order of a scan. */
struct moment {
    uint64_t pass, line; /* line of the pass */
    uint64_t column;     /* in time order; at or beyond the line's length: flyback */
};

/* SCAN_POSITION_SURPLUS or 0. */
static int64_t find_moment(const struct scan_geometry *geometry, uint64_t time,
                           struct moment *moment)
{
    const uint64_t pass_frames = scan_geometry_pass_frames(geometry);
    *moment = (struct moment){.pass = time / pass_frames};
    if (!is_unending(geometry) && moment->pass >= scan_geometry_passes(geometry))
        return SCAN_POSITION_SURPLUS;
    const uint64_t in_pass = time % pass_frames;
    moment->line = in_pass / frames_of_line(geometry);
    moment->column = in_pass % frames_of_line(geometry);
    if (moment->line >= lines_of_pass(geometry)) /* after the last line */
        moment->column = visits_of_line(geometry);
    return 0;
}

static bool goes_backwards(const struct scan_geometry *geometry, uint64_t line)
{
    return geometry->order == SCAN_ORDER_SERPENTINE && line % 2 == 1;
}

static uint64_t position_in_pass(const struct scan_geometry *geometry, const struct moment *moment)
{
    if (geometry->order == SCAN_ORDER_LIST)
        return geometry->list->positions[moment->column];
    const uint64_t column =
        goes_backwards(geometry, moment->line) ? geometry->nx - 1 - moment->column : moment->column;
    return moment->line * geometry->nx + column;
}

/* The pass as it counts for positions: an unending scan has only one. */
static uint64_t visible_pass(const struct scan_geometry *geometry, uint64_t pass)
{
    return is_unending(geometry) ? 0 : pass;
}

int64_t scan_geometry_position(const struct scan_geometry *geometry, uint64_t frame_index)
{
    if ((int64_t)frame_index < lead(geometry))
        return SCAN_POSITION_SKIPPED;
    const uint64_t time = (uint64_t)((int64_t)frame_index - lead(geometry));
    if (geometry->ny == 0)
        return (int64_t)time;
    struct moment moment;
    if (find_moment(geometry, time, &moment) < 0)
        return SCAN_POSITION_SURPLUS;
    if (moment.column >= visits_of_line(geometry))
        return SCAN_POSITION_SKIPPED;
    return (int64_t)(visible_pass(geometry, moment.pass) * map_size(geometry) +
                     position_in_pass(geometry, &moment));
}

/* Frame of a moment, -1 when it was before the first one. */
static int64_t frame_at(const struct scan_geometry *geometry, const struct moment *moment)
{
    const uint64_t time = moment->pass * scan_geometry_pass_frames(geometry) +
                          moment->line * frames_of_line(geometry) + moment->column;
    const int64_t frame = lead(geometry) + (int64_t)time;
    return frame < 0 ? -1 : frame;
}

int64_t scan_geometry_frame_index(const struct scan_geometry *geometry, uint64_t position)
{
    if (geometry->ny == 0) {
        const int64_t frame = lead(geometry) + (int64_t)position;
        return frame < 0 ? -1 : frame;
    }
    const uint64_t in_pass = position % map_size(geometry);
    struct moment moment = {.pass = position / map_size(geometry)};
    if (geometry->order == SCAN_ORDER_LIST) {
        if (geometry->list->ordinals[in_pass] < 0)
            return -1;
        moment.column = (uint64_t)geometry->list->ordinals[in_pass];
    } else {
        moment.line = in_pass / geometry->nx;
        moment.column = in_pass % geometry->nx;
        if (goes_backwards(geometry, moment.line))
            moment.column = geometry->nx - 1 - moment.column;
    }
    return frame_at(geometry, &moment);
}

int64_t scan_geometry_place(const struct scan_geometry *geometry, uint64_t frame_index)
{
    if (geometry->order != SCAN_ORDER_LIST || geometry->ny == 0)
        return scan_geometry_position(geometry, frame_index);
    struct moment moment;
    find_moment(geometry, (uint64_t)((int64_t)frame_index - lead(geometry)), &moment);
    return (int64_t)(visible_pass(geometry, moment.pass) * geometry->list->n + moment.column);
}

int64_t scan_geometry_frame_at_place(const struct scan_geometry *geometry, uint64_t place)
{
    if (geometry->order != SCAN_ORDER_LIST || geometry->ny == 0)
        return scan_geometry_frame_index(geometry, place);
    const struct moment moment = {
        .pass = place / geometry->list->n,
        .column = place % geometry->list->n,
    };
    return frame_at(geometry, &moment);
}

uint64_t scan_geometry_positions_before(const struct scan_geometry *geometry, uint64_t frame_index)
{
    if ((int64_t)frame_index < lead(geometry))
        return 0;
    const uint64_t time = (uint64_t)((int64_t)frame_index - lead(geometry));
    if (geometry->ny == 0)
        return time;
    struct moment moment;
    if (find_moment(geometry, time, &moment) < 0)
        return scan_geometry_visits(geometry);
    const uint64_t of_line = visits_of_line(geometry);
    const uint64_t column = moment.column < of_line ? moment.column : of_line;
    const uint64_t lines =
        moment.line < lines_of_pass(geometry) ? moment.line : lines_of_pass(geometry) - 1;
    return moment.pass * visits_of_pass(geometry) + lines * of_line + column;
}

bool scan_geometry_begins_pass(const struct scan_geometry *geometry, uint64_t frame_index)
{
    const int64_t time = (int64_t)frame_index - lead(geometry);
    return geometry->ny > 0 && time >= 0 &&
           (uint64_t)time % scan_geometry_pass_frames(geometry) == 0;
}

void scan_geometry_chunk(const struct scan_geometry *geometry, uint32_t chunk_frames,
                         uint64_t frame_index, struct scan_chunk *chunk)
{
    const uint64_t time = (uint64_t)((int64_t)frame_index - lead(geometry));
    const uint64_t k = chunk_frames;
    if (geometry->ny == 0) {
        *chunk = (struct scan_chunk){
            .order = time / k,
            .first_place = (int64_t)(time / k * k),
            .n = chunk_frames,
        };
        return;
    }
    struct moment moment;
    find_moment(geometry, time, &moment);
    const uint64_t line = moment.pass * lines_of_pass(geometry) + moment.line;
    const uint64_t of_line = visits_of_line(geometry);
    const uint64_t chunks_of_line = (of_line + k - 1) / k;
    const bool backwards = goes_backwards(geometry, moment.line);
    const uint64_t column = backwards ? of_line - 1 - moment.column : moment.column;
    const uint64_t which = column / k;
    const uint64_t first = which * k;
    const uint64_t visible_line =
        visible_pass(geometry, moment.pass) * lines_of_pass(geometry) + moment.line;
    *chunk = (struct scan_chunk){
        .order = line * chunks_of_line + (backwards ? chunks_of_line - 1 - which : which),
        .first_place = (int64_t)(visible_line * of_line + first),
        .n = (uint32_t)(first + k < of_line ? k : of_line - first),
    };
}

bool scan_geometry_equal(const struct scan_geometry *a, const struct scan_geometry *b)
{
    return a->order == b->order && a->ny == b->ny && a->nx == b->nx &&
           (a->repeats == b->repeats || scan_geometry_passes(a) == scan_geometry_passes(b)) &&
           is_unending(a) == is_unending(b) && lead(a) == lead(b) && a->skip_line == b->skip_line &&
           a->skip_end == b->skip_end && a->list == b->list;
}

const char *scan_order_name(enum scan_order order)
{
    static const char *const names[] = {
        [SCAN_ORDER_RASTER] = "raster",
        [SCAN_ORDER_SERPENTINE] = "serpentine",
        [SCAN_ORDER_LIST] = "list",
    };
    return names[order];
}
