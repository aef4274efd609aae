#include "daemon/stream/stream2.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "daemon/stream/cbor_text.h"
#include "processing/stored/bslz4.h"

/* RFC 8746: an array of several dimensions in C order; little-endian unsigned integers. DECTRIS: a
 * packed byte string. */
enum {
    TAG_ARRAY = 40,
    TAG_UINT8 = 64,
    TAG_UINT16_LE = 69,
    TAG_UINT32_LE = 70,
    TAG_PACKED = 56500,
};

#define MEDIPIX_PIXEL_M 55e-6

/* ---- what all messages have ---- */

/* Of the same run the same, and of later ones higher, also after a restart: ms of UNIX time. */
static uint64_t series_number(const struct run *run)
{
    return run->started_ns / NS_PER_MS;
}

#define SERIES_PAIRS 2
static void put_series(struct cbor_text *text, const struct run *run)
{
    cbor_put_string(text, "series_id");
    cbor_put_uint(text, series_number(run));
    cbor_put_string(text, "series_unique_id");
    cbor_put_string(text, run->plan->id);
}

static void put_type(struct cbor_text *text, const char *type)
{
    cbor_put_string(text, "type");
    cbor_put_string(text, type);
}

static void put_channel(struct cbor_text *text, unsigned layer)
{
    char name[] = "threshold_1";
    name[sizeof name - 2] = (char)('1' + layer);
    cbor_put_string(text, name);
}

static int message_of_text(const struct cbor_text *text, zmq_msg_t *message)
{
    if (text->overflow || zmq_msg_init_size(message, text->size) != 0)
        return -ENOMEM;
    memcpy(zmq_msg_data(message), text->bytes, text->size);
    return 0;
}

/* ---- start and end ---- */

static void put_named_uint(struct cbor_text *text, const char *name, uint64_t value)
{
    cbor_put_string(text, name);
    cbor_put_uint(text, value);
}

static void put_named_double(struct cbor_text *text, const char *name, double value)
{
    cbor_put_string(text, name);
    cbor_put_double(text, value);
}

static void put_named_bool(struct cbor_text *text, const char *name, bool value)
{
    cbor_put_string(text, name);
    cbor_put_bool(text, value);
}

static void put_channels(struct cbor_text *text, const struct run *run)
{
    cbor_put_string(text, "channels");
    cbor_put_array(text, run->n_layers);
    for (unsigned layer = 0; layer < run->n_layers; layer++)
        put_channel(text, layer);
}

#define IMAGES_PAIRS 7
static void put_images(struct cbor_text *text, const struct run *run)
{
    const struct pixel_format *const format = &run->format;
    put_channels(text, run);
    put_named_uint(text, "image_size_x", format->width);
    put_named_uint(text, "image_size_y", format->height);
    put_named_uint(text, "number_of_images", run->frames_to_come);
    put_named_uint(text, "saturation_value", pixel_format_full_scale(format));
    put_named_double(text, "pixel_size_x", MEDIPIX_PIXEL_M * (run->colour ? 2 : 1));
    put_named_double(text, "pixel_size_y", MEDIPIX_PIXEL_M * (run->colour ? 2 : 1));
}

/* The images are as they were counted. */
#define CORRECTIONS_PAIRS 4
static void put_corrections(struct cbor_text *text)
{
    put_named_bool(text, "countrate_correction_enabled", false);
    put_named_bool(text, "flatfield_enabled", false);
    put_named_bool(text, "pixel_mask_enabled", false);
    put_named_bool(text, "virtual_pixel_interpolation_enabled", false);
}

/* {"shape": [ny, nx] or null, "passes": n}: what makes an image of the maps. */
static void put_scan(struct cbor_text *text, const struct scan_geometry *scan)
{
    cbor_put_string(text, "user_data");
    cbor_put_map(text, 2);
    cbor_put_string(text, "shape");
    if (scan->ny > 0) {
        cbor_put_array(text, 2);
        cbor_put_uint(text, scan->ny);
        cbor_put_uint(text, scan->nx);
    } else {
        cbor_put_null(text);
    }
    put_named_uint(text, "passes", scan_geometry_passes(scan));
}

