#pragma once

#include <stdint.h>

/* What the benchmark programs share: the least that it takes to start a detector. Errors end the
 * program with a sentence. */

_Noreturn void bench_die(const char *what);

int detector_connect(uint16_t port);

/* Starts an acquisition of so many frames under internal trigger, over a connection to the command
 * socket. */
void detector_start(int command_fd, unsigned long frames);

/* CPU time of this process so far, s. */
double bench_cpu_seconds(void);
