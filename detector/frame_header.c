#include "detector/frame_header.h"

#include <errno.h>
#include <string.h>

#include "common/clock.h"
#include "detector/text.h"

/* The numbers of the fields that are read by position; later ones are found by name. */
enum frame_field {
    FIELD_ID,
    FIELD_NUMBER,
    FIELD_DATA_OFFSET,
    FIELD_CHIPS,
    FIELD_WIDTH,
    FIELD_HEIGHT,
    FIELD_PIXEL_TYPE,
    FIELD_LAYOUT,
    FIELD_CHIP_SELECT,
    FIELD_LOCAL_TIME,
    FIELD_SHUTTER,
    FIELD_LAYER,
    FIELD_COLOUR_MODE,
    FIELD_GAIN_MODE,
    FIELD_COUNT,
};

struct frame_fields {
    const uint8_t *body;
    struct text field[FIELD_COUNT];
    unsigned n;
};

/* ---- names ---- */

static const char *const pixel_type_names[] = {
    [PIXEL_U01] = "U01", [PIXEL_U08] = "U08", [PIXEL_U16] = "U16",
    [PIXEL_U32] = "U32", [PIXEL_U64] = "U64", [PIXEL_R64] = "R64",
};

static const char *const layout_names[] = {
    [LAYOUT_1X1] = "1x1", [LAYOUT_2X2] = "2x2",   [LAYOUT_2X2G] = "2x2G",
    [LAYOUT_NX1] = "Nx1", [LAYOUT_NX1G] = "Nx1G",
};

const char *pixel_type_name(enum pixel_type type)
{
    return pixel_type_names[type];
}

const char *sensor_layout_name(enum sensor_layout layout)
{
    return layout_names[layout];
}

static bool pixel_type_from_name(struct text name, enum pixel_type *type)
{
    for (unsigned i = PIXEL_U01; i <= PIXEL_R64; i++) {
        if (text_equals(name, pixel_type_names[i])) {
            *type = (enum pixel_type)i;
            return true;
        }
    }
    return false;
}

/* Accepts either case of x, and a digit in the place of N ("4x1"). */
static bool layout_from_name(struct text name, enum sensor_layout *layout)
{
    if (name.size < 3 || name.size > 4 || (name.at[1] | 0x20) != 'x')
        return false;
    const bool gap = name.size == 4;
    if (gap && (name.at[3] | 0x20) != 'g')
        return false;
    const uint8_t columns = name.at[0];
    const uint8_t rows = name.at[2];
    if (columns == '1' && rows == '1' && !gap)
        *layout = LAYOUT_1X1;
    else if (columns == '2' && rows == '2')
        *layout = gap ? LAYOUT_2X2G : LAYOUT_2X2;
    else if (((columns | 0x20) == 'n' || (columns >= '2' && columns <= '9')) && rows == '1')
        *layout = gap ? LAYOUT_NX1G : LAYOUT_NX1;
    else
        return false;
    return true;
}

/* ---- MQ1A ---- */

/*
 * Days from 1970-01-01 in the Gregorian calendar; years are counted from March so that a leap day
 * is the last.
 */
static uint64_t days_since_1970(uint32_t year, uint32_t month, uint32_t day)
{
    const uint32_t y = month > 2 ? year : year - 1;
    const uint32_t month_from_march = month > 2 ? month - 3 : month + 9;
    const uint32_t day_of_year = (153 * month_from_march + 2) / 5 + day - 1;
    return (uint64_t)y * 365 + y / 4 - y / 100 + y / 400 + day_of_year - 719468;
}

static bool two_digits(const uint8_t *at, uint32_t least, uint32_t most, uint32_t *value)
{
    if (!text_is_digit(at[0]) || !text_is_digit(at[1]))
        return false;
    *value = (uint32_t)(at[0] - '0') * 10 + (uint32_t)(at[1] - '0');
    return *value >= least && *value <= most;
}