static void put_start(struct cbor_text *text, const struct run *run)
{
    const double period = (double)run->plan->frame_period_ns * 1e-9;
    cbor_put_map(text, 1 + SERIES_PAIRS + IMAGES_PAIRS + CORRECTIONS_PAIRS + 3 + (period > 0));
    put_type(text, "start");
    put_series(text, run);
    cbor_put_string(text, "arm_date");
    cbor_put_time(text, run->started_ns);
    cbor_put_string(text, "detector_description");
    cbor_put_string(text, "Merlin (Medipix3)");
    put_images(text, run);
    put_corrections(text);
    if (period > 0)
        put_named_double(text, "frame_time", period);
    put_scan(text, &run->scan);
}

static void put_end(struct cbor_text *text, const struct run *run)
{
    cbor_put_map(text, 1 + SERIES_PAIRS);
    put_type(text, "end");
    put_series(text, run);
}

int stream2_announcement(const struct stream_item *item, zmq_msg_t *message)
{
    struct cbor_text text = {0};
    if (item->kind == STREAM_START)
        put_start(&text, item->frames.run);
    else
        put_end(&text, item->frames.run);
    return message_of_text(&text, message);
}

/* ---- images ---- */

void stream2_room_finish(struct stream2_room *room)
{
    free(room->packed);
    *room = (struct stream2_room){0};
}

/* For an image of `size` bytes. */
static int make_room(struct stream2_room *room, size_t size)
{
    if (room->size >= size)
        return 0;
    stream2_room_finish(room);
    room->packed = malloc(bslz4_bound(size));
    if (!room->packed)
        return -ENOMEM;
    room->size = size;
    return 0;
}

static uint64_t typed_array_tag(uint32_t pixel_size)
{
    switch (pixel_size) {
    case 1:
        return TAG_UINT8;
    case 2:
        return TAG_UINT16_LE;
    default:
        return TAG_UINT32_LE;
    }
}

/* What an unending scan keeps of its frames is of several at once. NULL: unknown. */
static const struct frame_facts *facts_of(const struct run *run, const struct tapped_frame *frame)
{
    const struct frame_facts *const facts =
        run->recycle
            ? NULL
            : frame_table_look(run->frames, frame->frame_index * run->n_layers + frame->layer);
    const bool seen =
        facts && atomic_load_explicit(&facts->state, memory_order_acquire) != FRAME_UNSEEN;
    return seen ? facts : NULL;
}

static void put_seconds(struct cbor_text *text, const char *name, uint64_t ns)
{
    cbor_put_string(text, name);
    cbor_put_array(text, 2);
    cbor_put_uint(text, ns);
    cbor_put_uint(text, NS_PER_S);
}

/* When things happened, by the detector's clock. */
struct exposure_times {
    uint64_t series_ns; /* the run's first exposure; 0: not known, or later than this one */
    uint64_t start_ns, length_ns;
    bool length_known;
};

static struct exposure_times times_of(const struct run *run, const struct tapped_frame *frame)
{
    static const struct tapped_frame first_frame = {0};
    const struct frame_facts *const first = facts_of(run, &first_frame);
    const struct frame_facts *const facts = facts_of(run, frame);
    struct exposure_times times = {.length_known = facts != NULL};
    if (facts) {
        times.start_ns = facts->timestamp_ns;
        times.length_ns = facts->exposure_ns;
    }
    if (first && first->timestamp_ns <= times.start_ns)
        times.series_ns = first->timestamp_ns;
    return times;
}

static size_t times_pairs(const struct exposure_times *times)
{
    return (times->length_known ? 1 : 0) + (times->series_ns > 0 ? 3 : 0);
}

static void put_times(struct cbor_text *text, const struct exposure_times *times)
{
    if (times->length_known)
        put_seconds(text, "real_time", times->length_ns);
    if (times->series_ns == 0)
        return;
    const uint64_t start = times->start_ns - times->series_ns;
    cbor_put_string(text, "series_date");
    cbor_put_time(text, times->series_ns);
    put_seconds(text, "start_time", start);
    put_seconds(text, "stop_time", start + times->length_ns);
}

