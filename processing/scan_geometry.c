#include "processing/scan_geometry.h"

uint64_t scan_geometry_positions(const struct scan_geometry *geometry)
{
    return (uint64_t)geometry->ny * geometry->nx;
}

uint64_t scan_geometry_frames(const struct scan_geometry *geometry)
{
    if (geometry->ny == 0)
        return 0;
    return geometry->skip_start +
           (uint64_t)geometry->ny * ((uint64_t)geometry->nx + geometry->skip_line) +
           geometry->skip_end;
}

int64_t scan_geometry_position(const struct scan_geometry *geometry, uint64_t frame_index)
{
    if (frame_index < geometry->skip_start)
        return SCAN_POSITION_SKIPPED;
    const uint64_t time = frame_index - geometry->skip_start;
    if (geometry->ny == 0)
        return (int64_t)time;
    const uint64_t line_frames = (uint64_t)geometry->nx + geometry->skip_line;
    const uint64_t row = time / line_frames;
    const uint64_t column = time % line_frames;
    if (row >= geometry->ny)
        return time - geometry->ny * line_frames < geometry->skip_end ? SCAN_POSITION_SKIPPED
                                                                      : SCAN_POSITION_SURPLUS;
    if (column >= geometry->nx)
        return SCAN_POSITION_SKIPPED;
    return (int64_t)(row * geometry->nx + column);
}

uint64_t scan_geometry_frame_index(const struct scan_geometry *geometry, uint64_t position)
{
    if (geometry->ny == 0)
        return geometry->skip_start + position;
    const uint64_t row = position / geometry->nx;
    const uint64_t column = position % geometry->nx;
    return geometry->skip_start + row * ((uint64_t)geometry->nx + geometry->skip_line) + column;
}

uint64_t scan_geometry_positions_before(const struct scan_geometry *geometry, uint64_t frame_index)
{
    if (frame_index < geometry->skip_start)
        return 0;
    const uint64_t time = frame_index - geometry->skip_start;
    if (geometry->ny == 0)
        return time;
    const uint64_t line_frames = (uint64_t)geometry->nx + geometry->skip_line;
    const uint64_t row = time / line_frames;
    if (row >= geometry->ny)
        return scan_geometry_positions(geometry);
    const uint64_t column = time % line_frames;
    return row * geometry->nx + (column < geometry->nx ? column : geometry->nx);
}
