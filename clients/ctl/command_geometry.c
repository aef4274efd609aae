#include <math.h>
#include <stdio.h>

#include "clients/ctl/arguments.h"
#include "clients/ctl/commands.h"
#include "clients/ctl/geometry.h"
#include "clients/ctl/output.h"

/* nudge and geometry: how the newest run is seen. */

#define POSITIONS_TIMEOUT_S 30

static void print_geometry(const json_t *result)
{
    const json_t *const geometry = json_object_get(result, "geometry");
    geometry_print(stdout, geometry);
    printf(" (%s)\n", member_text(geometry, "source"));
}

int command_nudge(const struct options *options, struct client *client)
{
    return command_ask(options, client, "geometry", json_pack("{s:I}", "nudge", options->nudge),
                       print_geometry);
}

int command_geometry(const struct options *options, struct client *client)
{
    struct error error = {0};
    json_t *const arguments = json_object();
    if (options->given & OPTION_POSITIONS) /* a long list takes the daemon a while */
        client_set_timeout(client, fmax(options->timeout_s, POSITIONS_TIMEOUT_S));
    if (arguments_add_geometry(arguments, options, &error) == 0)
        return command_ask(options, client, "geometry", arguments, print_geometry);
    json_decref(arguments);
    return command_failed(options, &(struct reply){0}, error.code, &error);
}
