#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

#include "daemon/config/config_keys.h"

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

/* A name that begins with 127 may be anybody's, so only an address counts. */
static bool is_local_listen(const char *host_port)
{
    char host[INET_ADDRSTRLEN];
    struct in_addr address;
    if (strncmp(host_port, "[::1]:", 6) == 0 || strncmp(host_port, "localhost:", 10) == 0)
        return true;
    snprintf(host, sizeof host, "%.*s", (int)strcspn(host_port, ":"), host_port);
    return inet_pton(AF_INET, host, &address) == 1 && ntohl(address.s_addr) >> 24 == 127;
}

static bool is_local(const char *endpoint)
{
    return strncmp(endpoint, "tcp://", 6) != 0 || is_local_listen(endpoint + 6);
}

static int check_web(const struct config *config, FILE *messages)
{
    const struct web_settings *const web = &config->web;
    const bool has_certificate = *web->tls_certificate, has_key = *web->tls_key;
    if (has_certificate != has_key) {
        print_origin(config, has_key ? web->tls_key : web->tls_certificate, messages);
        fprintf(messages,
                "error: web.tls_certificate and web.tls_key belong together: %s is "
                "missing\n",
                has_key ? "web.tls_certificate" : "web.tls_key");
        return -EINVAL;
    }
    if (!web->enabled || is_local_listen(web->listen) || has_certificate || web->allow_insecure)
        return 0;
    print_origin(config, web->listen, messages);
    fprintf(messages,
            "error: web.listen %s can be reached from other computers, and nothing would be "
            "encrypted: set web.tls_certificate and web.tls_key, or web.allow_insecure: true\n",
            web->listen);
    return -EINVAL;
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
    const uint64_t positions = (uint64_t)config->scan.ny * config->scan.nx;
    if (positions * config->scan.repeats > UINT32_MAX) {
        print_origin(config, &config->scan.repeats, messages);
        fprintf(messages,
                "error: scan.repeats %u of a scan of %u x %u positions are more than 2^32 frames: "
                "record them in several runs\n",
                config->scan.repeats, config->scan.ny, config->scan.nx);
        result = -EINVAL;
    }
    if (check_web(config, messages) < 0)
        result = -EINVAL;
    if (!is_local(config->control_endpoint)) {
        print_origin(config, config->control_endpoint, messages);
        fprintf(messages,
                "warning: control.endpoint %s can be reached from other computers, and whoever "
                "reaches it can operate the detector\n",
                config->control_endpoint);
    }
    return result;
}
