#include "daemon/config/config_yaml.h"

#include <errno.h>
#include <libfyaml.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

enum {
    DEPTH_MAX = 16,
    PAIRS_MAX = 256, /* of a mapping; bounds the search for duplicates */
    ERRORS_MAX = 100,
};

struct yaml_reader {
    struct yaml_source *source;
    struct fy_parser *parser;
    unsigned line, column; /* of the newest event that had a place */
};

/* The line to quote, and its length. */
static const char *find_line(const char *text, unsigned line, size_t *length)
{
    while (line > 1 && *text) {
        const char *const end = strchr(text, '\n');
        if (!end)
            break;
        text = end + 1;
        line--;
    }
    *length = line > 1 ? 0 : strcspn(text, "\r\n");
    return text;
}

/* Tabs are repeated so that the caret stands below its character however wide the terminal makes
 * them. */
static void print_caret(FILE *out, const char *line, size_t length, unsigned column)
{
    const char *const end = line + length;
    for (unsigned i = 1; i < column && line < end; i++) {
        fputc(*line == '\t' ? '\t' : ' ', out);
        for (line++; line < end && ((unsigned char)*line & 0xc0) == 0x80; line++)
            continue;
    }
    fputs("^\n", out);
}

/* The file may hold anything; a terminal shall not obey it. */
static void print_printable(FILE *out, const char *text, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        const unsigned char c = (unsigned char)text[i];
        fputc((c < 0x20 && c != '\t') || c == 0x7f ? '?' : c, out);
    }
}

void yaml_report(struct yaml_source *source, unsigned line, unsigned column, const char *format,
                 ...)
{
    if (source->n_errors++ == 0) {
        source->line = line;
        source->column = column;
    }
    if (source->n_errors == ERRORS_MAX + 1)
        fprintf(source->messages, "%s: error: more errors are left out\n", source->name);
    if (source->n_errors > ERRORS_MAX)
        return;
    char text[1000];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    fprintf(source->messages, "%s:%u:%u: error: ", source->name, line, column);
    print_printable(source->messages, text, strlen(text));
    size_t length;
    const char *const quoted = find_line(source->shown, line, &length);
    fputs("\n  ", source->messages);
    print_printable(source->messages, quoted, length);
    fputs("\n  ", source->messages);
    print_caret(source->messages, quoted, length, column);
}

bool yaml_is_empty(const struct yaml_node *node)
{
    if (!node)
        return true;
    return node->kind == YAML_SCALAR && node->plain &&
           (!*node->text || strcmp(node->text, "null") == 0 || strcmp(node->text, "~") == 0);
}

const char *yaml_describe(const struct yaml_node *node, char *text, size_t size)
{
    if (node->kind == YAML_SEQUENCE)
        snprintf(text, size, "this list");
    else if (node->kind == YAML_MAPPING)
        snprintf(text, size, "this mapping");
    else
        snprintf(text, size, "'%s'", node->text);
    return text;
}

static void finish_node(struct yaml_node *node)
{
    for (size_t i = 0; i < node->n; i++) {
        finish_node(&node->items[i]);
        if (node->keys)
            finish_node(&node->keys[i]);
    }
    free(node->items);
    free(node->keys);
    free(node->text);
}

void yaml_destroy(struct yaml_node *root)
{
    if (!root)
        return;
    finish_node(root);
    free(root);
}

/* The next event, or NULL at the end and on errors; its place is remembered. */
static struct fy_event *next_event(struct yaml_reader *reader)
{
    struct fy_event *const event = fy_parser_parse(reader->parser);
    const struct fy_mark *const mark = event ? fy_event_start_mark(event) : NULL;
    if (mark) {
        reader->line = (unsigned)mark->line + 1;
        reader->column = (unsigned)mark->column + 1;
    }
    return event;
}

static int refuse(struct yaml_reader *reader, const char *what)
{
    yaml_report(reader->source, reader->line, reader->column, "%s", what);
    return -EINVAL;
}

