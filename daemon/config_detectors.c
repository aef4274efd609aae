#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/config_keys.h"

/* The list of virtual detectors. */

#define PATH "virtual_detectors"
#define NAME_CHARACTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-"

/* No frame is larger, and a detector far outside of it is a slip. */
#define PIXELS_MAX 100000.0

/* Maps and images that are there anyway. */
static const char *const taken_names[] = {"com_y", "com_x", "sum", "latest", "measured", "bragg"};

static const char *const entry_keys[] = {"name", "shape", "centre", "radius", "inner", "outer"};
enum { ENTRY_KEYS = sizeof entry_keys / sizeof entry_keys[0] };

/* The values of one entry, NULL where it has none. */
union entry {
    struct {
        const struct yaml_node *name, *shape, *centre, *radius, *inner, *outer;
    };
    const struct yaml_node *values[ENTRY_KEYS];
};

static int sort_entry(const struct yaml_node *node, union entry *entry, struct yaml_source *source)
{
    int result = 0;
    if (node->kind != YAML_MAPPING)
        return config_refuse(
            PATH, node, source,
            "a list of {name: ..., shape: ..., ...}, each of its entries a mapping");
    for (size_t i = 0; i < node->n; i++) {
        const struct yaml_node *const key = &node->keys[i];
        size_t k = 0;
        while (k < ENTRY_KEYS && strcmp(key->text, entry_keys[k]) != 0)
            k++;
        if (k < ENTRY_KEYS) {
            entry->values[k] = &node->items[i];
            continue;
        }
        char suggestion[100];
        config_suggestion(key->text, entry_keys, ENTRY_KEYS, suggestion, sizeof suggestion);
        yaml_report(source, key->line, key->column, "unknown key '%s' of a virtual detector%s",
                    key->text, suggestion);
        result = -EINVAL;
    }
    return result;
}

static int missing(const struct yaml_node *node, struct yaml_source *source, const char *what)
{
    yaml_report(source, node->line, node->column, "this virtual detector needs %s", what);
    return -EINVAL;
}

static int load_name(const struct yaml_node *node, struct virtual_detector_settings *detector,
                     struct yaml_source *source)
{
    if (node->kind != YAML_SCALAR || yaml_is_empty(node) ||
        node->text[strspn(node->text, NAME_CHARACTERS)] ||
        strlen(node->text) >= sizeof detector->name || !*node->text)
        return config_refuse("name", node, source,
                             "made of letters, digits, '_' and '-', 47 of them at most");
    for (size_t i = 0; i < sizeof taken_names / sizeof taken_names[0]; i++) {
        if (strcmp(node->text, taken_names[i]) == 0) {
            yaml_report(source, node->line, node->column,
                        "'%s' is the name of a result that is always there: choose another",
                        node->text);
            return -EINVAL;
        }
    }
    memcpy(detector->name, node->text, strlen(node->text) + 1);
    return 0;
}

static int load_shape(const struct yaml_node *node, struct virtual_detector_settings *detector,
                      struct yaml_source *source)
{
    static const char *const shapes[] = {"disk", "annulus"};
    if (node->kind != YAML_SCALAR)
        return config_refuse("shape", node, source, "disk or annulus");
    for (int i = 0; i < 2; i++) {
        if (strcmp(node->text, shapes[i]) == 0) {
            detector->shape = (enum virtual_detector_shape)i;
            return 0;
        }
    }
    char suggestion[100];
    config_suggestion(node->text, shapes, 2, suggestion, sizeof suggestion);
    yaml_report(source, node->line, node->column, "unknown shape '%s'%s: disk and annulus exist",
                node->text, suggestion);
    return -EINVAL;
}

static int load_centre(const struct yaml_node *node, struct virtual_detector_settings *detector,
                       struct yaml_source *source)
{
    if (node->kind != YAML_SEQUENCE || node->n != 2)
        return config_refuse("centre", node, source, "[y, x], two numbers in pixels");
    const int y = config_load_real("centre", &node->items[0], -PIXELS_MAX, PIXELS_MAX,
                                   &detector->centre_y, source);
    const int x = config_load_real("centre", &node->items[1], -PIXELS_MAX, PIXELS_MAX,
                                   &detector->centre_x, source);
    detector->centre_given = true;
    return y ? y : x;
}

static int load_disk(const struct yaml_node *node, const union entry *entry,
                     struct virtual_detector_settings *detector, struct yaml_source *source)
{
    const struct yaml_node *const extra = entry->inner ? entry->inner : entry->outer;
    if (extra) {
        yaml_report(source, extra->line, extra->column,
                    "a disk has a radius; inner and outer belong to an annulus");
        return -EINVAL;
    }
    if (!entry->radius)
        return missing(node, source, "a radius");
    return config_load_real("radius", entry->radius, 0, PIXELS_MAX, &detector->outer, source);
}

