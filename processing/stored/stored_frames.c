#include "processing/stored/stored_frames.h"

const struct frame_facts *stored_frame_measured(const struct run *run, unsigned layer,
                                                uint64_t exposure)
{
    const struct frame_facts *const facts =
        frame_table_look(run->frames, exposure * run->n_layers + layer);
    if (!facts || atomic_load_explicit(&facts->state, memory_order_acquire) != FRAME_ANALYSED)
        return NULL;
    return facts;
}

bool stored_frame_has_place(const struct run *run, unsigned layer, uint64_t exposure)
{
    const struct frame_facts *const facts = stored_frame_measured(run, layer, exposure);
    return facts &&
           !(atomic_load_explicit(&facts->flags, memory_order_relaxed) & FRAME_FLAG_LATE) &&
           scan_geometry_position(&run->scan, exposure) >= 0;
}

struct stored_frame stored_frame_find(const struct run *run, uint64_t exposure)
{
    uint32_t n_places;
    const int64_t place = scan_geometry_place(&run->scan, exposure);
    const uint64_t chunk = stored_chunks_number(run, place);
    return (struct stored_frame){
        .chunk = chunk,
        .image = (uint32_t)(place - stored_chunks_place(run, chunk, &n_places)),
    };
}

bool stored_chunk_is_whole(const struct run *run, unsigned layer, uint64_t number)
{
    struct stored_chunk where;
    uint32_t n_places, n = 0;
    if (!stored_chunks_find(run, layer, number, &where))
        return false;
    const int64_t first = stored_chunks_place(run, number, &n_places);
    for (uint32_t i = 0; i < n_places; i++) {
        const int64_t exposure = scan_geometry_frame_at_place(&run->scan, (uint64_t)first + i);
        n += exposure >= 0 && stored_frame_has_place(run, layer, (uint64_t)exposure);
    }
    return n <= where.frames;
}
