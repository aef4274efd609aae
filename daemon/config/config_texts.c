#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "daemon/config/config_keys.h"

/* Types whose values are texts: hosts, addresses and paths, each checked for its form. */

#define LETTERS_DIGITS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"

static int store_text(const struct config_key *key, const struct yaml_node *node,
                      struct config *config, struct yaml_source *source)
{
    const size_t length = strlen(node->text);
    if (length >= key->size) {
        yaml_report(source, node->line, node->column, "'%s' is longer than %zu bytes", key->path,
                    key->size - 1);
        return -EINVAL;
    }
    memcpy(config_field(key, config), node->text, length + 1);
    return 0;
}

void config_print_quoted(const char *text, FILE *out)
{
    fputc('"', out);
    for (const char *at = text; *at; at++) {
        if (*at == '"' || *at == '\\')
            fputc('\\', out);
        if ((unsigned char)*at < 0x20)
            fprintf(out, "\\x%02x", (unsigned char)*at);
        else
            fputc(*at, out);
    }
    fputc('"', out);
}

/* Quoted where YAML would read something else into it. */
static void print_text(const struct config_key *key, const struct config *config, FILE *out)
{
    const char *const text = config_const_field(key, config);
    const size_t plain = strspn(text, LETTERS_DIGITS "/._-+*@:");
    if (text[0] && strchr(LETTERS_DIGITS "/._", text[0]) && !text[plain] &&
        text[plain - 1] != ':' && strcmp(text, "null") != 0) {
        fputs(text, out);
        return;
    }
    config_print_quoted(text, out);
}

static bool is_host(const char *text, size_t length)
{
    return length > 0 && strspn(text, LETTERS_DIGITS ".-_:%") >= length;
}

/* A name or an IPv4 address has no colon, an IPv6 address at least two. */
static bool has_port(const char *host)
{
    const char *const colon = strchr(host, ':');
    return colon && !strchr(colon + 1, ':');
}

static int load_host(const struct config_key *key, const struct yaml_node *node,
                     struct config *config, struct yaml_source *source)
{
    if (node->kind != YAML_SCALAR || yaml_is_empty(node) ||
        !is_host(node->text, strlen(node->text)))
        return config_refuse(key->path, node, source, "the name or the address of a computer");
    if (has_port(node->text))
        return config_refuse(key->path, node, source,
                             "the name or the address of a computer alone (its ports are "
                             "detector.command_port and detector.data_port)");
    return store_text(key, node, config, source);
}

const struct config_type config_type_host = {"name or address", load_host, print_text};

/* HOST:PORT, HOST being a name, an address, [IPv6] or *, PORT 0 to 65535 or *. */
static bool is_listen(const char *text)
{
    const char *const colon = strrchr(text, ':');
    if (!colon)
        return false;
    const char *const port = colon + 1;
    size_t length = (size_t)(colon - text);
    if (length > 2 && text[0] == '[' && colon[-1] == ']') {
        if (!is_host(text + 1, length - 2))
            return false;
    } else if (!(length == 1 && text[0] == '*') &&
               (!is_host(text, length) || memchr(text, ':', length))) {
        return false;
    }
    if (strcmp(port, "*") == 0)
        return true;
    unsigned long number = 0;
    for (length = 0; port[length] >= '0' && port[length] <= '9' && length < 6; length++)
        number = number * 10 + (unsigned long)(port[length] - '0');
    return length > 0 && !port[length] && number <= 65535;
}

static int load_listen(const struct config_key *key, const struct yaml_node *node,
                       struct config *config, struct yaml_source *source)
{
    if (node->kind != YAML_SCALAR || !is_listen(node->text))
        return config_refuse(key->path, node, source,
                             "HOST:PORT as in 127.0.0.1:6380, with a port from 0 to 65535");
    return store_text(key, node, config, source);
}

const struct config_type config_type_listen = {"HOST:PORT", load_listen, print_text};

/* A name of letters, digits, "_" and "-". */
static int load_name(const struct config_key *key, const struct yaml_node *node,
                     struct config *config, struct yaml_source *source)
{
    if (node->kind == YAML_SCALAR && strcmp(node->text, "none") == 0) {
        *(char *)config_field(key, config) = '\0';
        return 0;
    }
    if (node->kind != YAML_SCALAR || !*node->text ||
        node->text[strspn(node->text, LETTERS_DIGITS "_-")])
        return config_refuse(key->path, node, source, "none or a name of letters, digits, _ and -");
    return store_text(key, node, config, source);
}

