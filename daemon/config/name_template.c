#include "daemon/config/name_template.h"

#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/clock.h"

#define WORD "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_"
#define PART_MAX 220 /* of a path; file systems take 255 with what is put behind it */
#define LABEL_MAX 64
#define WIDTH_MAX 9

/* "{run:04}": field[0 .. length), and the digits. */
struct field {
    char name[48];
    unsigned width;
    size_t length; /* in the text, with its braces */
};

/* false: what begins at the brace is no field. */
static bool read_field(const char *text, struct field *field)
{
    const size_t n = strspn(text + 1, WORD);
    const char *at = text + 1 + n;
    if (n == 0 || n >= sizeof field->name)
        return false;
    memcpy(field->name, text + 1, n);
    field->name[n] = '\0';
    field->width = 0;
    if (*at == ':' && strcmp(field->name, "run") == 0) {
        const size_t digits = strspn(at + 1, "0123456789");
        if (digits == 0 || digits > 2)
            return false;
        field->width = (unsigned)strtoul(at + 1, NULL, 10);
        at += 1 + digits;
    }
    if (*at != '}' || field->width > WIDTH_MAX)
        return false;
    field->length = (size_t)(at + 1 - text);
    return true;
}

/* ---- checking ---- */

static int check_characters(const char *text, struct error *error)
{
    for (const char *at = text; *at; at++) {
        struct field field;
        if (*at == '{' && read_field(at, &field))
            at += field.length - 1;
        else if (*at == '{' || *at == '}')
            return error_set(error, -EINVAL,
                             "\"%s\" has a brace that begins no field such as {date}, {run:04} or "
                             "{sample}",
                             text);
        else if ((unsigned char)*at < ' ' || *at == '\\' || *at == 127)
            return error_set(error, -EINVAL, "a name has no control characters and no backslash");
    }
    return 0;
}

int name_template_check(const char *text, struct error *error)
{
    if (*text == '\0' || strlen(text) >= NAME_TEMPLATE_SIZE)
        return error_set(error, -EINVAL, "a name has 1 to %d bytes", NAME_TEMPLATE_SIZE - 1);
    const int r = check_characters(text, error);
    if (r < 0)
        return r;
    for (const char *part = text;; part++) {
        if (*part == '/' || *part == '.' || *part == '\0')
            return error_set(error, -EINVAL,
                             "no part of \"%s\" may be empty or begin with a dot: files stay below "
                             "the directory of recordings",
                             text);
        part = strchr(part, '/');
        if (!part)
            return 0;
    }
}

/* ---- making a name ---- */

struct writer {
    char *path;
    size_t n;
    bool full;
};

static void put(struct writer *writer, char c)
{
    if (writer->n + 1 < NAME_PATH_SIZE)
        writer->path[writer->n++] = c;
    else
        writer->full = true;
}

static void put_text(struct writer *writer, const char *text)
{
    for (; *text; text++)
        put(writer, *text);
}

static bool is_harmless(char c)
{
    return strchr(WORD "-+.", c) || (unsigned char)c >= 0x80;
}

/* As it is harmless, in one piece of at most LABEL_MAX bytes that ends with a character. */
static void put_label(struct writer *writer, const char *text)
{
    size_t n = strlen(text);
    if (n > LABEL_MAX) {
        n = LABEL_MAX;
        while (n > 0 && ((unsigned char)text[n] & 0xc0) == 0x80)
            n--;
    }
    for (size_t i = 0; i < n; i++)
        put(writer, is_harmless(text[i]) && (text[i] != '.' || i > 0) ? text[i] : '_');
}

static void put_number_label(struct writer *writer, const json_t *value)
{
    char text[40];
    if (json_is_integer(value))
        snprintf(text, sizeof text, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
    else
        snprintf(text, sizeof text, "%.6g", json_real_value(value));
    put_label(writer, text);
}

static void put_value(struct writer *writer, const struct field *field, const json_t *labels)
{
    const json_t *const value = json_object_get(labels, field->name);
    if (json_is_string(value) && *json_string_value(value)) {
        put_label(writer, json_string_value(value));
    } else if (json_is_number(value)) {
        put_number_label(writer, value);
    } else {
        put_text(writer, "no-");
        put_text(writer, field->name);
    }
}

static void put_time(struct writer *writer, uint64_t unix_ns, const char *format)
{
    const time_t seconds = (time_t)(unix_ns / NS_PER_S);
    struct tm local;
    char text[24] = "";
    if (localtime_r(&seconds, &local))
        strftime(text, sizeof text, format, &local);
    put_text(writer, text);
}

static void put_run(struct writer *writer, unsigned width, uint64_t number)
{
    char text[32];
    if (number == 0) {
        put(writer, NAME_NUMBER_MARK);
        return;
    }
    snprintf(text, sizeof text, "%0*" PRIu64, (int)width, number);
    put_text(writer, text);
}

static void put_field(struct writer *writer, const struct field *field,
                      const struct name_facts *facts, const json_t *labels, uint64_t number)
{
    if (strcmp(field->name, "date") == 0)
        put_time(writer, facts->started_ns, "%Y%m%d");
    else if (strcmp(field->name, "time") == 0)
        put_time(writer, facts->started_ns, "%H%M%S");
    else if (strcmp(field->name, "run") == 0)
        put_run(writer, field->width, number);
    else if (strcmp(field->name, "id") == 0)
        for (size_t i = 0; i < 8 && facts->run_id[i]; i++)
            put(writer, facts->run_id[i]);
    else
        put_value(writer, field, labels);
}

/* Whether some part of the path is longer than a file's name may be. */
static bool has_long_part(const char *path)
{
    for (const char *part = path; part; part = strchr(part, '/') ? strchr(part, '/') + 1 : NULL) {
        if (strcspn(part, "/") > PART_MAX)
            return true;
    }
    return false;
}

int name_template_expand(const char *text, const struct name_facts *facts, uint64_t number,
                         char path[NAME_PATH_SIZE], struct error *error)
{
    json_t *const labels = *facts->labels ? json_loads(facts->labels, 0, NULL) : NULL;
    struct writer writer = {.path = path};
    for (const char *at = text; *at; at++) {
        struct field field;
        if (*at == '{' && read_field(at, &field)) {
            put_field(&writer, &field, facts, labels, number);
            at += field.length - 1;
        } else {
            put(&writer, *at);
        }
    }
    path[writer.n] = '\0';
    json_decref(labels);
    if (writer.full || has_long_part(path))
        return error_set(error, -ENAMETOOLONG,
                         "the name that \"%s\" makes is too long: use fewer labels or shorter ones",
                         text);
    return 0;
}
