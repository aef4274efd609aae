#include "daemon/config/config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "daemon/config/config_keys.h"

enum { FILE_SIZE_MAX = 1 << 20, PATH_SIZE = 256 };

/* One pass over a source: what is loaded, into what, and what to remember of it. */
struct loader {
    struct config *config;
    struct yaml_source *source;
    enum config_origin_kind origin;
};

static const struct config_key *find_key(const char *path)
{
    for (size_t i = 0; i < CONFIG_KEYS; i++) {
        if (strcmp(config_keys[i].path, path) == 0)
            return &config_keys[i];
    }
    return NULL;
}

static const struct config_section *find_section(const char *path)
{
    for (size_t i = 0; i < config_n_sections; i++) {
        if (strcmp(config_sections[i].path, path) == 0)
            return &config_sections[i];
    }
    return NULL;
}

/* In a file a key stands below its section; with dots in one word it works for -o only. */
static void report_unknown(const struct loader *loader, const char *path,
                           const struct yaml_node *key)
{
    const char *candidates[CONFIG_KEYS + 32];
    char suggestion[PATH_SIZE + 32];
    size_t n = 0;
    for (; n < CONFIG_KEYS; n++)
        candidates[n] = config_keys[n].path;
    for (size_t i = 0; i < config_n_sections && n < sizeof candidates / sizeof candidates[0]; i++)
        candidates[n++] = config_sections[i].path;
    if (loader->origin == CONFIG_FROM_FILE && strchr(key->text, '.') && find_key(path)) {
        yaml_report(loader->source, key->line, key->column,
                    "'%s' is written in parts: '%s' goes below its section", path,
                    strrchr(path, '.') + 1);
        return;
    }
    yaml_report(loader->source, key->line, key->column, "unknown key '%s'%s", path,
                config_suggestion(path, candidates, n, suggestion, sizeof suggestion));
}

static int load_key(const struct loader *loader, const struct config_key *key,
                    const struct yaml_node *value, unsigned line)
{
    const int result = key->type->load(key, value, loader->config, loader->source);
    if (result == 0)
        loader->config->origins[key - config_keys] =
            (struct config_origin){.kind = loader->origin, .line = line};
    return result == -ENOMEM ? result : 0;
}

static int load_section(const struct loader *loader, const char *path,
                        const struct yaml_node *mapping);

/* `key` is the node that names what is to be set; with an option its text is the whole path.
 * Returns -ENOMEM or 0: what is wrong with the input is reported to the source and does not keep
 * the rest from being read. */
static int load_named(const struct loader *loader, const char *path, const struct yaml_node *key,
                      const struct yaml_node *value)
{
    const struct config_key *const known = find_key(path);
    if (known && !(loader->origin == CONFIG_FROM_FILE && strchr(key->text, '.')))
        return load_key(loader, known, value, key->line);
    if (!find_section(path)) {
        report_unknown(loader, path, key);
        return 0;
    }
    if (value->kind == YAML_MAPPING)
        return load_section(loader, path, value);
    if (!yaml_is_empty(value))
        yaml_report(loader->source, value->line, value->column,
                    "'%s' is a section: its keys go below it, see merlind.yaml(5)", path);
    return 0;
}

static int load_section(const struct loader *loader, const char *path,
                        const struct yaml_node *mapping)
{
    int result = 0;
    for (size_t i = 0; i < mapping->n && result == 0; i++) {
        char child[PATH_SIZE];
        snprintf(child, sizeof child, "%s%s%s", path, *path ? "." : "", mapping->keys[i].text);
        result = load_named(loader, child, &mapping->keys[i], &mapping->items[i]);
    }
    return result;
}

static int load_text(const struct loader *loader, const char *text, size_t size)
{
    struct yaml_node *root;
    int result = yaml_parse(loader->source, text, size, &root);
    if (result)
        return result;
    if (root && root->kind == YAML_MAPPING)
        result = load_section(loader, "", root);
    else if (root && !yaml_is_empty(root))
        yaml_report(loader->source, root->line, root->column,
                    "a configuration is made of 'key: value' lines");
    yaml_destroy(root);
    if (result == 0 && loader->source->n_errors > 0)
        result = -EINVAL;
    return result;
}

/* A whole file of at most FILE_SIZE_MAX bytes with a zero byte behind it; NULL with a negative
 * errno in *failure. */
