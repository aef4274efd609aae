#pragma once

#include <sys/types.h>

#include "common/error.h"
#include "daemon/config/config.h"

/*
 * Starts a program without a shell, as the leader of a process group of its own, with `input` as
 * its standard input; what it prints goes to our stderr. Nothing else that is open here is open
 * there. `environment` (NULL-terminated, NAME=VALUE) comes beside PATH and the like.
 *
 * *descriptor becomes readable when the process has ended (pidfd_open(2)); the caller closes it and
 * waits for the process. Returns 0 or a negative errno with a sentence.
 */
int hook_process_start(const struct command_words *command, const char *input,
                       char *const *environment, pid_t *process, int *descriptor,
                       struct error *error);
