#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/config/config_keys.h"
#include "daemon/config/virtual_detector_text.h"

/* The list of virtual detectors. */

static void report_repeated_name(const struct yaml_node *list, size_t i,
                                 const struct virtual_detector_settings *detectors,
                                 struct yaml_source *source)
{
    for (size_t j = 0; detectors[i].name[0] && j < i; j++) {
        if (!detectors[j].name[0] || !virtual_detectors_share_a_name(&detectors[i], &detectors[j]))
            continue;
        if (strcmp(detectors[i].name, detectors[j].name) == 0)
            yaml_report(source, list->items[i].line, list->items[i].column,
                        "two virtual detectors are named '%s': every map needs its own name",
                        detectors[i].name);
        else
            yaml_report(source, list->items[i].line, list->items[i].column,
                        "the virtual detectors '%s' and '%s' have maps of the same name (those of "
                        "a segmented one are numbered): every map needs its own name",
                        detectors[j].name, detectors[i].name);
        return;
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
        virtual_detector_load(&detectors[i], &node->items[i], source);
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

static void print_virtual_detectors(const struct config_key *key, const struct config *config,
                                    FILE *out)
{
    fputs("[", out);
    for (size_t i = 0; i < config->n_virtual_detectors; i++) {
        fputs(i ? ",\n  " : "\n  ", out);
        virtual_detector_print(&config->virtual_detectors[i], out);
    }
    fputs("]", out);
}

const struct config_type config_type_virtual_detectors = {"list", load_virtual_detectors,
                                                          print_virtual_detectors};
