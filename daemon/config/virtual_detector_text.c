#include "daemon/config/virtual_detector_text.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/config/config_keys.h"
#include "daemon/config/result_names.h"

/* No frame is larger, and a detector far outside of it is a slip. */
#define PIXELS_MAX 100000.0
#define DEGREES_MAX 3600.0
#define K_MAX 1000.0 /* nm^-1; electrons scatter to about 30 */

enum key {
    KEY_NAME,
    KEY_SHAPE,
    KEY_CENTRE,
    KEY_RADIUS,
    KEY_INNER,
    KEY_OUTER,
    KEY_ANGLES,
    KEY_SECTORS,
    KEY_START_ANGLE,
    KEY_SIZE,
    KEY_K_INNER,
    KEY_K_OUTER,
    KEY_PIXEL_SIZE_K,
    KEY_MASK,
    KEY_EDGE,
    KEY_MODE,
    N_KEYS
};

static const char *const key_names[N_KEYS] = {
    "name",        "shape", "centre",  "radius",  "inner",        "outer", "angles", "sectors",
    "start_angle", "size",  "k_inner", "k_outer", "pixel_size_k", "mask",  "edge",   "mode",
};

#define BIT(key) (1u << KEY_##key)
#define EVERY (BIT(NAME) | BIT(SHAPE) | BIT(MODE))
#define PLACED (EVERY | BIT(CENTRE) | BIT(EDGE))

/* Which keys a shape must have, and which it may have besides. */
static const struct shape_keys {
    const char *phrase;
    unsigned required, optional;
} shape_keys[VIRTUAL_DETECTOR_SHAPES] = {
    [VIRTUAL_DETECTOR_DISK] = {"a disk", BIT(RADIUS), PLACED},
    [VIRTUAL_DETECTOR_ANNULUS] = {"an annulus", BIT(INNER) | BIT(OUTER), PLACED},
    [VIRTUAL_DETECTOR_SECTOR] = {"a sector", BIT(OUTER) | BIT(ANGLES), PLACED | BIT(INNER)},
    [VIRTUAL_DETECTOR_SEGMENTED] = {"a segmented detector", BIT(OUTER) | BIT(SECTORS),
                                    PLACED | BIT(INNER) | BIT(START_ANGLE)},
    [VIRTUAL_DETECTOR_RECTANGLE] = {"a rectangle", BIT(SIZE), PLACED},
    [VIRTUAL_DETECTOR_POINT] = {"a point", BIT(CENTRE), EVERY},
    [VIRTUAL_DETECTOR_K_BAND] = {"a k_band", BIT(K_INNER) | BIT(K_OUTER),
                                 PLACED | BIT(PIXEL_SIZE_K)},
    [VIRTUAL_DETECTOR_MASK] = {"a mask", BIT(MASK), EVERY},
};

/* The values of one entry, NULL where it has none. */
struct entry {
    const struct yaml_node *node;
    const struct yaml_node *values[N_KEYS];
    struct yaml_source *source;
    const char *missing; /* the first key that should be there */
    bool mask_may_follow;
};

static void sort_entry(struct entry *entry)
{
    for (size_t i = 0; i < entry->node->n; i++) {
        const struct yaml_node *const key = &entry->node->keys[i];
        size_t k = 0;
        while (k < N_KEYS && strcmp(key->text, key_names[k]) != 0)
            k++;
        if (k < N_KEYS) {
            entry->values[k] = &entry->node->items[i];
            continue;
        }
        char suggestion[100];
        config_suggestion(key->text, key_names, N_KEYS, suggestion, sizeof suggestion);
        yaml_report(entry->source, key->line, key->column,
                    "unknown key '%s' of a virtual detector%s", key->text, suggestion);
    }
}

static void missing(struct entry *entry, enum key key, const char *what)
{
    if (entry->source->n_errors == 0)
        entry->missing = key_names[key];
    yaml_report(entry->source, entry->node->line, entry->node->column,
                "this virtual detector needs %s", what);
}