/* Digits after the point of a number of seconds, as nanoseconds; more than nine are cut. */
static uint64_t fraction_ns(struct text text)
{
    uint64_t ns = 0;
    uint64_t unit = NS_PER_S / 10;
    for (size_t i = 0; i < text.size && unit > 0 && text_is_digit(text.at[i]); i++) {
        ns += unit * (uint64_t)(text.at[i] - '0');
        unit /= 10;
    }
    return ns;
}

/* UNIX nanoseconds of "2021-04-15T13:43:00.835428351Z"; 0 when it is not of this form. */
static uint64_t parse_utc(struct text text)
{
    const uint8_t *const at = text.at;
    uint32_t century, years, month, day, hour, minute, second;
    if (text.size < 19 || at[4] != '-' || at[7] != '-' || at[10] != 'T' || at[13] != ':' ||
        at[16] != ':')
        return 0;
    if (!two_digits(at, 19, 24, &century) || !two_digits(at + 2, 0, 99, &years) ||
        !two_digits(at + 5, 1, 12, &month) || !two_digits(at + 8, 1, 31, &day) ||
        !two_digits(at + 11, 0, 23, &hour) || !two_digits(at + 14, 0, 59, &minute) ||
        !two_digits(at + 17, 0, 60, &second) || century * 100 + years < 1970)
        return 0;
    const uint64_t days = days_since_1970(century * 100 + years, month, day);
    const uint64_t seconds = ((days * 24 + hour) * 60 + minute) * 60 + second;
    const struct text rest = {at + 19, text.size - 19};
    const bool has_fraction = rest.size > 0 && rest.at[0] == '.';
    return seconds * NS_PER_S +
           (has_fraction ? fraction_ns((struct text){rest.at + 1, rest.size - 1}) : 0);
}

/*
 * Finds what follows ",MQ1A,". The block lies at the end of the used text and hardly anything
 * before it has a Q, so a search for that letter from the end is over after some 100 bytes.
 */
static bool find_mq1a(const uint8_t *header, size_t size, struct text *after)
{
    static const char name[] = ",MQ1A,";
    const size_t name_size = sizeof name - 1;
    size_t n = size;
    for (;;) {
        const uint8_t *const q = n > 0 ? memrchr(header, 'Q', n) : NULL;
        if (!q || q - header < 2)
            return false;
        n = (size_t)(q - header);
        const size_t begin = n - 2;
        if (size - begin >= name_size && memcmp(header + begin, name, name_size) == 0) {
            *after = (struct text){header + begin + name_size, size - begin - name_size};
            return true;
        }
    }
}

/* Takes the text up to the next comma, NUL or the end. false: nothing is left. */
static bool next_field(struct text *rest, struct text *field)
{
    if (rest->size == 0 || rest->at[0] == '\0')
        return false;
    size_t n = 0;
    while (n < rest->size && rest->at[n] != ',' && rest->at[n] != '\0')
        n++;
    *field = (struct text){rest->at, n};
    const size_t step = n < rest->size && rest->at[n] == ',' ? n + 1 : n;
    *rest = (struct text){rest->at + step, rest->size - step};
    return true;
}

/* Reads time and exposure ("1000000ns", older "nS") and leaves *rest at the counter depth. */
static void parse_times(struct text *rest, uint64_t *timestamp_ns, uint64_t *exposure_ns)
{
    struct text field;
    if (next_field(rest, &field))
        *timestamp_ns = parse_utc(field);
    if (next_field(rest, &field))
        text_leading_number(field, exposure_ns);
}

bool frame_header_layer(const uint8_t *body, size_t header_size, size_t geometry_at,
                        unsigned *layer)
{
    size_t at = geometry_at;
    for (int commas = 0; commas < 9; at++) {
        if (at >= header_size || body[at] == '\0')
            return false;
        commas += body[at] == ',';
    }
    if (at + 1 >= header_size || body[at] < '0' || body[at] > '7' || body[at + 1] != ',')
        return false;
    *layer = (unsigned)(body[at] - '0');
    return true;
}