static int load_annulus(const struct yaml_node *node, const union entry *entry,
                        struct virtual_detector_settings *detector, struct yaml_source *source)
{
    if (entry->radius) {
        yaml_report(source, entry->radius->line, entry->radius->column,
                    "an annulus has inner and outer; a radius belongs to a disk");
        return -EINVAL;
    }
    if (!entry->inner || !entry->outer)
        return missing(node, source, "an inner and an outer radius");
    int result = config_load_real("inner", entry->inner, 0, PIXELS_MAX, &detector->inner, source);
    const int outer =
        config_load_real("outer", entry->outer, 0, PIXELS_MAX, &detector->outer, source);
    result = result ? result : outer;
    if (result == 0 && detector->outer < detector->inner) {
        yaml_report(source, entry->outer->line, entry->outer->column,
                    "outer (%g) is smaller than inner (%g): no pixel would belong", detector->outer,
                    detector->inner);
        result = -EINVAL;
    }
    return result;
}

/* Everything that is wrong with an entry is told, so nothing here returns early. */
static int load_entry(const struct yaml_node *node, struct virtual_detector_settings *detector,
                      struct yaml_source *source)
{
    union entry entry = {.values = {NULL}};
    const unsigned errors_before = source->n_errors;
    sort_entry(node, &entry, source);
    if (node->kind != YAML_MAPPING)
        return -EINVAL;
    if (entry.name)
        load_name(entry.name, detector, source);
    else
        missing(node, source, "a name");
    if (entry.centre)
        load_centre(entry.centre, detector, source);
    if (!entry.shape)
        missing(node, source, "a shape: disk or annulus");
    else if (load_shape(entry.shape, detector, source) == 0)
        (detector->shape == VIRTUAL_DETECTOR_DISK ? load_disk : load_annulus)(node, &entry,
                                                                              detector, source);
    return source->n_errors == errors_before ? 0 : -EINVAL;
}

static void report_repeated_name(const struct yaml_node *list, size_t i,
                                 const struct virtual_detector_settings *detectors,
                                 struct yaml_source *source)
{
    for (size_t j = 0; detectors[i].name[0] && j < i; j++) {
        if (strcmp(detectors[i].name, detectors[j].name) == 0) {
            yaml_report(source, list->items[i].line, list->items[i].column,
                        "two virtual detectors are named '%s': every map needs its own name",
                        detectors[i].name);
            return;
        }
    }
}

static int load_virtual_detectors(const struct config_key *key, const struct yaml_node *node,
                                  struct config *config, struct yaml_source *source)
{
    const unsigned errors_before = source->n_errors;
    const size_t n = yaml_is_empty(node) ? 0 : node->n;
    if (!yaml_is_empty(node) && node->kind != YAML_SEQUENCE)
        return config_refuse(key->path, node, source, "a list of {name: ..., shape: ..., ...}");
    if (n > CONFIG_VIRTUAL_DETECTORS_MAX) {
        yaml_report(source, node->line, node->column,
                    "%zu virtual detectors are too many: %d are possible", n,
                    CONFIG_VIRTUAL_DETECTORS_MAX);
        return -EINVAL;
    }
    struct virtual_detector_settings *const detectors = calloc(n ? n : 1, sizeof *detectors);
    if (!detectors)
        return -ENOMEM;
    for (size_t i = 0; i < n; i++) {
        load_entry(&node->items[i], &detectors[i], source);
        report_repeated_name(node, i, detectors, source);
    }
    if (source->n_errors != errors_before) {
        free(detectors);
        return -EINVAL;
    }
    free(config->virtual_detectors);
    config->virtual_detectors = detectors;
    config->n_virtual_detectors = n;
    return 0;
}

static void print_detector(const struct virtual_detector_settings *detector, FILE *out)
{
    const bool disk = detector->shape == VIRTUAL_DETECTOR_DISK;
    /* A name may look like something else to YAML: "-", "null". */
    const bool plain =
        isalpha((unsigned char)detector->name[0]) && strcmp(detector->name, "null") != 0;
    const char *const quote = plain ? "" : "\"";
    fprintf(out, "{name: %s%s%s, shape: %s", quote, detector->name, quote,
            disk ? "disk" : "annulus");
    if (detector->centre_given) {
        fputs(", centre: [", out);
        config_print_real(detector->centre_y, out);
        fputs(", ", out);
        config_print_real(detector->centre_x, out);
        fputs("]", out);
    }
    if (!disk) {
        fputs(", inner: ", out);
        config_print_real(detector->inner, out);
    }
    fputs(disk ? ", radius: " : ", outer: ", out);
    config_print_real(detector->outer, out);
    fputs("}", out);
}

static void print_virtual_detectors(const struct config_key *key, const struct config *config,
                                    FILE *out)
{
    fputs("[", out);
    for (size_t i = 0; i < config->n_virtual_detectors; i++) {
        fputs(i ? ",\n  " : "\n  ", out);
        print_detector(&config->virtual_detectors[i], out);
    }
    fputs("]", out);
}

const struct config_type config_type_virtual_detectors = {"list", load_virtual_detectors,
                                                          print_virtual_detectors};
