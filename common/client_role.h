#pragma once

#include <stdbool.h>

/* What a client of the daemon may do, each including those before it. */
enum client_role {
    ROLE_VIEWER,   /* reads */
    ROLE_OPERATOR, /* runs scans, changes settings */
    ROLE_EXPERT    /* may also send to the detector what can harm it */
};

/* "viewer", "operator", "expert"; false when the name is none of these. */
const char *client_role_name(enum client_role role);
bool client_role_from_name(const char *name, enum client_role *role);
