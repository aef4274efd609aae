#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "common/error.h"
#include "processing/run/run.h"

/* run->recording: what others see of a run's recording. Each takes the mutex for a moment. */

/* `path` may be NULL: unchanged. */
void recording_set_state(struct run *run, enum recording_state state, const char *path);

/* From now on no chunks of this run are wanted. Logs the sentence, once. */
void recording_set_failed(struct run *run, const struct error *error);

/* Something is wrong with the recording, which goes on. The first such sentence stays. Returns
 * whether it is news, and logs it then. */
bool recording_mark(struct run *run, const struct error *error);

/* The file of a run that was stopped (recording_set_failed) is closed and whole as far as it goes.
 */
void recording_set_path(struct run *run, const char *path);

void recording_add_bytes(struct run *run, uint64_t raw, uint64_t written);
