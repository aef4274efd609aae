#include <stdio.h>
#include <string.h>

#include "clients/ctl/commands.h"
#include "clients/ctl/output.h"

/* get, set, command and the commands that only say something: ping, shutdown. */

static void print_parameter(const json_t *result)
{
    printf("%s\n", member_text(result, "value"));
}

int command_get(const struct options *options, struct client *client)
{
    return command_ask(options, client, "get", json_pack("{s:s}", "name", options->words[0]),
                       print_parameter);
}

/* `set NAME VALUE`, or `set NAME=VALUE`, which also takes a negative value that would else look
 * like an option. */
int command_set(const struct options *options, struct client *client)
{
    const char *const word = options->words[0];
    const char *const equals = strchr(word, '=');
    const size_t name_length = options->n_words == 2 ? strlen(word) : (size_t)(equals - word);
    const char *const value = options->n_words == 2 ? options->words[1] : equals + 1;
    json_t *const arguments =
        json_pack("{s:s#, s:s}", "name", word, (int)name_length, "value", value);
    return command_ask(options, client, "set", arguments, print_parameter);
}

static void print_command(const json_t *result)
{
    printf("%s: done\n", member_text(result, "name"));
}

int command_command(const struct options *options, struct client *client)
{
    return command_ask(options, client, "command", json_pack("{s:s}", "name", options->words[0]),
                       print_command);
}

static void print_ping(const json_t *result)
{
    printf("merlind %s, process %llu\n", member_text(result, "version"),
           (unsigned long long)member_count(result, "pid"));
}

int command_ping(const struct options *options, struct client *client)
{
    return command_ask(options, client, "ping", NULL, print_ping);
}

static void print_shutdown(const json_t *result)
{
    (void)result;
    printf("merlind completes what it has and ends\n");
}

int command_shutdown(const struct options *options, struct client *client)
{
    return command_ask(options, client, "shutdown", NULL, print_shutdown);
}