static void load_name(struct entry *entry, struct virtual_detector_settings *settings)
{
    const struct yaml_node *const node = entry->values[KEY_NAME];
    if (!node) {
        missing(entry, KEY_NAME, "a name");
        return;
    }
    if (node->kind != YAML_SCALAR || yaml_is_empty(node) ||
        node->text[strspn(node->text, RESULT_NAME_CHARACTERS)] ||
        strlen(node->text) >= sizeof settings->name || !*node->text) {
        config_refuse("name", node, entry->source,
                      "made of letters, digits, '_' and '-', 47 of them at most");
        return;
    }
    if (result_name_is_reserved(node->text)) {
        yaml_report(entry->source, node->line, node->column,
                    "'%s' is the name of a result that is always there: choose another",
                    node->text);
        return;
    }
    memcpy(settings->name, node->text, strlen(node->text) + 1);
}

/* The index of a word in a list, which is told when the word is not in it; -1 then. */
static int load_word(const struct entry *entry, enum key key, const char *const *words, int n)
{
    const struct yaml_node *const node = entry->values[key];
    char suggestion[100], list[200] = "";
    for (int i = 0; i < n; i++) {
        if (node->kind == YAML_SCALAR && strcmp(node->text, words[i]) == 0)
            return i;
        if (i > 0)
            strcat(list, i == n - 1 ? " and " : ", ");
        strcat(list, words[i]);
    }
    if (node->kind != YAML_SCALAR) {
        config_refuse(key_names[key], node, entry->source, "a single word");
        return -1;
    }
    config_suggestion(node->text, words, (size_t)n, suggestion, sizeof suggestion);
    yaml_report(entry->source, node->line, node->column, "unknown %s '%s'%s: %s exist",
                key_names[key], node->text, suggestion, list);
    return -1;
}

static bool load_shape(struct entry *entry, struct virtual_detector_settings *settings)
{
    const char *names[VIRTUAL_DETECTOR_SHAPES];
    for (int i = 0; i < VIRTUAL_DETECTOR_SHAPES; i++)
        names[i] = virtual_detector_shape_name((enum virtual_detector_shape)i);
    if (!entry->values[KEY_SHAPE]) {
        missing(entry, KEY_SHAPE, "a shape: disk, annulus, ...");
        return false;
    }
    const int shape = load_word(entry, KEY_SHAPE, names, VIRTUAL_DETECTOR_SHAPES);
    if (shape < 0)
        return false;
    settings->shape = (enum virtual_detector_shape)shape;
    return true;
}

/* Whether the entry has the keys of its shape and no others. */
static void check_keys(struct entry *entry, enum virtual_detector_shape shape)
{
    const struct shape_keys *const keys = &shape_keys[shape];
    for (enum key key = 0; key < N_KEYS; key++) {
        const struct yaml_node *const value = entry->values[key];
        if (value && !((keys->required | keys->optional) & 1u << key))
            yaml_report(entry->source, value->line, value->column, "%s has no '%s'", keys->phrase,
                        key_names[key]);
        if (!value && keys->required & 1u << key && !(key == KEY_MASK && entry->mask_may_follow)) {
            char text[60];
            snprintf(text, sizeof text, "'%s', being %s", key_names[key], keys->phrase);
            missing(entry, key, text);
        }
    }
}

static void load_real(const struct entry *entry, enum key key, double minimum, double maximum,
                      double *value)
{
    if (entry->values[key])
        config_load_real(key_names[key], entry->values[key], minimum, maximum, value,
                         entry->source);
}

/* Two numbers in brackets. */
static bool load_pair(const struct entry *entry, enum key key, double minimum, double maximum,
                      double *first, double *second, const char *wanted)
{
    const struct yaml_node *const node = entry->values[key];
    if (!node)
        return false;
    if (node->kind != YAML_SEQUENCE || node->n != 2) {
        config_refuse(key_names[key], node, entry->source, wanted);
        return false;
    }
    const int a =
        config_load_real(key_names[key], &node->items[0], minimum, maximum, first, entry->source);
    const int b =
        config_load_real(key_names[key], &node->items[1], minimum, maximum, second, entry->source);
    return a == 0 && b == 0;
}

/* The second of two values is wrong when it is smaller than the first. */
static void check_order(const struct entry *entry, enum key first, enum key second, double lower,
                        double upper)
{
    const struct yaml_node *const node = entry->values[second];
    if (node && upper < lower)
        yaml_report(entry->source, node->line, node->column,
                    "%s (%g) is smaller than %s (%g): no pixel would belong", key_names[second],
                    upper, key_names[first], lower);
}