void frame_header_parse_time(const uint8_t *body, size_t header_size, uint64_t *timestamp_ns,
                             uint64_t *exposure_ns)
{
    struct text rest;
    *timestamp_ns = 0;
    *exposure_ns = 0;
    if (find_mq1a(body, header_size, &rest))
        parse_times(&rest, timestamp_ns, exposure_ns);
}

static void take_mq1a(struct frame_header *header, const uint8_t *body)
{
    struct text rest, field;
    header->has_mq1a = find_mq1a(body, header->data_offset, &rest);
    if (!header->has_mq1a)
        return;
    uint64_t exposure_ns = 0;
    parse_times(&rest, &header->timestamp_ns, &exposure_ns);
    if (exposure_ns > 0)
        header->exposure_ns = exposure_ns;
    uint64_t depth;
    if (next_field(&rest, &field) && text_number(text_trim(field), &depth) && depth <= 24)
        header->counter_depth = (uint32_t)depth;
}

/* ---- fields by position ---- */

static void split_fields(struct frame_fields *fields, struct text header)
{
    *fields = (struct frame_fields){.body = header.at};
    while (fields->n < FIELD_COUNT && next_field(&header, &fields->field[fields->n]))
        fields->n++;
}

static struct text field_at(const struct frame_fields *fields, enum frame_field which)
{
    return fields->n > which ? text_trim(fields->field[which]) : (struct text){fields->body, 0};
}

static int refuse_field(const struct frame_fields *fields, enum frame_field which, const char *what,
                        const char *wanted, struct error *error)
{
    if (fields->n <= which)
        return error_set(error, -EBADMSG,
                         "frame header: it ends before field %d (%s); %s is needed", (int)which,
                         what, wanted);
    const struct text field = fields->field[which];
    return error_set(error, -EBADMSG, "frame header: field %d (%s) at byte %zu is '%.*s', not %s",
                     (int)which, what, (size_t)(field.at - fields->body), text_shown(field),
                     (const char *)field.at, wanted);
}

static bool number_in_range(const struct frame_fields *fields, enum frame_field which,
                            uint32_t most, uint32_t *number)
{
    uint64_t value;
    if (!text_number(field_at(fields, which), &value) || value < 1 || value > most)
        return false;
    *number = (uint32_t)value;
    return true;
}

#define AS_TEXT_(number) #number
#define AS_TEXT(number) AS_TEXT_(number)

static int take_geometry(struct frame_header *header, const struct frame_fields *fields,
                         struct error *error)
{
    if (!text_number(field_at(fields, FIELD_NUMBER), &header->number))
        return refuse_field(fields, FIELD_NUMBER, "frame number", "a number", error);
    if (!number_in_range(fields, FIELD_CHIPS, FRAME_HEADER_MAX_CHIPS, &header->chips))
        return refuse_field(fields, FIELD_CHIPS, "number of chips",
                            "1 to " AS_TEXT(FRAME_HEADER_MAX_CHIPS), error);
    if (!number_in_range(fields, FIELD_WIDTH, FRAME_HEADER_MAX_SIDE, &header->width))
        return refuse_field(fields, FIELD_WIDTH, "width",
                            "1 to " AS_TEXT(FRAME_HEADER_MAX_SIDE) " pixels", error);
    if (!number_in_range(fields, FIELD_HEIGHT, FRAME_HEADER_MAX_SIDE, &header->height))
        return refuse_field(fields, FIELD_HEIGHT, "height",
                            "1 to " AS_TEXT(FRAME_HEADER_MAX_SIDE) " pixels", error);
    if (!pixel_type_from_name(field_at(fields, FIELD_PIXEL_TYPE), &header->pixel_type))
        return refuse_field(fields, FIELD_PIXEL_TYPE, "pixel type",
                            "one of U01, U08, U16, U32, U64, R64", error);
    if (!layout_from_name(field_at(fields, FIELD_LAYOUT), &header->layout))
        return refuse_field(fields, FIELD_LAYOUT, "sensor layout",
                            "one of 1x1, 2x2, 2x2G, Nx1, Nx1G", error);
    return 0;
}

