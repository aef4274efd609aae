#include "detector/sim/replay.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/clock.h"
#include "detector/frame_header.h"
#include "detector/mpx.h"
#include "detector/sim/hdr_text.h"

struct replay_frame {
    uint64_t at; /* offset in the file */
    uint32_t header_size, pixels_size;
    struct mq1_layout layout;
};

struct replay {
    struct frame_source source; /* first: the source's functions get a pointer to it */
    uint8_t *bytes;             /* the whole file, mapped */
    size_t size;
    struct replay_frame *frames;
    size_t capacity;
};

#define HDR_FILE_MAX 65536

static const struct replay *as_replay(const struct frame_source *source)
{
    return (const struct replay *)source;
}

static void replay_frame(const struct frame_source *source, uint64_t index,
                         struct source_frame *frame)
{
    const struct replay *replay = as_replay(source);
    const struct replay_frame *entry = &replay->frames[index % source->count];
    frame->header = replay->bytes + entry->at;
    frame->header_size = entry->header_size;
    frame->layout = &entry->layout;
    frame->pixels = frame->header + entry->header_size;
    frame->pixels_size = entry->pixels_size;
}

static void replay_destroy(struct frame_source *source)
{
    struct replay *replay = (struct replay *)source;
    if (replay->bytes)
        munmap(replay->bytes, replay->size);
    free(replay->frames);
    free(replay->source.hdr);
    free(replay);
}

/* `path` with its last three characters replaced, keeping their case; NULL when it ends in neither
 * .mib nor .hdr. */
static char *sibling_path(const char *path, const char *extension)
{
    const size_t length = strlen(path);
    const char *end = path + length - 4;
    if (length < 5 || (strcasecmp(end, ".mib") != 0 && strcasecmp(end, ".hdr") != 0))
        return NULL;
    char *sibling = strdup(path);
    for (size_t i = 0; sibling && i < 3; i++)
        sibling[length - 3 + i] = (char)(end[1] >= 'a' ? extension[i] : extension[i] - 32);
    return sibling;
}

static int map_file(struct replay *replay, const char *path, struct error *error)
{
    const int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0)
        return error_set(error, -errno, "%s: %s", path, strerror(errno));
    int result = 0;
    struct stat status;
    if (fstat(file, &status) < 0) {
        result = error_set(error, -errno, "%s: %s", path, strerror(errno));
    } else if (!S_ISREG(status.st_mode) || status.st_size == 0) {
        result = error_set(error, -EBADMSG, "%s: empty, or not a file", path);
    } else {
        void *bytes = mmap(NULL, (size_t)status.st_size, PROT_READ, MAP_PRIVATE, file, 0);
        if (bytes == MAP_FAILED) {
            result = error_set(error, -errno, "%s: cannot be mapped: %s", path, strerror(errno));
        } else {
            replay->bytes = bytes;
            replay->size = (size_t)status.st_size;
            madvise(bytes, replay->size, MADV_WILLNEED);
        }
    }
    close(file);
    return result;
}

/* Payload bits of a raw pixel: a 6-bit counter takes a byte, and 24 bits are two planes of 16 in a
 * header twice as wide. */
static uint64_t raw_bits_per_pixel(uint32_t depth)
{
    switch (depth) {
    case 1:
        return 1;
    case 6:
        return 8;
    case 12:
    case 24:
        return 16;
    default:
        return 0;
    }
}

static uint64_t pixels_size(const struct frame_header *header, uint32_t depth)
{
    const uint64_t pixels = (uint64_t)header->width * header->height;
    switch (header->pixel_type) {
    case PIXEL_U01:
    case PIXEL_U08:
        return pixels;
    case PIXEL_U16:
        return 2 * pixels;
    case PIXEL_U32:
        return 4 * pixels;
    case PIXEL_U64:
        return 8 * pixels;
    case PIXEL_R64:
        return pixels * raw_bits_per_pixel(depth) / 8;
    }
    return 0;
}

static int add_frame(struct replay *replay, struct replay_frame frame)
{
    if (replay->source.count == replay->capacity) {
        const size_t capacity = replay->capacity ? 2 * replay->capacity : 256;
        struct replay_frame *frames = realloc(replay->frames, capacity * sizeof *frames);
        if (!frames)
            return -ENOMEM;
        replay->frames = frames;
        replay->capacity = capacity;
    }
    replay->frames[replay->source.count++] = frame;
    return 0;
}

static int parse_frame(struct replay *replay, uint64_t at, uint32_t hdr_depth,
                       struct frame_header *header, struct replay_frame *frame, struct error *error)
{
    const uint64_t left = replay->size - at;
    const int result = frame_header_parse(header, replay->bytes + at, left, error);
    if (result) {
        error_prefix(error, "no frame header at offset %" PRIu64, at);
        return result;
    }
    const uint32_t depth = header->counter_depth ? header->counter_depth : hdr_depth;
    const uint64_t pixels = pixels_size(header, depth);
    if (pixels == 0)
        return error_set(
            error, -EBADMSG,
            "the frame at offset %" PRIu64
            " is raw and neither it nor a .hdr beside the file tells the counter depth",
            at);
    if (header->data_offset > MQ1_HEADER_MAX || header->data_offset + pixels > left)
        return error_set(error, -EBADMSG,
                         "the frame at offset %" PRIu64 " has %" PRIu64 " bytes of %" PRIu64
                         ": the file was cut off",
                         at, left, header->data_offset + pixels);
    *frame = (struct replay_frame){
        .at = at, .header_size = header->data_offset, .pixels_size = (uint32_t)pixels};
    mq1_layout_find(&frame->layout, replay->bytes + at, header->data_offset);
    return 0;
}