static void load_lengths(const struct entry *entry, struct virtual_detector_settings *settings)
{
    const unsigned errors_before = entry->source->n_errors;
    load_real(entry, KEY_RADIUS, 0, PIXELS_MAX, &settings->outer);
    load_real(entry, KEY_INNER, 0, PIXELS_MAX, &settings->inner);
    load_real(entry, KEY_OUTER, 0, PIXELS_MAX, &settings->outer);
    load_real(entry, KEY_K_INNER, 0, K_MAX, &settings->k_inner);
    load_real(entry, KEY_K_OUTER, 0, K_MAX, &settings->k_outer);
    load_real(entry, KEY_PIXEL_SIZE_K, 1e-6, K_MAX, &settings->pixel_size_k);
    load_pair(entry, KEY_SIZE, 0, PIXELS_MAX, &settings->height, &settings->width,
              "[height, width], two numbers in pixels");
    if (entry->source->n_errors != errors_before)
        return;
    check_order(entry, KEY_INNER, KEY_OUTER, settings->inner, settings->outer);
    check_order(entry, KEY_K_INNER, KEY_K_OUTER, settings->k_inner, settings->k_outer);
}

static void load_angles(const struct entry *entry, struct virtual_detector_settings *settings)
{
    const struct yaml_node *const angles = entry->values[KEY_ANGLES];
    load_real(entry, KEY_START_ANGLE, -DEGREES_MAX, DEGREES_MAX, &settings->start_angle);
    if (load_pair(entry, KEY_ANGLES, -DEGREES_MAX, DEGREES_MAX, &settings->start_angle,
                  &settings->stop_angle, "[start, stop], two azimuths in degrees") &&
        !(settings->start_angle < settings->stop_angle &&
          settings->stop_angle <= settings->start_angle + 360))
        yaml_report(entry->source, angles->line, angles->column,
                    "angles must be [start, stop] with stop larger than start, by 360 at most: "
                    "write [350, 370] for a sector across 0");
    double sectors = 0;
    const struct yaml_node *const n = entry->values[KEY_SECTORS];
    load_real(entry, KEY_SECTORS, 2, VIRTUAL_DETECTOR_SECTORS_MAX, &sectors);
    settings->n_sectors = (unsigned)sectors;
    if (settings->n_sectors != sectors)
        config_refuse("sectors", n, entry->source, "a whole number");
}

/* The daemon may change its directory, so a relative path is resolved here and now. */
static void load_mask(const struct entry *entry, struct virtual_detector_settings *settings)
{
    const struct yaml_node *const node = entry->values[KEY_MASK];
    char here[sizeof settings->mask_path] = "";
    if (!node)
        return;
    bool good = node->kind == YAML_SCALAR && !yaml_is_empty(node) && *node->text;
    for (const char *at = node->text; good && *at; at++)
        good = (unsigned char)*at >= 0x20;
    if (!good) {
        config_refuse("mask", node, entry->source, "the path of a .npy file");
        return;
    }
    const bool absolute = node->text[0] == '/';
    if (!absolute && !getcwd(here, sizeof here)) {
        yaml_report(entry->source, node->line, node->column,
                    "the current directory cannot be told (%s): give an absolute path",
                    strerror(errno));
        return;
    }
    const size_t room = sizeof settings->mask_path;
    const size_t before = strlen(here), length = strlen(node->text);
    if (before + length + 2 > room) {
        yaml_report(entry->source, node->line, node->column,
                    "the path of this mask is longer than %zu bytes", room - 1);
        return;
    }
    memcpy(settings->mask_path, here, before);
    settings->mask_path[before] = '/';
    memcpy(settings->mask_path + before + !absolute, node->text, length + 1);
}

