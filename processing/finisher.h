#pragma once

#include "common/error.h"
#include "processing/run/chunk_sink.h"

/*
 * What a run still needs when all its frames are analysed and before its file is closed: final
 * Bragg reflections (bragg_final.h). Stands between the workers and the sink: passes everything on,
 * but runs that need something go first to a thread of its own.
 *
 * Who owns what: the list of runs is shared under its mutex; a run in it keeps the reference that
 * the sink took in `begin` until its `finish` is passed on.
 */
struct finisher;

int finisher_create(struct finisher **finisher, struct chunk_sink next, struct error *error);

/* The sink for ingest thread and workers. */
struct chunk_sink finisher_sink(struct finisher *finisher);

/* Completes what was handed over. NULL does nothing. */
void finisher_destroy(struct finisher *finisher);
