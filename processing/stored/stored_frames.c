#include "processing/stored/stored_frames.h"

#include "processing/run/stored_chunks.h"
#include "processing/stored/chunk_reader.h"

bool stored_frame_has_place(const struct run *run, unsigned layer, uint64_t exposure)
{
    return chunk_frame_analysed(run, layer, exposure) &&
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
