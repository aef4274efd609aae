#include "detector/sim/mq1_header.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "common/clock.h"
#include "detector/sim/digits.h"

/* The DACs of a chip as Merlin 0.77 wrote them (Threshold0-7, Preamp, Ikrum, ... TPRefB). */
static const char chip_dacs[] = "3RX,011,511,000,000,000,000,000,000,175,010,200,125,100,100,093,"
                                "100,099,030,128,004,255,140,128,"
                                "191,179,511,511,";

enum { FIELD_NUMBER = 1, FIELD_LOCAL_TIME = 9, FIELD_SHUTTER = 10, FIELD_COUNTER = 11 };

size_t mq1_header_size(uint32_t chips)
{
    return 256 + (size_t)128 * chips;
}

/* The vendor's own form of a real number: one digit of exponent where it suffices, 2.000000E+0. */
static int write_scientific(char *out, size_t room, double value)
{
    int exponent = value == 0 ? 0 : (int)floor(log10(fabs(value)));
    double mantissa = value / pow(10, exponent);
    if (fabs(mantissa) >= 9.9999995) {
        mantissa /= 10;
        exponent++;
    }
    return snprintf(out, room, "%.6fE%+d,", mantissa, exponent);
}

/* Thresholds and DACs. */
static size_t write_settings(char *text, size_t room, const struct mq1_facts *facts)
{
    size_t at = 0;
    for (int i = 0; i < 8; i++)
        at += (size_t)write_scientific(text + at, room - at, facts->thresholds_kev[i]);
    for (uint32_t chip = 0; chip < facts->chips; chip++)
        at += (size_t)snprintf(text + at, room - at, "%s", chip_dacs);
    return at;
}

size_t mq1_header_write(uint8_t *out, const struct mq1_facts *facts, uint64_t exposure_ns)
{
    const size_t size = mq1_header_size(facts->chips);
    char text[MQ1_HEADER_MAX];
    size_t at = (size_t)snprintf(
        text, sizeof text,
        "MQ1,000001,%05zu,%02u,%04u,%04u,%3s,%6s,%02X,1970-01-01 00:00:00.000000,%.6f,%u,%d,0,",
        size, facts->chips, facts->width, facts->height, facts->pixel_type, facts->layout,
        (1u << facts->chips) - 1, (double)exposure_ns / 1e9, facts->counter, facts->colour);
    if (facts->style == MQ1_OLD)
        text[at++] = ',';
    else
        at += write_settings(text + at, sizeof text - at, facts);
    if (facts->style != MQ1_NO_MQ1A)
        at += (size_t)snprintf(text + at, sizeof text - at,
                               "MQ1A,1970-01-01T00:00:00.000000000Z,%lluns,%u,",
                               (unsigned long long)exposure_ns, facts->counter_depth);
    memcpy(out, text, at);
    memset(out + at, 0, size - at);
    return at;
}

/* Start and size of the field that begins at `at`. Returns where the next one begins, or `end` + 1
 * after the last. */
static size_t field_end(const uint8_t *header, size_t at, size_t end)
{
    const uint8_t *comma = memchr(header + at, ',', end - at);
    return comma ? (size_t)(comma - header) : end;
}

static void find_leading_fields(struct mq1_layout *layout, const uint8_t *header, size_t text_size)
{
    size_t at = 0;
    for (int field = 0; field <= FIELD_COUNTER && at < text_size; field++) {
        const size_t end = field_end(header, at, text_size);
        const uint16_t size = (uint16_t)(end - at);
        if (field == FIELD_NUMBER) {
            layout->number_at = (uint16_t)at;
            layout->number_size = size;
        } else if (field == FIELD_LOCAL_TIME && size >= CLOCK_TEXT_SIZE) {
            layout->local_at = (uint16_t)at;
            layout->local_size = size;
        } else if (field == FIELD_SHUTTER) {
            layout->shutter_at = (uint16_t)at;
            layout->shutter_size = size;
        } else if (field == FIELD_COUNTER) {
            layout->counter_at = (uint16_t)at;
            layout->counter_size = size;
        }
        at = end + 1;
    }
}

static void find_mq1a(struct mq1_layout *layout, const uint8_t *header, size_t text_size)
{
    static const char name[] = ",MQ1A,";
    const uint8_t *found = memmem(header, text_size, name, sizeof name - 1);
    if (!found)
        return;
    const size_t utc_at = (size_t)(found - header) + sizeof name - 1;
    const size_t utc_end = field_end(header, utc_at, text_size);
    if (utc_end - utc_at < CLOCK_TEXT_SIZE || utc_end >= text_size)
        return;
    const size_t ns_at = utc_end + 1;
    size_t ns_end = ns_at;
    while (ns_end < text_size && header[ns_end] >= '0' && header[ns_end] <= '9')
        ns_end++;
    if (ns_end == ns_at)
        return;
    layout->utc_at = (uint16_t)utc_at;
    layout->utc_size = (uint16_t)(utc_end - utc_at - (header[utc_end - 1] == 'Z'));
    layout->ns_at = (uint16_t)ns_at;
    layout->ns_size = (uint16_t)(ns_end - ns_at);
}

