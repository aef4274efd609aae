#pragma once

#include "daemon/config/config.h"
#include "daemon/jobs.h"

/*
 * Looks, when merlind has started, at what only a scan would find missing: may files be made in
 * recording.directory (by its rights: nothing is written), is the program of hooks.on_scan_end
 * there? Warns in the log. merlind goes on in any case, for a disk may be mounted later. Beside the
 * service thread, which a disk that does not answer must not hold up.
 */
void start_check(struct jobs *jobs, const struct config *config);
