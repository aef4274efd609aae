#pragma once

#include "detector/sim/commands.h"

/*
 * Serves command clients, at most two at a time, until SIGINT or SIGTERM arrives at `signal_fd` (a
 * signalfd), or with --once until the first acquisition is over and read. Runs on the caller's
 * thread. Returns 0 or a negative errno.
 */
int command_server_run(struct command_context *context, int listener, int signal_fd);