static void print_name(const struct config_key *key, const struct config *config, FILE *out)
{
    if (*(const char *)config_const_field(key, config))
        print_text(key, config, out);
    else
        fputs("none", out);
}

const struct config_type config_type_name = {"name or none", load_name, print_name};

/* A longer path does not fit into a UNIX socket's address. */
enum { IPC_PATH_MAX = 107 };

static bool is_endpoint(const char *text)
{
    if (strncmp(text, "tcp://", 6) == 0)
        return is_listen(text + 6);
    if (strncmp(text, "ipc://", 6) == 0)
        return text[6] && strlen(text + 6) <= IPC_PATH_MAX;
    return false;
}

static int load_endpoint(const struct config_key *key, const struct yaml_node *node,
                         struct config *config, struct yaml_source *source)
{
    if (node->kind != YAML_SCALAR || !is_endpoint(node->text))
        return config_refuse(
            key->path, node, source,
            "tcp://HOST:PORT as in tcp://127.0.0.1:6350, or ipc://PATH with a path "
            "of at most 107 bytes");
    return store_text(key, node, config, source);
}

const struct config_type config_type_endpoint = {"ZeroMQ endpoint", load_endpoint, print_text};

/* The daemon may change its directory and clients live in others, so a relative path is resolved
 * here and now. */
static int load_path(const struct config_key *key, const struct yaml_node *node,
                     struct config *config, struct yaml_source *source, const char *wanted)
{
    char *const field = config_field(key, config);
    if (node->kind != YAML_SCALAR || yaml_is_empty(node) || !*node->text)
        return config_refuse(key->path, node, source, wanted);
    for (const char *at = node->text; *at; at++) {
        if ((unsigned char)*at < 0x20)
            return config_refuse(key->path, node, source, "a path without control characters");
    }
    if (node->text[0] == '/')
        return store_text(key, node, config, source);
    char here[4096];
    if (!getcwd(here, sizeof here)) {
        const int failure = errno;
        yaml_report(source, node->line, node->column,
                    "'%s' is relative, and the current directory cannot be told (%s): give an "
                    "absolute path",
                    key->path, strerror(failure));
        return -failure;
    }
    const char *rest = node->text;
    while (rest[0] == '.' && (rest[1] == '/' || !rest[1]))
        rest += rest[1] ? 2 : 1;
    const bool at_root = strcmp(here, "/") == 0;
    const int length =
        snprintf(field, key->size, "%s%s%s", here, *rest && !at_root ? "/" : "", rest);
    if (length < 0 || (size_t)length >= key->size) {
        yaml_report(source, node->line, node->column,
                    "'%s' with the current directory is longer than %zu bytes", key->path,
                    key->size - 1);
        return -EINVAL;
    }
    return 0;
}

static int load_directory(const struct config_key *key, const struct yaml_node *node,
                          struct config *config, struct yaml_source *source)
{
    return load_path(key, node, config, source, "the path of a directory");
}

const struct config_type config_type_directory = {"path", load_directory, print_text};

static int load_directory_or_auto(const struct config_key *key, const struct yaml_node *node,
                                  struct config *config, struct yaml_source *source)
{
    if (node->kind == YAML_SCALAR && strcmp(node->text, "auto") == 0) {
        *(char *)config_field(key, config) = '\0';
        return 0;
    }
    return load_path(key, node, config, source, "the path of a directory, or auto");
}

static void print_text_or(const char *none, const struct config_key *key,
                          const struct config *config, FILE *out)
{
    if (*(const char *)config_const_field(key, config))
        print_text(key, config, out);
    else
        fputs(none, out);
}

static void print_directory_or_auto(const struct config_key *key, const struct config *config,
                                    FILE *out)
{
    print_text_or("auto", key, config, out);
}

const struct config_type config_type_directory_or_auto = {"path or auto", load_directory_or_auto,
                                                          print_directory_or_auto};

static int load_file(const struct config_key *key, const struct yaml_node *node,
                     struct config *config, struct yaml_source *source)
{
    if (node->kind == YAML_SCALAR && strcmp(node->text, "none") == 0) {
        *(char *)config_field(key, config) = '\0';
        return 0;
    }
    return load_path(key, node, config, source, "the path of a file, or none");
}

static void print_file(const struct config_key *key, const struct config *config, FILE *out)
{
    print_text_or("none", key, config, out);
}

const struct config_type config_type_file = {"path or none", load_file, print_file};