static void put_place(struct cbor_text *text, const struct tapped_frame *frame)
{
    cbor_put_string(text, "user_data");
    cbor_put_map(text, 2);
    cbor_put_string(text, "position");
    if (frame->position >= 0)
        cbor_put_uint(text, (uint64_t)frame->position);
    else
        cbor_put_null(text);
    put_named_uint(text, "flags", frame->flags);
}

/* All but the images, which come last. */
static void put_image_head(struct cbor_text *text, const struct run *run,
                           const struct tapped_frame *frame, size_t n_layers)
{
    const struct exposure_times times = times_of(run, frame);
    cbor_put_map(text, 1 + SERIES_PAIRS + 3 + times_pairs(&times));
    put_type(text, "image");
    put_series(text, run);
    put_named_uint(text, "image_id", frame->frame_index);
    put_times(text, &times);
    put_place(text, frame);
    cbor_put_string(text, "data");
    cbor_put_map(text, n_layers);
}

/* Up to the bytes of an image: a name, some tags, and numbers of 9 bytes at most. */
#define ARRAY_HEAD_MAX 96
static void put_array_head(struct cbor_text *text, const struct pixel_format *format,
                           unsigned layer, size_t packed_size)
{
    put_channel(text, layer);
    cbor_put_tag(text, TAG_ARRAY);
    cbor_put_array(text, 2);
    cbor_put_array(text, 2);
    cbor_put_uint(text, format->height);
    cbor_put_uint(text, format->width);
    cbor_put_tag(text, typed_array_tag(format->pixel_size));
    if (packed_size > 0) {
        cbor_put_tag(text, TAG_PACKED);
        cbor_put_array(text, 3);
        cbor_put_string(text, "bslz4");
        cbor_put_uint(text, format->pixel_size);
    }
    cbor_put_bytes_head(text, packed_size > 0 ? packed_size : format->image_size);
}

static size_t layers_of_exposure(const struct tapped_frames *frames, size_t first)
{
    size_t n = 1;
    while (first + n < frames->n &&
           frames->frames[first + n].frame_index == frames->frames[first].frame_index)
        n++;
    return n;
}

/* The bytes of a message, which has room for all that is appended. */
struct message_bytes {
    size_t size;
    uint8_t *bytes;
};

static void append(struct message_bytes *to, const void *bytes, size_t size)
{
    memcpy(to->bytes + to->size, bytes, size);
    to->size += size;
}

/* Packed where that makes it smaller; `room` NULL: not. */
static void append_image(struct message_bytes *to, const struct stream2_room *room,
                         const struct pixel_format *format, const uint8_t *image, unsigned layer)
{
    const size_t size = format->image_size;
    size_t packed = room ? bslz4_pack(image, size, format->pixel_size, room->packed) : 0;
    if (packed >= size)
        packed = 0;
    struct cbor_text head = {0};
    put_array_head(&head, format, layer, packed);
    append(to, head.bytes, head.size);
    append(to, packed > 0 ? room->packed : image, packed > 0 ? packed : size);
}

/* ZeroMQ's, from a thread of its own. */
static void free_bytes(void *bytes, void *hint)
{
    (void)hint;
    free(bytes);
}

int stream2_image(struct stream2_room *room, const struct stream_item *item, bool pack, size_t *n,
                  zmq_msg_t *message)
{
    const struct tapped_frames *const frames = &item->frames;
    const struct run *const run = frames->run;
    const size_t image_size = run->format.image_size;
    struct cbor_text head = {0};
    *n = layers_of_exposure(frames, item->next);
    put_image_head(&head, run, &frames->frames[item->next], *n);
    if (head.overflow || (pack && make_room(room, image_size) < 0))
        return -ENOMEM;
    struct message_bytes to = {.bytes = malloc(head.size + *n * (ARRAY_HEAD_MAX + image_size))};
    if (!to.bytes)
        return -ENOMEM;
    append(&to, head.bytes, head.size);
    for (size_t i = item->next; i < item->next + *n; i++) {
        const struct tapped_frame *const frame = &frames->frames[i];
        append_image(&to, pack ? room : NULL, &run->format,
                     frames->bytes + frame->image * image_size, frame->layer);
    }
    if (zmq_msg_init_data(message, to.bytes, to.size, free_bytes, NULL) == 0)
        return 0;
    free(to.bytes);
    return -ENOMEM;
}
