#pragma once

#include <stdint.h>

#include "common/error.h"
#include "processing/run/run.h"

/* run->recording: what others see of a run's recording. Each takes the mutex for a moment. */

/* `path` may be NULL: unchanged. */
void recording_set_state(struct run *run, enum recording_state state, const char *path);

/* From now on no chunks of this run are wanted. Logs the sentence, once. */
void recording_set_failed(struct run *run, const struct error *error);

void recording_add_bytes(struct run *run, uint64_t raw, uint64_t written);
