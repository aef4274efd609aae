#include "daemon/config/config_save.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/config/config_keys.h"

int config_copy(struct config *copy, const struct config *config)
{
    const size_t n = config->n_virtual_detectors;
    *copy = *config;
    copy->virtual_detectors = calloc(n ? n : 1, sizeof *copy->virtual_detectors);
    if (!copy->virtual_detectors) {
        copy->n_virtual_detectors = 0;
        return -ENOMEM;
    }
    if (n > 0)
        memcpy(copy->virtual_detectors, config->virtual_detectors,
               n * sizeof *copy->virtual_detectors);
    return 0;
}

void config_mark_changes(struct config *config, const struct config *before)
{
    for (size_t i = 0; i < CONFIG_KEYS; i++) {
        char *const was = config_value_text(&config_keys[i], before);
        char *const is = config_value_text(&config_keys[i], config);
        if (was && is && strcmp(was, is) != 0)
            config->origins[i] = (struct config_origin){.kind = CONFIG_FROM_CLIENT};
        free(was);
        free(is);
    }
}

void config_change_log_level(struct config *config, enum log_level level)
{
    for (size_t i = 0; i < CONFIG_KEYS; i++) {
        if (strcmp(config_keys[i].path, "log.level") == 0)
            config->origins[i] = (struct config_origin){.kind = CONFIG_FROM_CLIENT};
    }
    config->log_level = level;
    log_set_level(level);
}

/* ---- what reads back ---- */

static char *print_all(const struct config *config)
{
    char *text = NULL;
    size_t size = 0;
    FILE *const memory = open_memstream(&text, &size);
    if (!memory)
        return NULL;
    fputs("# The configuration that merlind had in force. Secrets of the file it was read from are "
          "in it.\n",
          memory);
    config_print(config, memory);
    if (fclose(memory) == 0)
        return text;
    free(text);
    return NULL;
}

/* The first key that has another value; NULL: they are the same. */
static const char *first_difference(const struct config *a, const struct config *b)
{
    for (size_t i = 0; i < CONFIG_KEYS; i++) {
        char *const one = config_value_text(&config_keys[i], a);
        char *const other = config_value_text(&config_keys[i], b);
        const bool same = one && other && strcmp(one, other) == 0;
        free(one);
        free(other);
        if (!same)
            return config_keys[i].path;
    }
    return NULL;
}

static void first_line(const char *messages, struct error *error)
{
    error_set(error, -EINVAL, "the configuration does not read back: %.*s",
              (int)strcspn(messages, "\n"), messages);
}

int config_text(const struct config *config, char **text, struct error *error)
{
    struct config again;
    char *messages = NULL;
    size_t size = 0;
    char *const printed = print_all(config);
    FILE *const memory = printed ? open_memstream(&messages, &size) : NULL;
    if (!memory) {
        free(printed);
        return error_set(error, -ENOMEM, "no memory");
    }
    config_init(&again);
    int r = config_load_text(&again, "the saved file", printed, memory);
    if (r == 0)
        r = config_check(&again, memory);
    fclose(memory);
    const char *const differs = r == 0 ? first_difference(config, &again) : NULL;
    if (r < 0)
        first_line(messages, error);
    else if (differs)
        r = error_set(error, -EINVAL, "%s would not read back as it is", differs);
    if (r == 0)
        *text = printed;
    else
        free(printed);
    config_finish(&again);
    free(messages);
    return r;
}