static char *read_file(const char *path, size_t *size, int *failure)
{
    const int fd = open(path, O_RDONLY | O_CLOEXEC);
    *failure = fd < 0 ? -errno : 0;
    *size = 0;
    if (fd < 0)
        return NULL;
    char *const text = malloc(FILE_SIZE_MAX + 1);
    if (!text)
        *failure = -ENOMEM;
    while (*failure == 0 && *size < FILE_SIZE_MAX) {
        const ssize_t got = read(fd, text + *size, FILE_SIZE_MAX - *size);
        if (got < 0 && errno != EINTR)
            *failure = -errno;
        if (got == 0)
            break;
        *size += got > 0 ? (size_t)got : 0;
    }
    if (*failure == 0 && *size == FILE_SIZE_MAX)
        *failure = -EFBIG;
    close(fd);
    if (*failure) {
        free(text);
        return NULL;
    }
    text[*size] = 0;
    return text;
}

int config_load_text(struct config *config, const char *name, const char *text, FILE *messages)
{
    struct yaml_source source = {.name = name, .shown = text, .messages = messages};
    const struct loader loader = {config, &source, CONFIG_FROM_FILE};
    return load_text(&loader, text, strlen(text));
}

int config_load_file(struct config *config, const char *path, FILE *messages)
{
    size_t size;
    int result;
    char *const text = read_file(path, &size, &result);
    if (!text) {
        fprintf(messages, "%s: error: the configuration cannot be read: %s\n", path,
                strerror(-result));
        return result;
    }
    snprintf(config->file, sizeof config->file, "%s", path);
    if (strlen(text) != size) {
        fprintf(messages, "%s: error: a zero byte at offset %zu: this is no text in UTF-8\n", path,
                strlen(text));
        result = -EINVAL;
    } else {
        result = config_load_text(config, path, text, messages);
    }
    free(text);
    return result;
}

/* Reads the value of an option and sets it. `text` is the option with spaces in place of "KEY=", so
 * that columns are right. */
static int load_option(const struct loader *loader, char *path, const char *text)
{
    struct yaml_node *value;
    struct yaml_node empty = {
        .text = (char[]){0}, .plain = true, .line = 1, .column = (unsigned)strlen(path) + 2};
    const struct yaml_node key = {.text = path, .line = 1, .column = 1};
    int result = yaml_parse(loader->source, text, strlen(text), &value);
    if (result == 0)
        result = load_named(loader, path, &key, value ? value : &empty);
    yaml_destroy(value);
    if (result == 0 && loader->source->n_errors > 0)
        result = -EINVAL;
    return result;
}

int config_set_option(struct config *config, const char *option, FILE *messages)
{
    struct yaml_source source = {.name = "-o", .shown = option, .messages = messages};
    const struct loader loader = {config, &source, CONFIG_FROM_OPTION};
    const char *const equals = strchr(option, '=');
    if (!equals || equals == option) {
        yaml_report(&source, 1, 1, "an option has the form section.key=value");
        return -EINVAL;
    }
    char *const path = strndup(option, (size_t)(equals - option));
    char *const text = strdup(option);
    int result = -ENOMEM;
    if (path && text) {
        memset(text, ' ', (size_t)(equals - option) + 1);
        result = load_option(&loader, path, text);
    }
    free(path);
    free(text);
    return result;
}

/* The defaults are read from the table by the same code as everything else, so they can be neither
 * out of range nor different from what the manual says. That fails only without memory or without a
 * current directory, and then nothing can be done here. */
void calibration_directory(const struct config *config, char directory[1024])
{
    /* Of several the first is the service's own. */
    const char *const state = getenv("STATE_DIRECTORY");
    const int length = state ? (int)strcspn(state, ":") : 0;
    if (config->calibration.directory[0])
        snprintf(directory, 1024, "%s", config->calibration.directory);
    else if (length > 0)
        snprintf(directory, 1024, "%.*s/calibration", length, state);
    else
        snprintf(directory, 1024, "%.1000s/calibration", config->recording.directory);
}

void config_init(struct config *config)
{
    *config = (struct config){0};
    for (size_t i = 0; i < CONFIG_KEYS; i++) {
        const struct config_key *const key = &config_keys[i];
        const char *const text = key->default_text;
        struct yaml_source source = {.name = key->path, .shown = text, .messages = stderr};
        struct yaml_node *value;
        if (yaml_parse(&source, text, strlen(text), &value) != 0 ||
            key->type->load(key, value, config, &source) != 0) {
            /* Tests load every default: only memory can be lacking, and without them there is
             * nothing to go on with. */
            fprintf(stderr, "merlind: error: no memory for the configuration (%s)\n", key->path);
            exit(EX_OSERR);
        }
        yaml_destroy(value);
    }
}

void config_finish(struct config *config)
{
    if (!config)
        return;
    free(config->virtual_detectors);
    config->virtual_detectors = NULL;
    config->n_virtual_detectors = 0;
}
