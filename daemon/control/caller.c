#include "daemon/control/caller.h"

#include <stdio.h>
#include <string.h>

static const char *const role_names[] = {"viewer", "operator", "expert"};

const char *client_role_name(enum client_role role)
{
    return role_names[role];
}

bool client_role_from_name(const char *name, enum client_role *role)
{
    for (unsigned i = 0; i < sizeof role_names / sizeof *role_names; i++) {
        if (strcmp(name, role_names[i]) == 0) {
            *role = (enum client_role)i;
            return true;
        }
    }
    return false;
}

/* ZeroMQ gives an address to TCP peers only; of an ipc peer it has ":UID:GID:PID". */
static bool is_local(const char *address)
{
    return !address || *address == ':' || strncmp(address, "127.", 4) == 0 ||
           strcmp(address, "::1") == 0 || strncmp(address, "::ffff:127.", 11) == 0;
}

void caller_read(struct caller *caller, zmq_msg_t *message)
{
    const char *const address = zmq_msg_gets(message, "Peer-Address");
    /* ROLE/NAME, as the key ring has answered the handshake (daemon/control/key_ring.h). */
    const char *const user = zmq_msg_gets(message, "User-Id");
    const char *const slash = user ? strchr(user, '/') : NULL;
    *caller = (struct caller){.role = ROLE_EXPERT, .local = is_local(address)};
    if (slash) {
        char role[16];
        snprintf(role, sizeof role, "%.*s", (int)(slash - user), user);
        if (!client_role_from_name(role, &caller->role))
            caller->role = ROLE_VIEWER;
    }
    snprintf(caller->name, sizeof caller->name, "%s",
             slash                        ? slash + 1
             : address && *address != ':' ? address
                                          : "this computer");
}