static int read_scalar(struct yaml_reader *reader, struct fy_event *event, struct yaml_node *node)
{
    size_t length = 0;
    const char *text = "";
    node->plain = true;
    if (event->scalar.value) {
        const enum fy_scalar_style style = fy_scalar_token_get_style(event->scalar.value);
        text = fy_token_get_text(event->scalar.value, &length);
        node->plain = style == FYSS_PLAIN;
        /* The mark of a quoted scalar stands behind its first quote. */
        if ((style == FYSS_SINGLE_QUOTED || style == FYSS_DOUBLE_QUOTED) && node->column > 1)
            node->column--;
    }
    if (length > 0 && memchr(text, 0, length))
        return refuse(reader, "a zero byte cannot be part of a value");
    node->text = strndup(length > 0 ? text : "", length);
    return node->text ? 0 : -ENOMEM;
}

static int read_node(struct yaml_reader *reader, struct fy_event *event, struct yaml_node *node,
                     unsigned depth);

/* Makes room for one item more, in `keys` too for a mapping. */
static int grow(struct yaml_node *node)
{
    struct yaml_node *const items = realloc(node->items, (node->n + 1) * sizeof *items);
    if (!items)
        return -ENOMEM;
    node->items = items;
    items[node->n] = (struct yaml_node){0};
    if (node->kind != YAML_MAPPING)
        return 0;
    struct yaml_node *const keys = realloc(node->keys, (node->n + 1) * sizeof *keys);
    if (!keys)
        return -ENOMEM;
    node->keys = keys;
    keys[node->n] = (struct yaml_node){0};
    return 0;
}

static int read_sequence(struct yaml_reader *reader, struct yaml_node *node, unsigned depth)
{
    struct fy_event *event;
    int result = 0;
    while (result == 0 && (event = next_event(reader))) {
        if (event->type == FYET_SEQUENCE_END) {
            fy_parser_event_free(reader->parser, event);
            return 0;
        }
        result = grow(node);
        if (result == 0) {
            node->n++;
            result = read_node(reader, event, &node->items[node->n - 1], depth + 1);
        }
        fy_parser_event_free(reader->parser, event);
    }
    return result ? result : -EINVAL;
}

static void report_duplicate(struct yaml_reader *reader, const struct yaml_node *mapping)
{
    const struct yaml_node *const key = &mapping->keys[mapping->n - 1];
    for (size_t i = 0; i + 1 < mapping->n; i++) {
        if (strcmp(mapping->keys[i].text, key->text) == 0) {
            yaml_report(reader->source, key->line, key->column,
                        "key '%s' is here for a second time, first in line %u: remove one of them",
                        key->text, mapping->keys[i].line);
            return;
        }
    }
}

static int read_key(struct yaml_reader *reader, struct fy_event *event, struct yaml_node *mapping)
{
    if (mapping->n == PAIRS_MAX)
        return refuse(reader, "this mapping has too many keys");
    const int result = grow(mapping);
    if (result)
        return result;
    mapping->n++;
    if (event->type != FYET_SCALAR)
        return refuse(reader, "a key must be a plain word");
    return read_node(reader, event, &mapping->keys[mapping->n - 1], 0);
}

static int read_mapping(struct yaml_reader *reader, struct yaml_node *node, unsigned depth)
{
    struct fy_event *event;
    int result = 0;
    while (result == 0 && (event = next_event(reader))) {
        if (event->type == FYET_MAPPING_END) {
            fy_parser_event_free(reader->parser, event);
            return 0;
        }
        result = read_key(reader, event, node);
        fy_parser_event_free(reader->parser, event);
        if (result)
            break;
        report_duplicate(reader, node);
        event = next_event(reader);
        if (!event)
            break;
        result = read_node(reader, event, &node->items[node->n - 1], depth + 1);
        fy_parser_event_free(reader->parser, event);
    }
    return result ? result : -EINVAL;
}

