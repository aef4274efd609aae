#pragma once

#include "daemon/control/request.h"

/* Keeping references (daemon/calibration/references.h) for the commands that measure them. */

/* A reference was kept under this kind and name: where it is attached, runs get the new one from
 * now on. */
void references_renew(const struct control_service *service, const char *kind, const char *name);
