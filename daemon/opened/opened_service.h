#pragma once

#include "daemon/acquisition/acquisition.h"
#include "daemon/opened/opened_file.h"

/* The daemon as a process that shows an old run (config->open) in place of a detector's. Service
 * thread. */

/* Opens the file and puts its settings in the places of the configured ones, before the acquisition
 * is made of them. Errors as opened_file_open. */
int opened_service_prepare(struct opened_file **file, struct config *config, struct error *error);

/* Takes over the file and shows its run. */
int opened_service_show(struct opened_file *file, struct acquisition *acquisition,
                        struct error *error);

/* What the status tells of it: {file, name}; null where there is none. New reference. */
json_t *opened_service_json(const struct config *config);
