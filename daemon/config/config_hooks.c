#include <errno.h>
#include <string.h>

#include "daemon/config/config_keys.h"

/* Types of the section `hooks`. */

static bool add_word(struct command_words *command, const char *word)
{
    const char *end = command->text;
    for (size_t i = 0; i < command->n; i++)
        end += strlen(end) + 1;
    const size_t used = (size_t)(end - command->text), length = strlen(word);
    if (length >= sizeof command->text - used)
        return false;
    memcpy(command->text + used, word, length + 1);
    command->n++;
    return true;
}

static int load_command(const struct config_key *key, const struct yaml_node *node,
                        struct config *config, struct yaml_source *source)
{
    static const char *const wanted = "a list of texts: a program's absolute path, its arguments";
    struct command_words *const field = config_field(key, config);
    struct command_words command = {0};
    if (node->kind != YAML_SEQUENCE)
        return config_refuse(key->path, node, source, wanted);
    for (size_t i = 0; i < node->n; i++) {
        const struct yaml_node *const item = &node->items[i];
        if (item->kind != YAML_SCALAR || (i == 0 && item->text[0] != '/') ||
            !add_word(&command, item->text))
            return config_refuse(key->path, item, source, wanted);
    }
    *field = command;
    return 0;
}

static void print_command(const struct config_key *key, const struct config *config, FILE *out)
{
    const struct command_words *const command = config_const_field(key, config);
    const char *word = command->text;
    fputc('[', out);
    for (size_t i = 0; i < command->n; i++, word += strlen(word) + 1) {
        fputs(i ? ", " : "", out);
        config_print_quoted(word, out);
    }
    fputc(']', out);
}

const struct config_type config_type_command = {"list of texts", load_command, print_command};
