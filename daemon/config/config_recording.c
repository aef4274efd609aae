#include <errno.h>
#include <string.h>

#include "daemon/config/config_keys.h"
#include "daemon/config/name_template.h"

/* Types of the section `recording`. */

/* -- a template of names -- */

static int load_name_template(const struct config_key *key, const struct yaml_node *node,
                              struct config *config, struct yaml_source *source)
{
    char *const field = config_field(key, config);
    struct error error = {0};
    if (node->kind != YAML_SCALAR)
        return config_refuse(key->path, node, source,
                             "a text such as \"{date}/{sample}_{run:04}\"");
    if (name_template_check(node->text, &error) < 0) {
        yaml_report(source, node->line, node->column, "'%s': %s", key->path, error.text);
        return -EINVAL;
    }
    snprintf(field, key->size, "%s", node->text);
    return 0;
}

static void print_name_template(const struct config_key *key, const struct config *config,
                                FILE *out)
{
    config_print_quoted(config_const_field(key, config), out);
}

const struct config_type config_type_name_template = {"text", load_name_template,
                                                      print_name_template};

/* -- directories -- */

static int load_directories(const struct config_key *key, const struct yaml_node *node,
                            struct config *config, struct yaml_source *source)
{
    struct directory_list *const list = config_field(key, config);
    struct directory_list read = {0};
    if (node->kind != YAML_SEQUENCE || node->n > CONFIG_DIRECTORIES_MAX)
        return config_refuse(key->path, node, source, "a list of at most 8 absolute paths");
    for (size_t i = 0; i < node->n; i++) {
        const struct yaml_node *const item = &node->items[i];
        if (item->kind != YAML_SCALAR || item->text[0] != '/' ||
            strlen(item->text) >= sizeof read.paths[0])
            return config_refuse(key->path, item, source, "a list of absolute paths");
        strcpy(read.paths[read.n++], item->text);
    }
    *list = read;
    return 0;
}

static void print_directories(const struct config_key *key, const struct config *config, FILE *out)
{
    const struct directory_list *const list = config_const_field(key, config);
    fputc('[', out);
    for (size_t i = 0; i < list->n; i++) {
        if (i > 0)
            fputs(", ", out);
        config_print_quoted(list->paths[i], out);
    }
    fputc(']', out);
}

const struct config_type config_type_directories = {"list of paths", load_directories,
                                                    print_directories};
