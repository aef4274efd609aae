#include "daemon/control/caller.h"

#include <stdio.h>
#include <string.h>

#include "daemon/page_identity.h"

/* Of an ipc peer ZeroMQ has "localhost:UID:GID:PID", of one in this process nothing. */
static bool is_ipc(const char *address)
{
    return strncmp(address, "localhost:", 10) == 0;
}

static bool is_local(const char *address)
{
    return !address || is_ipc(address) || strncmp(address, "127.", 4) == 0 ||
           strcmp(address, "::1") == 0 || strncmp(address, "::ffff:127.", 11) == 0;
}

static bool begins_with(zmq_msg_t *identity, const char *text)
{
    const size_t length = strlen(text);
    return zmq_msg_size(identity) >= length && memcmp(zmq_msg_data(identity), text, length) == 0;
}

void caller_read(struct caller *caller, zmq_msg_t *identity, zmq_msg_t *message)
{
    const char *const address = zmq_msg_gets(message, "Peer-Address");
    const bool here = begins_with(identity, PAGE_IDENTITY_HERE);
    if (!address && (here || begins_with(identity, PAGE_IDENTITY_AWAY))) {
        *caller = (struct caller){.role = ROLE_OPERATOR, .local = here, .name = "the page"};
        return;
    }
    /* ROLE/NAME, as the key ring has answered the handshake (daemon/key_ring.h). */
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
             slash                         ? slash + 1
             : address && !is_ipc(address) ? address
                                           : "this computer");
}
