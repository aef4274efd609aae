#include "clients/ctl/commands.h"
#include "clients/ctl/image_reply.h"
#include "clients/ctl/output.h"

/* map and profile: arrays of the newest run, into a file or in a few numbers. */

static void print_map_names(const json_t *run)
{
    size_t i;
    const json_t *name;
    json_array_foreach(json_object_get(run, "maps"), i, name)
        printf("%s\n", json_is_string(name) ? json_string_value(name) : "?");
}

/* With --json, {"maps": [...], "patterns": [...], ...}: the summary of the run whose maps they are.
 */
int command_map(const struct options *options, struct client *client)
{
    if (options->given & OPTION_LIST)
        return command_ask(options, client, "run", NULL, print_map_names);
    return image_fetch(options, client, "map", json_pack("{s:s}", "name", options->words[0]));
}

int command_profile(const struct options *options, struct client *client)
{
    return image_fetch(options, client, "profile", json_pack("{s:s}", "name", options->words[0]));
}
