#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "clients/ctl/commands.h"
#include "clients/ctl/output.h"

/* Whether it would go later, with another right, or with another request. */
static int refusal_exit(const char *code)
{
    static const char *const not_now[] = {"busy", "not_connected", "no_data"};
    static const char *const not_allowed[] = {"forbidden", "lease"};
    for (size_t i = 0; i < sizeof not_now / sizeof *not_now; i++) {
        if (strcmp(code, not_now[i]) == 0)
            return EXIT_NOT_NOW;
    }
    for (size_t i = 0; i < sizeof not_allowed / sizeof *not_allowed; i++) {
        if (strcmp(code, not_allowed[i]) == 0)
            return EXIT_NOT_ALLOWED;
    }
    return EXIT_REFUSED;
}

int command_failed(const struct options *options, const struct reply *reply, int code,
                   const struct error *error)
{
    const char *const field = json_string_value(json_object_get(reply->error, "field"));
    fprintf(stderr, "merlinctl: %s%s%s%s\n", error->text, field ? " (" : "", field ? field : "",
            field ? ")" : "");
    switch (code) {
    case -EREMOTEIO:
        output_error(options, NULL, NULL, reply->error);
        return refusal_exit(member_text(reply->error, "code"));
    case -ETIMEDOUT:
        output_error(options, "unreachable", error->text, NULL);
        return EXIT_NO_DAEMON;
    case -ETIME:
        output_error(options, "timeout", error->text, NULL);
        return EXIT_NO_DAEMON;
    case -EPROTO:
        output_error(options, "protocol", error->text, NULL);
        return EXIT_BAD_PROTOCOL;
    case -EINVAL:
        output_error(options, "usage", error->text, NULL);
        return EXIT_BAD_USAGE;
    default:
        output_error(options, "internal", error->text, NULL);
        return EXIT_INTERNAL;
    }
}

int command_ask(const struct options *options, struct client *client, const char *command,
                json_t *arguments, void (*print)(const json_t *result))
{
    struct reply reply;
    struct error error = {0};
    const int result = client_request(client, command, arguments, &reply, &error);
    int exit_code = 0;
    if (result)
        exit_code = command_failed(options, &reply, result, &error);
    else if (options->json)
        output_json(reply.result);
    else
        print(reply.result);
    reply_finish(&reply);
    return exit_code;
}

int main(int argc, char **argv)
{
    struct options options;
    options_parse(&options, argc, argv);

    struct client *client = NULL;
    struct error error = {0};
    const int result =
        client_create(&client, options.endpoint, &options.keys, options.timeout_s, &error);
    if (result == 0)
        client_set_lease(client, options.lease);
    int exit_code = result ? command_failed(&options, &(struct reply){0}, result, &error)
                           : options.command->run(&options, client);
    client_destroy(client);
    options_finish(&options);

    /* A full disk or a closed pipe behind stdout must not pass for success. */
    if (fflush(stdout) != 0 || ferror(stdout)) {
        fprintf(stderr, "merlinctl: cannot write to stdout: %s\n", strerror(errno));
        exit_code = exit_code ? exit_code : EXIT_NO_OUTPUT;
    }
    return exit_code;
}