static uint32_t parse_hex(struct text text)
{
    uint32_t value = 0;
    for (size_t i = 0; i < text.size && i < 8; i++) {
        const uint8_t byte = text.at[i];
        const uint8_t lower = byte | 0x20;
        if (text_is_digit(byte))
            value = value << 4 | (uint32_t)(byte - '0');
        else if (lower >= 'a' && lower <= 'f')
            value = value << 4 | (uint32_t)(lower - 'a' + 10);
        else
            return 0;
    }
    return value;
}

/* Nanoseconds of "0.001000" (seconds); 0 when it is no such number. */
static uint64_t parse_seconds(struct text text)
{
    uint64_t seconds = 0;
    const size_t n = text_leading_number(text, &seconds);
    if (n == 0 || seconds > UINT32_MAX)
        return 0;
    const bool has_fraction = n < text.size && text.at[n] == '.';
    return seconds * NS_PER_S +
           (has_fraction ? fraction_ns((struct text){text.at + n + 1, text.size - n - 1}) : 0);
}

static uint32_t small_number(const struct frame_fields *fields, enum frame_field which)
{
    uint64_t value;
    return text_number(field_at(fields, which), &value) && value <= UINT32_MAX ? (uint32_t)value
                                                                               : 0;
}

/* What the pixels can be decoded without: fields that are absent or odd stay 0. */
static void take_conditions(struct frame_header *header, const struct frame_fields *fields)
{
    header->chip_select = parse_hex(field_at(fields, FIELD_CHIP_SELECT));
    header->exposure_ns = parse_seconds(field_at(fields, FIELD_SHUTTER));
    header->layer = small_number(fields, FIELD_LAYER);
    header->colour_mode = small_number(fields, FIELD_COLOUR_MODE) != 0;
    header->gain_mode = small_number(fields, FIELD_GAIN_MODE);
}

/* The offset of the pixels is read first: nothing beyond it is text. */
static int take_data_offset(struct frame_header *header, const uint8_t *body, size_t size,
                            struct error *error)
{
    const size_t readable =
        size < FRAME_HEADER_MAX_DATA_OFFSET ? size : FRAME_HEADER_MAX_DATA_OFFSET;
    struct frame_fields fields;
    split_fields(&fields, (struct text){body, readable});
    if (!number_in_range(&fields, FIELD_DATA_OFFSET, FRAME_HEADER_MAX_DATA_OFFSET,
                         &header->data_offset))
        return refuse_field(&fields, FIELD_DATA_OFFSET, "data offset",
                            "1 to " AS_TEXT(FRAME_HEADER_MAX_DATA_OFFSET) " bytes", error);
    if (header->data_offset > size)
        return error_set(error, -EBADMSG,
                         "frame header: data offset %u at byte %zu lies beyond the %zu bytes of "
                         "the message",
                         header->data_offset, (size_t)(fields.field[FIELD_DATA_OFFSET].at - body),
                         size);
    return 0;
}

int frame_header_parse(struct frame_header *header, const uint8_t *body, size_t size,
                       struct error *error)
{
    *header = (struct frame_header){0};
    if (!text_begins((struct text){body, size}, "MQ1,"))
        return error_set(error, -EBADMSG,
                         "frame header: the message of %zu bytes does not begin with 'MQ1,' at "
                         "byte 0",
                         size);
    int result = take_data_offset(header, body, size, error);
    if (result < 0)
        return result;
    struct frame_fields fields;
    split_fields(&fields, (struct text){body, header->data_offset});
    result = take_geometry(header, &fields, error);
    if (result < 0)
        return result;
    take_conditions(header, &fields);
    take_mq1a(header, body);
    return 0;
}

bool frame_header_number(const uint8_t *body, size_t size, uint64_t *number, size_t *geometry_at)
{
    static const size_t number_at = 4;
    if (!text_begins((struct text){body, size}, "MQ1,"))
        return false;
    const size_t n = text_leading_number((struct text){body + number_at, size - number_at}, number);
    if (n == 0 || number_at + n >= size || body[number_at + n] != ',')
        return false;
    *geometry_at = number_at + n + 1;
    return true;
}
