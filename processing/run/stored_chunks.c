#include "processing/run/stored_chunks.h"

#include "processing/tables/column_table.h"

/* Places of a line: chunks do not reach over its end. 0: a stack that has no end. */
static uint64_t line_places(const struct scan_geometry *scan)
{
    return scan->ny == 0 ? 0 : scan->order == SCAN_ORDER_LIST ? scan->list->n : scan->nx;
}

static uint64_t chunks_of_line(const struct run *run)
{
    return (line_places(&run->scan) + run->chunk_frames - 1) / run->chunk_frames;
}

uint64_t stored_chunks_count(const struct run *run)
{
    const uint64_t line = line_places(&run->scan);
    if (line > 0)
        return scan_geometry_visits(&run->scan) / line * chunks_of_line(run);
    const uint64_t end = frame_table_end(run->frames);
    const uint64_t places = end > run->scan.skip_start ? end - run->scan.skip_start : 0;
    return (places + run->chunk_frames - 1) / run->chunk_frames;
}

int64_t stored_chunks_place(const struct run *run, uint64_t number, uint32_t *n)
{
    const uint64_t line = line_places(&run->scan), k = run->chunk_frames;
    *n = run->chunk_frames;
    if (line == 0)
        return (int64_t)(number * k);
    const uint64_t first = number % chunks_of_line(run) * k;
    if (first + k > line)
        *n = (uint32_t)(line - first);
    return (int64_t)(number / chunks_of_line(run) * line + first);
}

uint64_t stored_chunks_number(const struct run *run, int64_t first_place)
{
    const uint64_t place = (uint64_t)first_place;
    const uint64_t line = line_places(&run->scan), k = run->chunk_frames;
    if (line == 0)
        return place / k;
    return place / line * chunks_of_line(run) + place % line / k;
}

void stored_chunks_note(struct run *run, unsigned layer, int64_t first_place,
                        struct stored_chunk where)
{
    const uint64_t number = stored_chunks_number(run, first_place);
    struct stored_chunk before;
    if (stored_chunks_find(run, layer, number, &before))
        where.frames += before.frames;
    const uint64_t columns[] = {where.offset, where.size, where.frames};
    (void)column_table_put(run->stored, number * run->n_layers + layer, columns);
}

bool stored_chunks_find(const struct run *run, unsigned layer, uint64_t number,
                        struct stored_chunk *where)
{
    uint64_t columns[3];
    if (!column_table_get(run->stored, number * run->n_layers + layer, columns))
        return false;
    *where = (struct stored_chunk){columns[0], columns[1], columns[2]};
    return true;
}

void stored_late_note(struct run *run, unsigned layer, uint64_t exposure, struct stored_chunk where)
{
    const uint64_t columns[] = {where.offset, where.size};
    (void)column_table_put(run->stored_late, exposure * run->n_layers + layer, columns);
}

bool stored_late_find(const struct run *run, unsigned layer, uint64_t exposure,
                      struct stored_chunk *where)
{
    uint64_t columns[2];
    if (!column_table_get(run->stored_late, exposure * run->n_layers + layer, columns))
        return false;
    *where = (struct stored_chunk){columns[0], columns[1], 1};
    return true;
}
