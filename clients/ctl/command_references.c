#include <stdio.h>

#include "clients/ctl/commands.h"
#include "clients/ctl/output.h"

/* References that are kept by name: vacuum scans, halos. */

/* "  200 kV", or nothing where it was not known. */
static void print_setting(const json_t *settings, const char *name, const char *unit)
{
    const json_t *const value = json_object_get(settings, name);
    if (json_is_number(value))
        printf("  %g %s", json_number_value(value), unit);
}

static void print_reference(const json_t *reference)
{
    const json_t *const settings = json_object_get(reference, "settings");
    printf("%-8s  %-24s  %s", member_text(reference, "kind"), member_text(reference, "name"),
           text_of_time(json_object_get(reference, "time")).text);
    print_setting(settings, "kv", "kV");
    print_setting(settings, "camera_length_mm", "mm");
    print_setting(reference, "radius_px", "pixels radius");
    printf("%s\n", json_is_true(json_object_get(reference, "attached")) ? "  (attached)" : "");
}

static void print_references(const json_t *result)
{
    const json_t *const references = json_object_get(result, "references");
    size_t i;
    const json_t *one;
    json_array_foreach(references, i, one) print_reference(one);
    if (json_array_size(references) == 0)
        printf(
            "no reference is kept: measure vacuum or measure halo, with save_as=NAME, keeps one\n");
    json_array_foreach(json_object_get(result, "warnings"), i, one)
        printf("warning: %s\n", json_string_value(one));
}

int command_references(const struct options *options, struct client *client)
{
    return command_ask(options, client, "references", NULL, print_references);
}

static json_t *reference_arguments(const struct options *options)
{
    return json_pack("{s:s, s:s?}", "kind", options->words[0], "name",
                     options->n_words > 1 ? options->words[1] : NULL);
}

int command_reference(const struct options *options, struct client *client)
{
    struct reply reply;
    struct error error = {0};
    const int r = client_request(client, "reference", reference_arguments(options), &reply, &error);
    int exit_code = r < 0 ? command_failed(options, &reply, r, &error) : 0;
    if (r == 0 && options->output)
        exit_code = command_save_part(options, &reply, "probe");
    if (r == 0 && exit_code == 0)
        command_print_tree(options, reply.result);
    reply_finish(&reply);
    return exit_code;
}

/* Without a name: none of that kind any more. */
int command_attach(const struct options *options, struct client *client)
{
    return command_ask(options, client, "reference_attach", reference_arguments(options),
                       print_references);
}

int command_remove_reference(const struct options *options, struct client *client)
{
    return command_ask(options, client, "reference_remove", reference_arguments(options),
                       print_references);
}
