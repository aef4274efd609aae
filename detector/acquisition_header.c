#include "detector/acquisition_header.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "detector/text.h"

/* One line of the header, split; `offset` is where the line begins in the body. */
struct header_line {
    struct text key, value;
    size_t offset;
};

/*
 * The key without its colon and its explanation in brackets, which differs between software
 * versions.
 */
static struct text key_of(struct text text)
{
    const uint8_t *const bracket = memmem(text.at, text.size, " (", 2);
    if (bracket)
        text.size = (size_t)(bracket - text.at);
    return text_trim(text);
}

/*
 * Splits at the first colon that a tab follows, since file names and times in values have colons as
 * well.
 */
static bool split_line(struct text text, struct header_line *line)
{
    const uint8_t *const separator = memmem(text.at, text.size, ":\t", 2);
    if (!separator)
        return false;
    const size_t key_size = (size_t)(separator - text.at);
    line->key = key_of((struct text){text.at, key_size});
    line->value = text_trim((struct text){separator + 1, text.size - key_size - 1});
    return true;
}

static int take_number(const struct header_line *line, uint64_t most, uint64_t *number,
                       struct error *error)
{
    if (line->value.size == 0)
        return 0;
    uint64_t value;
    if (!text_number(line->value, &value) || value > most)
        return error_set(
            error, -EBADMSG,
            "acquisition header: '%.*s' at byte %zu is '%.*s', not a number up to %llu",
            text_shown(line->key), (const char *)line->key.at, line->offset,
            text_shown(line->value), (const char *)line->value.at, (unsigned long long)most);
    *number = value;
    return 0;
}

static int take_u32(const struct header_line *line, uint32_t most, uint32_t *number,
                    struct error *error)
{
    uint64_t value = *number;
    const int result = take_number(line, most, &value, error);
    *number = (uint32_t)value;
    return result;
}

static int take_count(const struct header_line *line, int64_t *count, struct error *error)
{
    uint64_t value = 0;
    const int result = take_number(line, INT64_MAX, &value, error);
    if (result == 0 && line->value.size > 0)
        *count = (int64_t)value;
    return result;
}

/* Longer values are cut: they are shown to people and compared with short words only. */
static void take_text(const struct header_line *line, char *to, size_t to_size)
{
    const size_t n = line->value.size < to_size - 1 ? line->value.size : to_size - 1;
    memcpy(to, line->value.at, n);
    to[n] = '\0';
}

/* The first of a list that commas part. */
static double first_real(struct text value)
{
    char digits[32] = "";
    for (size_t i = 0; i < value.size && i < sizeof digits - 1 && value.at[i] != ','; i++)
        digits[i] = (char)value.at[i];
    char *end;
    const double number = strtod(digits, &end);
    return end > digits && !*end && isfinite(number) ? number : NAN;
}

static int take_line(struct acquisition_header *header, const struct header_line *line,
                     struct error *error)
{
    if (text_equals(line->key, "Counter Depth"))
        return take_u32(line, 24, &header->counter_depth, error);
    if (text_equals(line->key, "Frames in Acquisition"))
        return take_count(line, &header->frames_in_acquisition, error);
    if (text_equals(line->key, "Frames per Trigger"))
        return take_number(line, INT64_MAX, &header->frames_per_trigger, error);
    if (text_equals(line->key, "ScanX"))
        return take_u32(line, UINT32_MAX, &header->scan_x, error);
    if (text_equals(line->key, "ScanY"))
        return take_u32(line, UINT32_MAX, &header->scan_y, error);
    if (text_equals(line->key, "Trigger Start"))
        take_text(line, header->trigger_start, sizeof header->trigger_start);
    else if (text_equals(line->key, "Thresholds"))
        header->threshold_kev = first_real(line->value);
    else if (text_equals(line->key, "Gain"))
        take_text(line, header->gain, sizeof header->gain);
    else if (text_equals(line->key, "Software Version"))
        take_text(line, header->software_version, sizeof header->software_version);
    else if (text_equals(line->key, "Assembly Size"))
        take_text(line, header->assembly, sizeof header->assembly);
    else if (text_equals(line->key, "Chip Mode"))
        take_text(line, header->chip_mode, sizeof header->chip_mode);
    else if (text_equals(line->key, "Active Counters"))
        take_text(line, header->active_counters, sizeof header->active_counters);
    return 0;
}

int acquisition_header_parse(struct acquisition_header *header, const uint8_t *body, size_t size,
                             struct error *error)
{
    *header = (struct acquisition_header){.frames_in_acquisition = -1, .threshold_kev = NAN};
    if (!text_begins((struct text){body, size}, "HDR,"))
        return error_set(error, -EBADMSG,
                         "acquisition header: its %zu bytes do not begin with 'HDR,' at byte 0",
                         size);
    size_t at = 0;
    while (at < size) {
        const uint8_t *const line_end = memchr(body + at, '\n', size - at);
        const size_t next = line_end ? (size_t)(line_end - body) + 1 : size;
        struct header_line line = {.offset = at};
        if (split_line((struct text){body + at, next - at}, &line)) {
            const int result = take_line(header, &line, error);
            if (result < 0)
                return result;
        }
        at = next;
    }
    return 0;
}
