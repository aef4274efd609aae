#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/config/config_keys.h"

/* Types whose values are truths, whole numbers, sizes, words or the shape of a scan; what all types
 * share. */

void *config_field(const struct config_key *key, struct config *config)
{
    return (char *)config + key->offset;
}

const void *config_const_field(const struct config_key *key, const struct config *config)
{
    return (const char *)config + key->offset;
}

bool config_is_auto(const struct yaml_node *node)
{
    return node->kind == YAML_SCALAR &&
           (strcmp(node->text, "auto") == 0 || strcmp(node->text, "0") == 0);
}

int config_refuse(const char *path, const struct yaml_node *node, struct yaml_source *source,
                  const char *wanted)
{
    char what[200];
    if (yaml_is_empty(node))
        snprintf(what, sizeof what, "left empty");
    else
        yaml_describe(node, what, sizeof what);
    yaml_report(source, node->line, node->column, "'%s' must be %s, not %s", path, wanted, what);
    return -EINVAL;
}

/* -- true and false -- */

static int load_bool(const struct config_key *key, const struct yaml_node *node,
                     struct config *config, struct yaml_source *source)
{
    bool *const field = config_field(key, config);
    const bool is_true = node->kind == YAML_SCALAR && strcmp(node->text, "true") == 0;
    const bool is_false = node->kind == YAML_SCALAR && strcmp(node->text, "false") == 0;
    if (!is_true && !is_false)
        return config_refuse(key->path, node, source, "true or false");
    *field = is_true;
    return 0;
}

static void print_bool(const struct config_key *key, const struct config *config, FILE *out)
{
    const bool *const field = config_const_field(key, config);
    fputs(*field ? "true" : "false", out);
}

const struct config_type config_type_bool = {"true or false", load_bool, print_bool};

/* -- whole numbers -- */

/* Digits only; *end receives what follows them. */
static bool read_digits(const char *text, uint64_t *value, const char **end)
{
    if (*text < '0' || *text > '9')
        return false;
    char *after;
    errno = 0;
    *value = strtoull(text, &after, 10);
    *end = after;
    return errno == 0;
}

static void store_number(const struct config_key *key, struct config *config, uint64_t value)
{
    void *const field = config_field(key, config);
    const uint16_t value16 = (uint16_t)value;
    const uint32_t value32 = (uint32_t)value;
    memcpy(field,
           key->size == sizeof value16   ? (const void *)&value16
           : key->size == sizeof value32 ? (const void *)&value32
                                         : (const void *)&value,
           key->size);
}

static uint64_t number_of(const struct config_key *key, const struct config *config)
{
    const void *const field = config_const_field(key, config);
    uint16_t value16;
    uint32_t value32;
    uint64_t value64;
    switch (key->size) {
    case sizeof value16:
        memcpy(&value16, field, sizeof value16);
        return value16;
    case sizeof value32:
        memcpy(&value32, field, sizeof value32);
        return value32;
    default:
        memcpy(&value64, field, sizeof value64);
        return value64;
    }
}

static bool read_number(const struct yaml_node *node, double minimum, double maximum,
                        uint64_t *value)
{
    const char *end;
    return node->kind == YAML_SCALAR && read_digits(node->text, value, &end) && !*end &&
           (double)*value >= minimum && (double)*value <= maximum;
}

static int refuse_number(const struct config_key *key, const struct yaml_node *node,
                         struct yaml_source *source, const char *or_else)
{
    char wanted[100];
    snprintf(wanted, sizeof wanted, "%sa whole number from %.0f to %.0f", or_else, key->minimum,
             key->maximum);
    return config_refuse(key->path, node, source, wanted);
}

static int load_number(const struct config_key *key, const struct yaml_node *node,
                       struct config *config, struct yaml_source *source)
{
    uint64_t value;
    if (!read_number(node, key->minimum, key->maximum, &value))
        return refuse_number(key, node, source, "");
    store_number(key, config, value);
    return 0;
}

static void print_number(const struct config_key *key, const struct config *config, FILE *out)
{
    fprintf(out, "%llu", (unsigned long long)number_of(key, config));
}

const struct config_type config_type_number = {"whole number", load_number, print_number};

static int load_number_or_auto(const struct config_key *key, const struct yaml_node *node,
                               struct config *config, struct yaml_source *source)
{
    uint64_t value = 0;
    if (!config_is_auto(node) && !read_number(node, key->minimum, key->maximum, &value))
        return refuse_number(key, node, source, "auto or ");
    store_number(key, config, value);
    return 0;
}

static void print_number_or_auto(const struct config_key *key, const struct config *config,
                                 FILE *out)
{
    if (number_of(key, config) == 0)
        fputs("auto", out);
    else
        print_number(key, config, out);
}

const struct config_type config_type_number_or_auto = {"whole number or auto", load_number_or_auto,
                                                       print_number_or_auto};

/* -- sizes in bytes -- */