/* What the whole source is like, from its first frame. */
static void describe(struct replay *replay, const struct frame_header *first, uint32_t hdr_depth)
{
    struct frame_source *source = &replay->source;
    source->counter_depth = first->counter_depth ? first->counter_depth : hdr_depth;
    source->raw = first->pixel_type == PIXEL_R64;
    source->exposure_ns = first->exposure_ns;
    source->image_width = first->width;
    source->image_height = first->height;
    source->layers = 1;
    if (source->raw && source->counter_depth == 24) /* two planes beside each other in the header */
        source->image_width /= 2;
    if (source->raw && first->chips == 4) { /* a raw row holds one row of each of the four chips */
        source->image_width /= 2;
        source->image_height *= 2;
    }
}

static int index_frames(struct replay *replay, uint32_t hdr_depth, struct error *error)
{
    struct frame_source *source = &replay->source;
    struct frame_header header = {0};
    uint64_t first_time = 0;
    for (uint64_t at = 0; at < replay->size;) {
        struct replay_frame frame = {0};
        int result = parse_frame(replay, at, hdr_depth, &header, &frame, error);
        if (!result && add_frame(replay, frame) < 0)
            result = error_set(error, -ENOMEM, "no memory for the index of the file's frames");
        if (result)
            return result;
        if (at == 0) {
            describe(replay, &header, hdr_depth);
            first_time = header.timestamp_ns;
        }
        const size_t message = MPX_PREFIX_SIZE + (size_t)frame.header_size + frame.pixels_size;
        if (message > source->message_size_max)
            source->message_size_max = message;
        if (frame.header_size > source->header_size_max)
            source->header_size_max = frame.header_size;
        at += (uint64_t)frame.header_size + frame.pixels_size;
    }
    if (source->count > 1 && header.timestamp_ns > first_time)
        source->period_ns = (header.timestamp_ns - first_time) / (source->count - 1);
    return 0;
}

/* Periods that no detector has (a clock that stood still, or frames of days apart) would only make
 * people wait. */
static void settle_times(struct frame_source *source)
{
    if (source->period_ns < NS_PER_US || source->period_ns > 3600 * NS_PER_S)
        source->period_ns = source->exposure_ns > NS_PER_US ? source->exposure_ns : NS_PER_MS;
    if (source->exposure_ns == 0 || source->exposure_ns > source->period_ns)
        source->exposure_ns = source->period_ns;
}

/* Reads the .hdr when there is one. A missing one is no error: *text stays NULL. */
static int read_hdr(char **text, const char *path, struct error *error)
{
    FILE *file = fopen(path, "re");
    if (!file)
        return errno == ENOENT ? 0 : error_set(error, -errno, "%s: %s", path, strerror(errno));
    int result = 0;
    char *bytes = calloc(1, HDR_FILE_MAX);
    const size_t size = bytes ? fread(bytes, 1, HDR_FILE_MAX - 1, file) : 0;
    if (!bytes)
        result = error_set(error, -ENOMEM, "no memory for %s", path);
    else if (ferror(file))
        result = error_set(error, -EIO, "%s: cannot be read", path);
    else if (size < 4 || memcmp(bytes, "HDR,", 4) != 0)
        result = error_set(error, -EBADMSG,
                           "%s: no acquisition header at offset 0 (it begins with HDR,)", path);
    else if (!(*text = hdr_text_copy(bytes, size)))
        result = error_set(error, -ENOMEM, "no memory for %s", path);
    free(bytes);
    fclose(file);
    return result;
}

static int make_hdr(struct replay *replay, struct error *error)
{
    struct frame_header header;
    const int result = frame_header_parse(&header, replay->bytes, replay->size, error);
    if (result)
        return result;
    const struct mq1_facts facts = {
        .chips = header.chips,
        .width = header.width,
        .height = header.height,
        .pixel_type = pixel_type_name(header.pixel_type),
        .layout = sensor_layout_name(header.layout),
        .counter_depth = header.counter_depth,
    };
    replay->source.hdr = hdr_text_create(&facts);
    return replay->source.hdr ? 0 : error_set(error, -ENOMEM, "no memory for a header");
}

static int load(struct replay *replay, const char *mib, const char *hdr, struct error *error)
{
    int result = read_hdr(&replay->source.hdr, hdr, error);
    if (!result)
        result = map_file(replay, mib, error);
    if (result)
        return result;
    uint32_t hdr_depth = 0;
    if (replay->source.hdr) {
        char depth[16];
        hdr_text_get(replay->source.hdr, "Counter Depth", depth, sizeof depth);
        hdr_depth = (uint32_t)strtoul(depth, NULL, 10);
    }
    result = index_frames(replay, hdr_depth, error);
    if (result)
        error_prefix(error, "%s", mib);
    else if (!replay->source.hdr)
        result = make_hdr(replay, error);
    settle_times(&replay->source);
    return result;
}

int replay_create(struct frame_source **source, const char *path, uint64_t repeat,
                  struct error *error)
{
    struct replay *replay = calloc(1, sizeof *replay);
    if (!replay)
        return error_set(error, -ENOMEM, "no memory");
    char *mib = sibling_path(path, "mib");
    char *hdr = sibling_path(path, "hdr");
    const int result =
        mib && hdr ? load(replay, mib, hdr, error)
                   : error_set(error, -EBADMSG,
                               "%s: the name of a file to replay ends in .mib or .hdr", path);
    free(mib);
    free(hdr);
    if (result) {
        replay_destroy(&replay->source);
        return result;
    }
    replay->source.available = repeat == 0 ? UINT64_MAX : repeat * replay->source.count;
    replay->source.own_numbers = true;
    replay->source.frame = replay_frame;
    replay->source.destroy = replay_destroy;
    *source = &replay->source;
    return 0;
}
