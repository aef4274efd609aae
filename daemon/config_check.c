#include <errno.h>
#include <string.h>

#include "daemon/config_keys.h"

/* What no key can know alone. */

static void print_origin(const struct config *config, const void *field, FILE *messages)
{
    const size_t offset = (size_t)((const char *)field - (const char *)config);
    for (size_t i = 0; i < CONFIG_KEYS; i++) {
        if (config_keys[i].offset != offset)
            continue;
        const struct config_origin *const origin = &config->origins[i];
        if (origin->kind == CONFIG_FROM_FILE)
            fprintf(messages, "%s:%u: ", config->file, origin->line);
        else
            fputs(origin->kind == CONFIG_FROM_OPTION ? "-o: " : "default: ", messages);
        return;
    }
}

/* An address that the system chooses cannot clash. */
static bool is_any_port(const char *endpoint)
{
    const char *const port = strrchr(endpoint, ':');
    return port && (strcmp(port, ":*") == 0 || strspn(port + 1, "0") == strlen(port + 1));
}

static bool is_local(const char *endpoint)
{
    return strncmp(endpoint, "ipc://", 6) == 0 || strncmp(endpoint, "tcp://127.", 10) == 0 ||
           strncmp(endpoint, "tcp://[::1]:", 12) == 0 ||
           strncmp(endpoint, "tcp://localhost:", 16) == 0;
}

int config_check(const struct config *config, FILE *messages)
{
    int result = 0;
    if (strcmp(config->control_endpoint, config->results_endpoint) == 0 &&
        !is_any_port(config->control_endpoint)) {
        print_origin(config, config->results_endpoint, messages);
        fprintf(
            messages,
            "error: control.endpoint and results.endpoint are both %s: give one of them another "
            "port\n",
            config->control_endpoint);
        result = -EINVAL;
    }
    if (config->detector_command_port == config->detector_data_port) {
        print_origin(config, &config->detector_data_port, messages);
        fprintf(messages,
                "error: detector.command_port and detector.data_port are both %u: the detector "
                "listens on two, usually 6341 and 6342\n",
                (unsigned)config->detector_data_port);
        result = -EINVAL;
    }
    if (!is_local(config->control_endpoint)) {
        print_origin(config, config->control_endpoint, messages);
        fprintf(messages,
                "warning: control.endpoint %s can be reached from other computers, and whoever "
                "reaches it can operate the detector\n",
                config->control_endpoint);
    }
    return result;
}
