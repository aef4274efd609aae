#pragma once

#include "processing/worker.h"

/* What a worker does with a chunk that it has claimed: decodes and analyses its frames as they
 * arrive, gives the ring back its room, compresses the chunk and hands it to the sink. */
void worker_process_chunk(struct worker *worker, struct chunk *chunk);

/* Gives worker->images, kept and present the size of the run's chunks. 0 or -ENOMEM. */
int worker_make_room(struct worker *worker, const struct run *run);