void mq1_layout_find(struct mq1_layout *layout, const uint8_t *header, size_t data_offset)
{
    const size_t limit = data_offset < MQ1_HEADER_MAX ? data_offset : MQ1_HEADER_MAX;
    memset(layout, 0, sizeof *layout);
    layout->text_size = (uint16_t)strnlen((const char *)header, limit);
    find_leading_fields(layout, header, layout->text_size);
    find_mq1a(layout, header, layout->text_size);
}

/* A header on its way from the old text to the new one. */
struct rewriting {
    const uint8_t *from;
    uint8_t *to;
    size_t from_at, to_at;
};

/* Copies the old text up to `until`. */
static void keep_until(struct rewriting *rewriting, size_t until)
{
    const size_t size = until - rewriting->from_at;
    memcpy(rewriting->to + rewriting->to_at, rewriting->from + rewriting->from_at, size);
    rewriting->from_at = until;
    rewriting->to_at += size;
}

static void replace_number(struct rewriting *rewriting, size_t at, size_t size, uint64_t value,
                           unsigned least_width)
{
    keep_until(rewriting, at);
    const unsigned digits = count_digits(value);
    const unsigned width = digits > least_width ? digits : least_width;
    write_digits((char *)rewriting->to + rewriting->to_at, value, width);
    rewriting->to_at += width;
    rewriting->from_at += size;
}

/* A time of calendar text and as many decimals as the old field had (none to nine). */
static void replace_time(struct rewriting *rewriting, size_t at, size_t size, const char *calendar,
                         uint64_t nanoseconds)
{
    keep_until(rewriting, at);
    char nine[9];
    write_digits(nine, nanoseconds, sizeof nine);
    char *to = (char *)rewriting->to + rewriting->to_at;
    memcpy(to, calendar, CLOCK_TEXT_SIZE);
    size_t written = CLOCK_TEXT_SIZE;
    if (size > CLOCK_TEXT_SIZE + 1) {
        const size_t decimals = size - CLOCK_TEXT_SIZE - 1 < 9 ? size - CLOCK_TEXT_SIZE - 1 : 9;
        to[written++] = '.';
        memcpy(to + written, nine, decimals);
        written += decimals;
    }
    rewriting->to_at += written;
    rewriting->from_at += size;
}

static void replace_seconds(struct rewriting *rewriting, size_t at, size_t size, uint64_t ns)
{
    const uint64_t us = (ns + 500) / 1000;
    replace_number(rewriting, at, size, us / 1000000, 1);
    rewriting->to[rewriting->to_at++] = '.';
    write_digits((char *)rewriting->to + rewriting->to_at, us % 1000000, 6);
    rewriting->to_at += 6;
}

/* An upper bound of how much the text may grow: three numbers of up to 20 digits and their
 * decimals. */
#define GROWTH_MAX 80

bool mq1_header_rewrite(uint8_t *out, const uint8_t *header, size_t data_offset,
                        const struct mq1_layout *layout, const struct mq1_stamp *stamp,
                        struct clock_text *clock)
{
    uint8_t text[MQ1_HEADER_MAX + GROWTH_MAX];
    struct rewriting rewriting = {.from = header, .to = text};
    const uint64_t fraction = stamp->time_ns % NS_PER_S;
    clock_text_set(clock, (int64_t)(stamp->time_ns / NS_PER_S));

    replace_number(&rewriting, layout->number_at, layout->number_size, stamp->number,
                   layout->number_size);
    if (layout->local_size)
        replace_time(&rewriting, layout->local_at, layout->local_size, clock->local, fraction);
    if (layout->shutter_size)
        replace_seconds(&rewriting, layout->shutter_at, layout->shutter_size, stamp->exposure_ns);
    if (layout->counter_size && stamp->counter_given)
        replace_number(&rewriting, layout->counter_at, layout->counter_size, stamp->counter, 1);
    if (layout->utc_size) {
        replace_time(&rewriting, layout->utc_at, layout->utc_size, clock->utc, fraction);
        replace_number(&rewriting, layout->ns_at, layout->ns_size, stamp->exposure_ns, 1);
    }
    keep_until(&rewriting, layout->text_size);

    if (rewriting.to_at > data_offset) {
        memcpy(out, header, data_offset);
        return false;
    }
    memcpy(out, text, rewriting.to_at);
    memset(out + rewriting.to_at, 0, data_offset - rewriting.to_at);
    return true;
}
