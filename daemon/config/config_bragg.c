#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/config/config_keys.h"

/* What only the search for Bragg reflections has: the threshold that makes a phase of a map. */

static int load_threshold(const struct config_key *key, const struct yaml_node *node,
                          struct config *config, struct yaml_source *source)
{
    struct threshold *const field = (struct threshold *)((char *)config + key->offset);
    const char *const *const names = threshold_rule_names;
    *field = (struct threshold){0};
    for (unsigned i = 0; node->kind == YAML_SCALAR && names[i]; i++) {
        if (strcmp(node->text, names[i]) == 0) {
            field->rule = (enum threshold_rule)i;
            return 0;
        }
    }
    char *end = NULL;
    const double level = node->kind == YAML_SCALAR ? strtod(node->text, &end) : 0;
    if (!end || end == node->text || *end || !isfinite(level))
        return config_refuse(key->path, node, source, "half, median, otsu or a number");
    *field = (struct threshold){.rule = THRESHOLD_VALUE, .level = level};
    return 0;
}

static void print_threshold(const struct config_key *key, const struct config *config, FILE *out)
{
    const struct threshold *const field =
        (const struct threshold *)((const char *)config + key->offset);
    if (field->rule == THRESHOLD_VALUE)
        config_print_real(field->level, out);
    else
        fputs(threshold_rule_names[field->rule], out);
}

const struct config_type config_type_threshold = {"half, median, otsu or number", load_threshold,
                                                  print_threshold};
