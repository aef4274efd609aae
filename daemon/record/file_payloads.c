#include "daemon/record/file_payloads.h"

#include <errno.h>
#include <stdlib.h>

#include "daemon/record/hdf5_error.h"
#include "detector/encode.h"

/* ---- opening ---- */

/* The header of the first message that was recorded. */
static int first_header(struct file_payloads *payloads, struct file_message *message,
                        struct error *error)
{
    struct file_messages *const messages = &payloads->messages;
    *message = (struct file_message){.row = MESSAGE_ROW_NONE};
    for (uint64_t i = 0; i < messages->n && message->row == MESSAGE_ROW_NONE; i++) {
        if (file_messages_look(messages, i, message) < 0)
            return error_set(error, -EBADMSG, "%.300s: /entry/messages cannot be read",
                             payloads->recording->path);
    }
    return 0;
}

/* All frames of a run have one format. */
static int read_format(struct file_payloads *payloads, struct error *error)
{
    const struct file_recording *const recording = payloads->recording;
    const struct file_messages *const messages = &payloads->messages;
    const struct image_store *const images = &recording->layers[0].images;
    struct file_message message;
    struct frame_header header;
    uint64_t depth = 0;
    int r = first_header(payloads, &message, error);
    if (r < 0 || message.row == MESSAGE_ROW_NONE)
        return r;
    (void)file_read_number(recording->entry, "instrument/detector/counter_depth", &depth);
    const struct acquisition_header acquisition = {.counter_depth = (uint32_t)depth};
    r = frame_header_parse(&header, message.header, messages->header_size, error);
    if (r == 0)
        r = pixel_format_from_header(&payloads->format, &header, &acquisition, messages->gap,
                                     messages->header_size + messages->payload_size, error);
    if (r < 0) {
        error_prefix(error, "%.300s: /entry/messages", recording->path);
        return -EBADMSG;
    }
    if (payloads->format.image_size != images->frame_size ||
        payloads->format.width != images->extent[images->rank - 1])
        return error_set(error, -EBADMSG, "%.300s: /entry/messages does not fit /entry/data",
                         recording->path);
    return 0;
}

int file_payloads_open(struct file_payloads *payloads, struct file_recording *recording,
                       struct error *error)
{
    *payloads = (struct file_payloads){
        .recording = recording,
        .crc32c = crc32c_function(cpu_isa_best()),
    };
    int r = file_messages_open(&payloads->messages, recording->entry, error);
    if (r < 0) {
        error_prefix(error, "%.300s", recording->path);
        return r;
    }
    payloads->payload = malloc(payloads->messages.payload_size + 1);
    if (!payloads->payload)
        return error_set(error, -ENOMEM, "no memory for a frame");
    return read_format(payloads, error);
}

void file_payloads_finish(struct file_payloads *payloads)
{
    for (unsigned i = 0; i < RUN_MAX_LAYERS + 1; i++)
        free(payloads->caches[i].images);
    free(payloads->payload);
    payloads->payload = NULL;
    file_messages_finish(&payloads->messages);
}

/* ---- images ---- */

static bool cache_load(struct file_payload_cache *cache, const struct image_source *source)
{
    uint32_t n;
    const uint64_t first = image_store_chunk(source->store, source->place, &n);
    const size_t size = n * source->store->frame_size;
    if (cache->store == source->store && cache->first == first)
        return cache->n > 0;
    if (size > cache->size) {
        free(cache->images);
        cache->images = aligned_alloc(64, (size + 63) / 64 * 64);
        cache->size = cache->images ? size : 0;
    }
    const bool read =
        cache->images && image_store_read(source->store, first, n, cache->images) == 0;
    hdf5_error_forget();
    /* Also that it cannot be read is remembered, for its other images. */
    cache->store = source->store;
    cache->first = first;
    cache->n = read ? n : 0;
    return read;
}

/* Whether the image there is what came in the message. */
static enum file_payload_state try_source(struct file_payloads *payloads, unsigned cache_index,
                                          const struct image_source *source, uint32_t crc)
{
    struct file_payload_cache *const cache = &payloads->caches[cache_index];
    if (!cache_load(cache, source))
        return FILE_PAYLOAD_UNREADABLE;
    const uint8_t *const image =
        cache->images + (source->place - cache->first) * payloads->format.image_size;
    frame_encode(payloads->payload, image, &payloads->format);
    return payloads->crc32c(payloads->payload, payloads->format.payload_size) == crc
               ? FILE_PAYLOAD_PROVEN
               : FILE_PAYLOAD_SPOILT;
}

/* Where the frame has a place. A file that was left by a crash may have the pixels and not yet the
 * row of /entry/frames. */
static enum file_payload_state try_place(struct file_payloads *payloads, uint64_t row, uint32_t crc)
{
    struct file_recording *const recording = payloads->recording;
    const unsigned layer = (unsigned)(row % recording->n_layers);
    struct file_frame frame = file_frames_look(&recording->frames, row);
    if (frame.position == FILE_POSITION_NEVER_CAME)
        frame.position = scan_geometry_position(&recording->storage, row / recording->n_layers);
    const struct image_source source = file_recording_source(recording, layer, row, &frame);
    if (!source.store || source.store == &recording->extra)
        return FILE_PAYLOAD_LOST;
    return try_source(payloads, layer, &source, crc);
}

static enum file_payload_state try_extra(struct file_payloads *payloads, uint64_t row, uint32_t crc,
                                         enum file_payload_state before)
{
    const struct file_recording *const recording = payloads->recording;
    enum file_payload_state state = before;
    uint64_t i = file_recording_first_extra(recording, row);
    for (; i < recording->n_extra && recording->by_row[i].row == row; i++) {
        const struct image_source source = {&recording->extra, recording->by_row[i].place};
        state = try_source(payloads, RUN_MAX_LAYERS, &source, crc);
        if (state == FILE_PAYLOAD_PROVEN)
            return state;
    }
    return state;
}

int file_payloads_get(struct file_payloads *payloads, uint64_t arrival,
                      struct file_message *message, enum file_payload_state *state)
{
    *state = FILE_PAYLOAD_NOT_RECORDED;
    int r = file_messages_look(&payloads->messages, arrival, message);
    if (r < 0 || message->row == MESSAGE_ROW_NONE)
        return r;
    if (payloads->crc32c(message->header, payloads->messages.header_size) !=
        message->header_crc32c) {
        *state = FILE_PAYLOAD_SPOILT;
        return 0;
    }
    r = file_messages_payload(&payloads->messages, arrival, payloads->payload);
    if (r < 0)
        *state = FILE_PAYLOAD_UNREADABLE;
    else if (r > 0)
        *state =
            payloads->crc32c(payloads->payload, payloads->format.payload_size) == message->crc32c
                ? FILE_PAYLOAD_PROVEN
                : FILE_PAYLOAD_SPOILT;
    else
        *state = try_place(payloads, message->row, message->crc32c);
    /* Of a number that came twice the images are told apart by their CRC. */
    if (*state != FILE_PAYLOAD_PROVEN)
        *state = try_extra(payloads, message->row, message->crc32c, *state);
    return 0;
}