static int read_node(struct yaml_reader *reader, struct fy_event *event, struct yaml_node *node,
                     unsigned depth)
{
    node->line = reader->line;
    node->column = reader->column;
    if (depth > DEPTH_MAX)
        return refuse(reader, "nested too deeply");
    if (event->type == FYET_ALIAS) {
        reader->column -= reader->column > 1; /* its mark stands behind the star */
        return refuse(reader, "aliases (*name) are not supported: write the value itself");
    }
    if (fy_event_get_tag_token(event))
        return refuse(reader, "tags (!name) are not supported: every key knows its type");
    switch (event->type) {
    case FYET_SCALAR:
        return read_scalar(reader, event, node);
    case FYET_SEQUENCE_START:
        node->kind = YAML_SEQUENCE;
        return read_sequence(reader, node, depth);
    case FYET_MAPPING_START:
        node->kind = YAML_MAPPING;
        return read_mapping(reader, node, depth);
    default:
        return -EINVAL;
    }
}

static int read_stream(struct yaml_reader *reader, struct yaml_node **root)
{
    struct fy_event *event;
    int result = 0;
    bool ended = false;
    while (result == 0 && !ended && (event = next_event(reader))) {
        ended = event->type == FYET_STREAM_END;
        if (event->type == FYET_DOCUMENT_START && *root) {
            result = refuse(reader, "a second document: a configuration has only one");
        } else if (event->type == FYET_SCALAR || event->type == FYET_ALIAS ||
                   event->type == FYET_SEQUENCE_START || event->type == FYET_MAPPING_START) {
            *root = calloc(1, sizeof **root);
            result = *root ? read_node(reader, event, *root, 0) : -ENOMEM;
        }
        fy_parser_event_free(reader->parser, event);
    }
    return result ? result : ended ? 0 : -EINVAL;
}

/* What is missing at the end of a text is told to be missing in the line behind it; nobody can look
 * at that one. */
static void move_to_last_line(const char *text, unsigned *line, unsigned *column)
{
    unsigned lines = 1;
    const char *last = text;
    for (const char *end; (end = strchr(last, '\n')) && end[1]; last = end + 1)
        lines++;
    if (*line <= lines)
        return;
    *line = lines;
    *column = 1;
    for (; *last && *last != '\n' && *last != '\r'; last++)
        *column += ((unsigned char)*last & 0xc0) != 0x80;
}

/* libfyaml tells follow-up errors too; the first is the one that helps. */
static void report_syntax_error(struct yaml_source *source, struct fy_diag *diag)
{
    void *iterator = NULL;
    const struct fy_diag_error *const error = fy_diag_errors_iterate(diag, &iterator);
    unsigned line = error && error->line > 0 ? (unsigned)error->line : 1;
    unsigned column = error && error->column > 0 ? (unsigned)error->column : 1;
    move_to_last_line(source->shown, &line, &column);
    yaml_report(source, line, column, "this is not YAML%s%s", error ? ": " : "",
                error ? error->msg : "");
}

int yaml_parse(struct yaml_source *source, const char *text, size_t size, struct yaml_node **root)
{
    const unsigned errors_before = source->n_errors;
    int result = -ENOMEM;
    struct fy_diag_cfg diag_settings;
    fy_diag_cfg_default(&diag_settings);
    diag_settings.fp = source->messages;
    diag_settings.colorize = false;
    struct fy_diag *const diag = fy_diag_create(&diag_settings);
    *root = NULL;
    if (!diag)
        return result;
    fy_diag_set_collect_errors(diag, true);
    const struct fy_parse_cfg settings = {.flags = FYPCF_JSON_NONE, .diag = diag};
    struct yaml_reader reader = {.source = source, .line = 1, .column = 1};
    reader.parser = fy_parser_create(&settings);
    if (reader.parser && fy_parser_set_string(reader.parser, text, size) == 0)
        result = read_stream(&reader, root);
    if (result == -EINVAL && source->n_errors == errors_before)
        report_syntax_error(source, diag);
    fy_parser_destroy(reader.parser);
    fy_diag_destroy(diag);
    if (result) {
        yaml_destroy(*root);
        *root = NULL;
    }
    return result;
}