static void load_words(const struct entry *entry, struct virtual_detector_settings *settings)
{
    const char *const edges[] = {virtual_detector_edge_name(VIRTUAL_DETECTOR_HARD),
                                 virtual_detector_edge_name(VIRTUAL_DETECTOR_ANTIALIASED)};
    const char *const modes[] = {virtual_detector_mode_name(VIRTUAL_DETECTOR_SUM),
                                 virtual_detector_mode_name(VIRTUAL_DETECTOR_MEAN)};
    if (entry->values[KEY_EDGE])
        settings->edge = load_word(entry, KEY_EDGE, edges, 2) == 1 ? VIRTUAL_DETECTOR_ANTIALIASED
                                                                   : VIRTUAL_DETECTOR_HARD;
    if (entry->values[KEY_MODE])
        settings->mode = load_word(entry, KEY_MODE, modes, 2) == 1 ? VIRTUAL_DETECTOR_MEAN
                                                                   : VIRTUAL_DETECTOR_SUM;
}

/* Everything that is wrong with an entry is told, so nothing here returns early. */
static int load_entry(struct virtual_detector_settings *settings, struct entry *entry)
{
    const unsigned errors_before = entry->source->n_errors;
    *settings = (struct virtual_detector_settings){0};
    if (entry->node->kind != YAML_MAPPING)
        return config_refuse(
            "virtual_detectors", entry->node, entry->source,
            "a list of {name: ..., shape: ..., ...}, each of its entries a mapping");
    sort_entry(entry);
    load_name(entry, settings);
    settings->centre_given =
        load_pair(entry, KEY_CENTRE, -PIXELS_MAX, PIXELS_MAX, &settings->centre_y,
                  &settings->centre_x, "[y, x], two numbers in pixels");
    if (load_shape(entry, settings))
        check_keys(entry, settings->shape);
    load_lengths(entry, settings);
    load_angles(entry, settings);
    load_words(entry, settings);
    load_mask(entry, settings);
    return entry->source->n_errors == errors_before ? 0 : -EINVAL;
}

int virtual_detector_load(struct virtual_detector_settings *settings, const struct yaml_node *node,
                          struct yaml_source *source)
{
    struct entry entry = {.node = node, .source = source};
    return load_entry(settings, &entry);
}

/* The messages made for a person at a terminal, as one sentence: what follows each "error: ". */
static void put_in_one_sentence(const char *messages, struct error *error)
{
    char text[sizeof error->text] = "";
    size_t used = 0;
    for (const char *at = messages; (at = strstr(at, ": error: "));) {
        at += strlen(": error: ");
        const size_t length = strcspn(at, "\n");
        const int added =
            snprintf(text + used, sizeof text - used, "%s%.*s", used ? "; " : "", (int)length, at);
        used += added > 0 ? (size_t)added : 0;
        if (used >= sizeof text)
            break;
    }
    error_set(error, -EINVAL, "%s", text);
}

/* Of a text of one line: errors point at a key or at what follows it. */
static const char *key_at_fault(const struct entry *entry)
{
    const struct yaml_node *last = NULL;
    for (size_t i = 0; i < entry->node->n; i++) {
        const struct yaml_node *const key = &entry->node->keys[i];
        if (key->column <= entry->source->column && (!last || key->column > last->column))
            last = key;
    }
    for (int key = 0; last && key < N_KEYS; key++) {
        if (strcmp(last->text, key_names[key]) == 0)
            return key_names[key];
    }
    return entry->missing;
}

int virtual_detector_from_text(struct virtual_detector_settings *settings, const char *text,
                               const char **key, struct error *error)
{
    *key = NULL;
    char *messages = NULL;
    size_t size;
    struct yaml_node *root = NULL;
    FILE *const stream = open_memstream(&messages, &size);
    if (!stream)
        return error_set(error, -ENOMEM, "no memory for a virtual detector");
    struct yaml_source source = {.name = "request", .shown = text, .messages = stream};
    struct yaml_node nothing = {.kind = YAML_SCALAR, .line = 1, .column = 1, .text = (char[]){""}};
    int status = yaml_parse(&source, text, strlen(text), &root);
    if (!status) {
        struct entry entry = {
            .node = root ? root : &nothing, .source = &source, .mask_may_follow = true};
        status = load_entry(settings, &entry);
        if (status && entry.node->kind == YAML_MAPPING)
            *key = key_at_fault(&entry);
    }
    if (!status && source.n_errors > 0)
        status = -EINVAL;
    fclose(stream);
    if (status == -ENOMEM)
        error_set(error, -ENOMEM, "no memory for a virtual detector");
    else if (status)
        put_in_one_sentence(messages, error);
    yaml_destroy(root);
    free(messages);
    return status;
}
