#include "common/client_role.h"

#include <stddef.h>
#include <string.h>

static const char *const role_names[] = {"viewer", "operator", "expert"};

const char *client_role_name(enum client_role role)
{
    return role_names[role];
}

bool client_role_from_name(const char *name, enum client_role *role)
{
    for (size_t i = 0; i < sizeof role_names / sizeof *role_names; i++) {
        if (strcmp(name, role_names[i]) == 0) {
            *role = (enum client_role)i;
            return true;
        }
    }
    return false;
}
