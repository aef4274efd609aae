#pragma once

#include "processing/worker.h"

/* What a worker does with a chunk that it has claimed: decodes and analyses its frames as they
 * arrive, gives the ring back its room, compresses the chunk and hands it to the sink. */
void worker_process_chunk(struct worker *worker, struct chunk *chunk);

/*
 * Analyses a chunk that was deferred, from the file. false: there is none that can be read now (the
 * writer may be behind).
 */
bool worker_catch_up(struct worker *worker);