static const struct {
    const char *name;
    uint64_t bytes;
} size_units[] = {
    {"TiB", UINT64_C(1) << 40},
    {"GiB", UINT64_C(1) << 30},
    {"MiB", UINT64_C(1) << 20},
    {"KiB", UINT64_C(1) << 10},
    {"TB", UINT64_C(1000000000000)},
    {"GB", UINT64_C(1000000000)},
    {"MB", UINT64_C(1000000)},
    {"kB", UINT64_C(1000)},
    {"B", 1},
    {"", 1},
};

static bool read_size(const char *text, uint64_t *bytes)
{
    const char *unit;
    uint64_t value;
    if (!read_digits(text, &value, &unit))
        return false;
    unit += strspn(unit, " ");
    for (size_t i = 0; i < sizeof size_units / sizeof size_units[0]; i++) {
        if (strcmp(unit, size_units[i].name) == 0)
            return !__builtin_mul_overflow(value, size_units[i].bytes, bytes);
    }
    return false;
}

static int load_size_or_auto(const struct config_key *key, const struct yaml_node *node,
                             struct config *config, struct yaml_source *source)
{
    uint64_t *const field = config_field(key, config);
    uint64_t bytes = 0;
    const bool valid =
        config_is_auto(node) || (node->kind == YAML_SCALAR && read_size(node->text, &bytes) &&
                                 (double)bytes >= key->minimum && (double)bytes <= key->maximum);
    if (!valid)
        return config_refuse(
            key->path, node, source,
            "auto or a size from 1MiB to 16TiB, a whole number with a unit as in 512MiB or 2GiB");
    *field = bytes;
    return 0;
}

/* In the unit that makes the number smallest without a fraction. */
static void print_size_or_auto(const struct config_key *key, const struct config *config, FILE *out)
{
    const uint64_t bytes = number_of(key, config);
    if (bytes == 0) {
        fputs("auto", out);
        return;
    }
    size_t best = sizeof size_units / sizeof size_units[0] - 1;
    for (size_t i = best; i-- > 0;) {
        if (bytes % size_units[i].bytes == 0 && size_units[i].bytes > size_units[best].bytes)
            best = i;
    }
    fprintf(out, "%llu%s", (unsigned long long)(bytes / size_units[best].bytes),
            size_units[best].name);
}

const struct config_type config_type_size_or_auto = {"size or auto", load_size_or_auto,
                                                     print_size_or_auto};

/* -- one of several words -- */

static int load_choice(const struct config_key *key, const struct yaml_node *node,
                       struct config *config, struct yaml_source *source)
{
    size_t n = 0;
    char wanted[200] = "one of";
    for (; key->choices[n]; n++) {
        if (node->kind == YAML_SCALAR && strcmp(node->text, key->choices[n]) == 0) {
            store_number(key, config, n);
            return 0;
        }
        const size_t length = strlen(wanted);
        snprintf(wanted + length, sizeof wanted - length, "%s %s", n ? "," : "", key->choices[n]);
    }
    if (node->kind != YAML_SCALAR || yaml_is_empty(node))
        return config_refuse(key->path, node, source, wanted);
    char suggestion[100];
    config_suggestion(node->text, key->choices, n, suggestion, sizeof suggestion);
    yaml_report(source, node->line, node->column, "'%s' must be %s, not '%s'%s", key->path, wanted,
                node->text, suggestion);
    return -EINVAL;
}

static void print_choice(const struct config_key *key, const struct config *config, FILE *out)
{
    fputs(key->choices[number_of(key, config)], out);
}

const struct config_type config_type_choice = {"one of", load_choice, print_choice};

/* -- the shape of a scan -- */

static int load_scan_shape(const struct config_key *key, const struct yaml_node *node,
                           struct config *config, struct yaml_source *source)
{
    struct scan_geometry *const scan = config_field(key, config);
    uint64_t shape[2] = {0, 0};
    bool valid = config_is_auto(node);
    if (node->kind == YAML_SEQUENCE && node->n == 2)
        valid = read_number(&node->items[0], key->minimum, key->maximum, &shape[0]) &&
                read_number(&node->items[1], key->minimum, key->maximum, &shape[1]) &&
                shape[0] * shape[1] <= UINT32_MAX;
    if (!valid)
        return config_refuse(key->path, node, source,
                             "auto or [ny, nx], two whole numbers of 1 or more with fewer than "
                             "2^32 positions together");
    scan->ny = (uint32_t)shape[0];
    scan->nx = (uint32_t)shape[1];
    return 0;
}

static void print_scan_shape(const struct config_key *key, const struct config *config, FILE *out)
{
    const struct scan_geometry *const scan = config_const_field(key, config);
    if (scan->ny == 0)
        fputs("auto", out);
    else
        fprintf(out, "[%u, %u]", scan->ny, scan->nx);
}

const struct config_type config_type_scan_shape = {"[ny, nx] or auto", load_scan_shape,
                                                   print_scan_shape};
