#include <errno.h>
#include <string.h>

#include "daemon/config/config_keys.h"

/* Types of values that only the page's server has. */

#define TOKEN_LETTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-"
enum { TOKEN_MIN = 16 };

static int load_token(const struct config_key *key, const struct yaml_node *node,
                      struct config *config, struct yaml_source *source)
{
    char *const field = config_field(key, config);
    const size_t length = node->kind == YAML_SCALAR ? strlen(node->text) : 0;
    *field = '\0';
    if (length > 0 && strcmp(node->text, "auto") == 0)
        return 0;
    if (length < TOKEN_MIN || length >= key->size || node->text[strspn(node->text, TOKEN_LETTERS)])
        return config_refuse(key->path, node, source,
                             "auto, or 16 to 128 letters, digits, _ and -");
    memcpy(field, node->text, length + 1);
    return 0;
}

static void print_token(const struct config_key *key, const struct config *config, FILE *out)
{
    const char *const token = config_const_field(key, config);
    if (*token)
        fprintf(out, "\"%s\"", token);
    else
        fputs("auto", out);
}

const struct config_type config_type_token = {"text or auto", load_token, print_token};

/* As browsers write it: scheme, host, perhaps a port, and nothing after it. */
static bool is_origin(const char *text)
{
    const bool plain = strncmp(text, "http://", 7) == 0;
    if (!plain && strncmp(text, "https://", 8) != 0)
        return false;
    const char *const host = text + (plain ? 7 : 8);
    return *host && !host[strspn(host, TOKEN_LETTERS ".:[]")];
}

static int add_origin(const struct config_key *key, const struct yaml_node *node, char *field,
                      struct yaml_source *source)
{
    if (node->kind != YAML_SCALAR || !is_origin(node->text))
        return config_refuse(key->path, node, source,
                             "a list of origins as in [\"http://merlin.example.org:6380\"]");
    const size_t used = strlen(field);
    if (used + strlen(node->text) + 2 > key->size) {
        yaml_report(source, node->line, node->column, "'%s' is longer than %zu bytes in all",
                    key->path, key->size - 1);
        return -EINVAL;
    }
    snprintf(field + used, key->size - used, "%s%s", used > 0 ? " " : "", node->text);
    return 0;
}

static int load_origins(const struct config_key *key, const struct yaml_node *node,
                        struct config *config, struct yaml_source *source)
{
    char *const field = config_field(key, config);
    *field = '\0';
    if (node->kind != YAML_SEQUENCE)
        return config_refuse(key->path, node, source,
                             "a list of origins as in [\"http://merlin.example.org:6380\"]");
    int r = 0;
    for (size_t i = 0; i < node->n && r == 0; i++)
        r = add_origin(key, &node->items[i], field, source);
    return r;
}

static void print_origins(const struct config_key *key, const struct config *config, FILE *out)
{
    const char *at = config_const_field(key, config);
    fputc('[', out);
    while (*at) {
        const size_t length = strcspn(at, " ");
        fprintf(out, "\"%.*s\"%s", (int)length, at, at[length] ? ", " : "");
        at += length + (at[length] != '\0');
    }
    fputc(']', out);
}

const struct config_type config_type_origins = {"list of origins", load_origins, print_origins};
