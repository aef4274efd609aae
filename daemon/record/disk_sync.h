#pragma once

#include "common/error.h"
#include "processing/stage_times.h"

/*
 * A thread that brings files to the disk (fdatasync), which may take seconds on a disk that is
 * busy: the writer must not wait for it. What was flushed before the last one that has ended
 * survives a loss of power.
 *
 * Who owns what: all is under the mutex; the descriptor that is being synced is a duplicate and
 * belongs to the thread. A failure is kept for
 * disk_sync_take_failure.
 */
struct disk_sync;

/* `times` (may be NULL) is borrowed and gets how long each one takes. */
int disk_sync_create(struct disk_sync **sync, struct stage_times *times, struct error *error);
/* Waits for what is under way. NULL does nothing. */
void disk_sync_destroy(struct disk_sync *sync);

/* Does not wait: while the thread is busy nothing is done, the next turn comes. `path` is what the
 * file is called in messages, and known by. */
void disk_sync_ask(struct disk_sync *sync, int descriptor, const char *path);

/* Waits for what is under way. */
void disk_sync_wait(struct disk_sync *sync);

/* The errno of the last failure, once, if it was with this file; else 0. */
int disk_sync_take_failure(struct disk_sync *sync, const char *path);
