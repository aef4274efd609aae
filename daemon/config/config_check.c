#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

#include "daemon/config/config_keys.h"

/* What no key can know alone. */

static const struct config_origin *origin_of(const struct config *config, const void *field)
{
    const size_t offset = (size_t)((const char *)field - (const char *)config);
    for (size_t i = 0; i < CONFIG_KEYS; i++) {
        if (config_keys[i].offset == offset)
            return &config->origins[i];
    }
    return NULL;
}

static void print_origin(const struct config *config, const void *field, FILE *messages)
{
    const struct config_origin *const origin = origin_of(config, field);
    if (!origin)
        return;
    if (origin->kind == CONFIG_FROM_FILE)
        fprintf(messages, "%s:%u: ", config->file, origin->line);
    else
        fputs(origin->kind == CONFIG_FROM_OPTION ? "-o: " : "default: ", messages);
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

bool config_is_local_endpoint(const char *endpoint)
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

/* The sockets of ZeroMQ that are there, the most dangerous one first. */
struct served {
    const char *key, *endpoint, *risk;
};

static size_t served_endpoints(const struct config *config, struct served served[3])
{
    served[0] = (struct served){"control.endpoint", config->control_endpoint,
                                "whoever reaches it can operate the detector"};
    served[1] = (struct served){"results.endpoint", config->results_endpoint,
                                "whoever reaches it can watch"};
    served[2] = (struct served){"frames.endpoint", config->frames.endpoint,
                                "whoever reaches it can take frames"};
    return config->frames.enabled ? 3 : 2;
}

/* NULL: only this computer can reach them. */
static const struct served *first_reachable(const struct served *served, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (!config_is_local_endpoint(served[i].endpoint))
            return &served[i];
    }
    return NULL;
}

bool config_is_insecure(const struct config *config)
{
    struct served served[3];
    const size_t n = served_endpoints(config, served);
    return !*config->security_server_key && first_reachable(served, n);
}

/* An endpoint that other computers can reach needs keys, or somebody who says that it does not. */
static int check_security(const struct config *config, FILE *messages)
{
    if (*config->security_server_key && !*config->security_clients) {
        print_origin(config, config->security_server_key, messages);
        fprintf(messages, "error: security.server_key without security.clients: nobody could "
                          "connect\n");
        return -EINVAL;
    }
    struct served served[3];
    const size_t n = served_endpoints(config, served);
    const struct served *const reachable = first_reachable(served, n);
    if (*config->security_server_key || !reachable)
        return 0;
    print_origin(config, reachable->endpoint, messages);
    fprintf(messages,
            "%s: %s %s can be reached from other computers, and nobody is asked for a key, so that "
            "%s%s\n",
            config->security_allow_insecure ? "warning" : "error", reachable->key,
            reachable->endpoint, reachable->risk,
            config->security_allow_insecure
                ? ""
                : ": set security.server_key and security.clients (merlinctl keygen makes keys), "
                  "or security.allow_insecure: true");
    return config->security_allow_insecure ? 0 : -EINVAL;
}

/* Of two fields that do not go together, the one that a person wrote. */
static const void *given_one(const struct config *config, const void *one, const void *other)
{
    const struct config_origin *const origin = origin_of(config, one);
    return origin && origin->kind != CONFIG_FROM_DEFAULT ? one : other;
}

/* Two sockets on one address cannot be. */
static int check_endpoints(const struct config *config, FILE *messages)
{
    struct served served[3];
    const size_t n = served_endpoints(config, served);
    int result = 0;
    for (size_t i = 1; i < n; i++) {
        for (size_t j = 0; j < i; j++) {
            if (strcmp(served[i].endpoint, served[j].endpoint) != 0 ||
                is_any_port(served[i].endpoint))
                continue;
            print_origin(config, given_one(config, served[i].endpoint, served[j].endpoint),
                         messages);
            fprintf(messages, "error: %s and %s are both %s: give one of them another port\n",
                    served[j].key, served[i].key, served[i].endpoint);
            result = -EINVAL;
        }
    }
    return result;
}

/* Two numbers of one key, of which the second is to be the larger one; NaN: not given. */
static int check_range(const struct config *config, const char *key, const double *least,
                       double most, FILE *messages)
{
    if (!(most <= *least))
        return 0;
    print_origin(config, least, messages);
    fprintf(messages, "error: %s: of [%g, %g] the second number must be the larger one\n", key,
            *least, most);
    return -EINVAL;
}

static int check_bragg(const struct config *config, FILE *messages)
{
    const struct bragg_plan *const bragg = &config->bragg;
    const int r = check_range(config, "bragg.annulus", &bragg->settings.inner,
                              bragg->settings.outer, messages);
    return check_range(config, "bragg.counts", &bragg->counts_min, bragg->counts_max, messages) < 0
               ? -EINVAL
               : r;
}

int config_check(const struct config *config, FILE *messages)
{
    int result = check_endpoints(config, messages);
    if (check_bragg(config, messages) < 0)
        result = -EINVAL;
    if (config->detector_command_port == config->detector_data_port) {
        print_origin(config,
                     given_one(config, &config->detector_data_port, &config->detector_command_port),
                     messages);
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
    return check_security(config, messages) < 0 ? -EINVAL : result;
}
