#include <string.h>

#include "daemon/control/control.h"
#include "daemon/control/request.h"
#include "detector/parameters.h"

/* What the table of commands and the arguments say of who may ask. */

bool command_changes(const struct command *command, const json_t *args)
{
    if (command->effect != COMMAND_CHANGES_GIVEN)
        return command->effect == COMMAND_CHANGES;
    if (!command->changed_by[0])
        return json_object_size(args) > 0;
    for (size_t i = 0; i < sizeof command->changed_by / sizeof *command->changed_by; i++) {
        const json_t *const given =
            command->changed_by[i] ? json_object_get(args, command->changed_by[i]) : NULL;
        if (given && !json_is_false(given))
            return true;
    }
    return false;
}

/* What merlind does not know may be anything. */
static bool is_dangerous(const char *name, bool is_command)
{
    const struct detector_parameter *const known =
        is_command ? detector_command_find(name) : detector_parameter_find(name);
    return !known || known->dangerous;
}

/* The first of args.parameters that is dangerous. */
static const char *dangerous_member(json_t *parameters)
{
    const char *name;
    json_t *value;
    json_object_foreach(parameters, name, value)
    {
        if (is_dangerous(name, false))
            return name;
    }
    return NULL;
}

static const char *dangerous_part(const struct command *command, const json_t *args)
{
    const bool is_command = strcmp(command->name, "command") == 0;
    const char *const name = json_string_value(json_object_get(args, "name"));
    if (is_command || strcmp(command->name, "set") == 0)
        return name && is_dangerous(name, is_command) ? name : NULL;
    if (strcmp(command->name, "start") == 0)
        return dangerous_member(json_object_get(args, "parameters"));
    return NULL;
}

enum client_role command_role(const struct command *command, const json_t *args, const char **what)
{
    *what = dangerous_part(command, args);
    if (*what)
        return ROLE_EXPERT;
    return command_changes(command, args) ? ROLE_OPERATOR : ROLE_VIEWER;
}

bool control_command_changes_state(const char *name, const json_t *args)
{
    for (const struct command *command = commands; command->name; command++) {
        if (strcmp(command->name, name) == 0)
            return command_changes(command, args);
    }
    return false;
}
