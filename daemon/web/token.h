#pragma once

#include <stddef.h>

#include "common/error.h"
#include "daemon/config/config.h"

/*
 * What a viewer shows to be allowed to change anything: web.token, or where that is not set 128
 * random bits in hex, made at every start and also written to `page-token`, readable for this user
 * alone, in the directory that systemd gives the service (RUNTIME_DIRECTORY, else STATE_DIRECTORY).
 * Without such a directory `file` is "".
 */
int token_make(char *token, size_t size, char *file, size_t file_size, const struct config *config,
               struct error *error);

/* Removes the file. "" does nothing. */
void token_remove(const char *file);
