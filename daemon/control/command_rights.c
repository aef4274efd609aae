#include <string.h>

#include "daemon/control/control.h"
#include "daemon/control/request.h"

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

bool control_command_changes_state(const char *name, const json_t *args)
{
    for (const struct command *command = commands; command->name; command++) {
        if (strcmp(command->name, name) == 0)
            return command_changes(command, args);
    }
    return false;
}
