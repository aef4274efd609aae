#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/config/config_keys.h"

/* Types whose values are real numbers: one, with or without a word for "not given", or two. */

/* -- real numbers -- */

int config_load_real(const char *path, const struct yaml_node *node, double minimum, double maximum,
                     double *value, struct yaml_source *source)
{
    if (node->kind == YAML_SCALAR && *node->text && !strpbrk(node->text, " xXnN")) {
        char *end;
        const double read = strtod(node->text, &end);
        if (!*end && isfinite(read) && read >= minimum && read <= maximum) {
            *value = read;
            return 0;
        }
    }
    char wanted[100];
    snprintf(wanted, sizeof wanted, "a number from %g to %g", minimum, maximum);
    return config_refuse(path, node, source, wanted);
}

void config_print_real(double value, FILE *out)
{
    char text[40];
    for (int digits = 6; digits <= 17; digits++) {
        snprintf(text, sizeof text, "%.*g", digits, value);
        if (strtod(text, NULL) == value)
            break;
    }
    fputs(text, out);
}

static int load_real(const struct config_key *key, const struct yaml_node *node,
                     struct config *config, struct yaml_source *source)
{
    return config_load_real(key->path, node, key->minimum, key->maximum, config_field(key, config),
                            source);
}

static void print_real(const struct config_key *key, const struct config *config, FILE *out)
{
    const double *const field = config_const_field(key, config);
    config_print_real(*field, out);
}

const struct config_type config_type_real = {"number", load_real, print_real};

/* `word` stands for a number that is not given. */
static int load_real_or(const char *word, const struct config_key *key,
                        const struct yaml_node *node, struct config *config,
                        struct yaml_source *source)
{
    double *const field = config_field(key, config);
    if (node->kind == YAML_SCALAR && strcmp(node->text, word) == 0) {
        *field = NAN;
        return 0;
    }
    return load_real(key, node, config, source);
}

static void print_real_or(const char *word, const struct config_key *key,
                          const struct config *config, FILE *out)
{
    const double *const field = config_const_field(key, config);
    if (isnan(*field))
        fputs(word, out);
    else
        config_print_real(*field, out);
}

static int load_real_or_auto(const struct config_key *key, const struct yaml_node *node,
                             struct config *config, struct yaml_source *source)
{
    return load_real_or("auto", key, node, config, source);
}

static void print_real_or_auto(const struct config_key *key, const struct config *config, FILE *out)
{
    print_real_or("auto", key, config, out);
}

const struct config_type config_type_real_or_auto = {"number or auto", load_real_or_auto,
                                                     print_real_or_auto};

static int load_real_or_measure(const struct config_key *key, const struct yaml_node *node,
                                struct config *config, struct yaml_source *source)
{
    return load_real_or("measure", key, node, config, source);
}

static void print_real_or_measure(const struct config_key *key, const struct config *config,
                                  FILE *out)
{
    print_real_or("measure", key, config, out);
}

const struct config_type config_type_real_or_measure = {"number or measure", load_real_or_measure,
                                                        print_real_or_measure};

/* -- two real numbers -- */

static void print_pair(double first, double second, FILE *out)
{
    fputc('[', out);
    config_print_real(first, out);
    fputs(", ", out);
    config_print_real(second, out);
    fputc(']', out);
}

static int load_pair_or_auto(const struct config_key *key, const struct yaml_node *node,
                             struct config *config, struct yaml_source *source)
{
    double *const field = config_field(key, config);
    field[0] = field[1] = NAN;
    if (config_is_auto(node))
        return 0;
    if (node->kind != YAML_SEQUENCE || node->n != 2)
        return config_refuse(key->path, node, source, "auto or two numbers, [a, b]");
    for (unsigned i = 0; i < 2; i++) {
        if (config_load_real(key->path, &node->items[i], key->minimum, key->maximum, &field[i],
                             source) < 0)
            return -EINVAL;
    }
    return 0;
}

static void print_pair_or_auto(const struct config_key *key, const struct config *config, FILE *out)
{
    const double *const field = config_const_field(key, config);
    if (isnan(field[0]))
        fputs("auto", out);
    else
        print_pair(field[0], field[1], out);
}

const struct config_type config_type_pair_or_auto = {"two numbers or auto", load_pair_or_auto,
                                                     print_pair_or_auto};

/* -- the centre of the rings -- */

static int load_centre(const struct config_key *key, const struct yaml_node *node,
                       struct config *config, struct yaml_source *source)
{
    struct radial_settings *const rings = config_field(key, config);
    rings->centre_given = false;
    if (config_is_auto(node))
        return 0;
    if (node->kind != YAML_SEQUENCE || node->n != 2)
        return config_refuse(key->path, node, source, "auto or [y, x] in pixels");
    rings->centre_given = true;
    if (config_load_real(key->path, &node->items[0], key->minimum, key->maximum, &rings->centre_y,
                         source) < 0)
        return -EINVAL;
    return config_load_real(key->path, &node->items[1], key->minimum, key->maximum,
                            &rings->centre_x, source);
}

static void print_centre(const struct config_key *key, const struct config *config, FILE *out)
{
    const struct radial_settings *const rings = config_const_field(key, config);
    if (rings->centre_given)
        print_pair(rings->centre_y, rings->centre_x, out);
    else
        fputs("auto", out);
}

const struct config_type config_type_centre = {"[y, x] or auto", load_centre, print_centre};
