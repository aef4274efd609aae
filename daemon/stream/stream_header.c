#include "daemon/stream/stream_header.h"

#include "daemon/acquisition/run_summary.h"

static json_t *shape_json(const struct scan_geometry *scan)
{
    if (scan->ny == 0)
        return json_null();
    return json_pack("[I, I]", (json_int_t)scan->ny, (json_int_t)scan->nx);
}

static json_t *position_json(const struct tapped_frame *frame)
{
    return frame->position < 0 ? json_null() : json_integer((json_int_t)frame->position);
}

/* One list per fact, which is shorter and quicker to make than an object per frame. */
static json_t *list_json(const struct tapped_frames *frames)
{
    json_t *const numbers = json_array(), *const positions = json_array();
    json_t *const images = json_array(), *const layers = json_array(), *const flags = json_array();
    for (size_t i = 0; i < frames->n; i++) {
        const struct tapped_frame *const frame = &frames->frames[i];
        json_array_append_new(numbers, json_integer((json_int_t)frame->frame_index + 1));
        json_array_append_new(positions, position_json(frame));
        json_array_append_new(images, json_integer(frame->image));
        json_array_append_new(layers, json_integer(frame->layer));
        json_array_append_new(flags, json_integer(frame->flags));
    }
    return json_pack("{s:o, s:o, s:o, s:o, s:o}", "number", numbers, "position", positions, "image",
                     images, "layer", layers, "flags", flags);
}

static json_t *part_json(const struct tapped_frames *frames, bool packed)
{
    const struct pixel_format *const format = &frames->run->format;
    return json_pack("{s:s, s:s, s:[I, I, I], s:[s, s, s], s:s, s:I, s:s}", "name", "data", "dtype",
                     pixel_format_dtype(format), "shape", (json_int_t)frames->n_images,
                     (json_int_t)format->height, (json_int_t)format->width, "dims", "frame", "y",
                     "x", "units", "counts", "nbytes", (json_int_t)frames->size, "encoding",
                     packed ? "blosc" : "raw");
}

static json_t *frames_json(const struct tapped_frames *frames, bool packed)
{
    const struct run *const run = frames->run;
    return json_pack("{s:s, s:s, s:o, s:I, s:I, s:o, s:[o]}", "message", "frames", "scan",
                     run->plan->id, "shape", shape_json(&run->scan), "passes",
                     (json_int_t)scan_geometry_passes(&run->scan), "layers",
                     (json_int_t)run->n_layers, "frames", list_json(frames), "parts",
                     part_json(frames, packed));
}

json_t *stream_header_json(const struct stream_item *item, bool packed)
{
    if (item->kind == STREAM_FRAMES)
        return frames_json(&item->frames, packed);
    const struct run *const run = item->frames.run;
    return json_pack("{s:s, s:s, s:o}", "message", item->kind == STREAM_START ? "start" : "end",
                     "scan", run->plan->id, "run", run_summary(run, -1));
}
