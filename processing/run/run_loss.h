#pragma once

#include <stdint.h>

struct run;

/*
 * Tells the log that frames of a run which were received are not recorded or not analysed, for
 * `why`: the first at once, then episodes of ten seconds. They are counted elsewhere. Any thread.
 */
void run_tell_loss(struct run *run, uint64_t frames, const char *why);

/* The run is over: tells what is not told yet. */
void run_tell_last_loss(struct run *run);
