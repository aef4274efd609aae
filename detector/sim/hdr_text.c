#include "detector/sim/hdr_text.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char end_line[] = "End\t";

static const char chip_dacs[] =
    "011,511,000,000,000,000,000,000,175,010,200,125,100,100,093,100,099,"
    "030,128,004,255,140,128,191,179,511,511; ";

/* Parts of the text that depend on nothing. */
static const char lines_before_facts[] =
    "HDR,\t\r\n"
    "Time and Date Stamp (day, mnth, yr, hr, min, s):\t01/01/1970 00:00:00\r\n";
static const char lines_after_facts[] =
    "bpc File:\tNone\r\n"
    "DAC File:\tNone\r\n"
    "Gap Fill Mode:\tNone\r\n"
    "Flat Field File:\tNone\r\n"
    "Dead Time File:\tDummy (C:\\<NUL>\\)\r\n"
    "Acquisition Type (Normal, Th_scan, Config):\tNormal\r\n"
    "Frames in Acquisition (Number):\t1\r\n"
    "Frames per Trigger (Number):\t1\r\n"
    "Trigger Start (Positive, Negative, Internal):\tInternal\r\n"
    "Trigger Stop (Positive, Negative, Internal):\tInternal\r\n"
    "Sensor Bias (V):\t120 V\r\n"
    "Sensor Polarity (Positive, Negative):\tPositive\r\n"
    "Temperature (C):\tBoard Temp 43.809250 Deg C\r\n"
    "Humidity (%):\tBoard Humidity 14.576477 \r\n"
    "Medipix Clock (MHz):\t180MHz\r\n"
    "Readout System:\tMerlin Quad\r\n"
    "Software Version:\t1.6.1.217\r\n"
    "End\t";

static void write_facts(FILE *file, const struct mq1_facts *facts)
{
    fprintf(file, "Chip ID:\t%s\r\n",
            facts->chips == 1 ? "SIM_A1, - , - , - " : "SIM_A1,SIM_A2,SIM_A3,SIM_A4");
    fprintf(file, "Chip Type (Medipix 3.0, Medipix 3.1, Medipix 3RX):\tMedipix 3RX\r\n");
    fprintf(file, "Assembly Size (NX1, 2X2):\t%6s\r\n", facts->layout);
    fprintf(file, "Chip Mode  (SPM, CSM, CM, CSCM):\tSPM\r\n");
    fprintf(file, "Counter Depth (number):\t%u\r\n", facts->counter_depth);
    fprintf(file, "Gain:\tSLGM\r\nActive Counters:\tCounter 0\r\n");
    fprintf(file, "Thresholds (keV):\t");
    for (int i = 0; i < 8; i++)
        fprintf(file, "%.6E%s", facts->thresholds_kev[i], i < 7 ? "," : "\r\n");
    fprintf(file, "DACs:\t");
    for (uint32_t chip = 0; chip < 4; chip++)
        fputs(chip < facts->chips ? chip_dacs : "; ", file);
    fprintf(file, "\r\n");
}

char *hdr_text_create(const struct mq1_facts *facts)
{
    char *text = NULL;
    size_t size;
    FILE *file = open_memstream(&text, &size);
    if (!file)
        return NULL;
    fputs(lines_before_facts, file);
    write_facts(file, facts);
    fputs(lines_after_facts, file);
    if (fclose(file) != 0) {
        free(text);
        return NULL;
    }
    return text;
}

/* The start of the last line that begins with "End", or NULL. */
static const char *find_end(const char *text)
{
    const char *found = NULL;
    for (const char *at = strstr(text, "\nEnd"); at; at = strstr(at + 1, "\nEnd"))
        found = at + 1;
    return found;
}

char *hdr_text_copy(const char *text, size_t size)
{
    char *copy = strndup(text, size);
    if (!copy)
        return NULL;
    const char *end = find_end(copy);
    size_t keep = end ? (size_t)(end - copy) : strlen(copy);
    while (!end && keep > 0 && strchr(" \r\n", copy[keep - 1]))
        keep--;
    char *ended = NULL;
    if (asprintf(&ended, "%.*s%s%s", (int)keep, copy, end ? "" : "\r\n", end_line) < 0)
        ended = NULL;
    free(copy);
    return ended;
}

/* The line whose key is `key`: false when there is none, else where its value lies. */
static bool find_value(const char *text, const char *key, size_t *at, size_t *size)
{
    const size_t key_size = strlen(key);
    for (const char *line = text; line; line = strchr(line, '\n')) {
        line += line != text;
        const char *rest = line + key_size;
        const size_t line_size = strcspn(line, "\r\n");
        if (strncmp(line, key, key_size) != 0 || (*rest != ':' && *rest != ' '))
            continue;
        const char *tab = memchr(line, '\t', line_size);
        if (!tab)
            continue;
        *at = (size_t)(tab + 1 - text);
        *size = line_size - (size_t)(tab + 1 - line);
        return true;
    }
    return false;
}

/* Puts `with` in place of the `size` bytes at `at`. */
static int replace(char **text, size_t at, size_t size, const char *with)
{
    char *changed;
    if (asprintf(&changed, "%.*s%s%s", (int)at, *text, with, *text + at + size) < 0)
        return -ENOMEM;
    free(*text);
    *text = changed;
    return 0;
}

int hdr_text_set(char **text, const char *key, const char *value)
{
    size_t at, size;
    if (find_value(*text, key, &at, &size))
        return replace(text, at, size, value);
    const char *end = find_end(*text);
    char line[300];
    snprintf(line, sizeof line, "%s:\t%s\r\n", key, value);
    return replace(text, end ? (size_t)(end - *text) : strlen(*text), 0, line);
}

int hdr_text_set_number(char **text, const char *key, uint64_t value)
{
    char digits[24];
    snprintf(digits, sizeof digits, "%" PRIu64, value);
    return hdr_text_set(text, key, digits);
}

void hdr_text_get(const char *text, const char *key, char *value, size_t room)
{
    size_t at, size;
    value[0] = '\0';
    if (find_value(text, key, &at, &size))
        snprintf(value, room, "%.*s", (int)size, text + at);
}

size_t hdr_text_body_size(const char *text)
{
    const size_t length = strlen(text);
    return length > HDR_BODY_SIZE ? length : HDR_BODY_SIZE;
}

void hdr_text_write(uint8_t *body, const char *text)
{
    memset(body, ' ', hdr_text_body_size(text));
    for (size_t i = 0; text[i]; i++)
        body[i] = (uint8_t)text[i];
}
