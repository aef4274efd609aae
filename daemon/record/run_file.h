#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "common/error.h"
#include "processing/run/chunk_sink.h"

/*
 * The file of one run while it is written. Used by the writer thread only.
 *
 * After a function has failed nothing more is asked of HDF5 for this file but to close it
 * (run_file_destroy): a second try after a failed call is where the library has been seen to hang
 * and to spoil what was good. The file keeps its .partial and what had been written.
 */
struct logbook;
struct run_file;

/* Makes the file with everything in it and starts SWMR. `summary` (may be NULL) is the run's
 * summary as of now. */
struct run_file_extras {
    const char *configuration; /* may be NULL */
    struct logbook *logbook;   /* may be NULL */
    uint64_t first_note;       /* of the logbook, those before are in other files */
};
int run_file_create(struct run_file **file, struct run *run, const char *summary,
                    const struct run_file_extras *extras, struct error *error);

/* The number of the first note of the logbook that is not in the file. */
uint64_t run_file_next_note(const struct run_file *file);

int run_file_write(struct run_file *file, const struct compressed_chunk *chunk,
                   struct error *error);

/* Whether `bytes` more leave enough of the disk for what HDF5 and the end of the file need. */
bool run_file_has_room(struct run_file *file, uint64_t bytes);

/* Whether the file is still where it was made: 0, or -ENOENT (deleted) or -ESTALE (moved) with a
 * sentence. In both cases it can be written to and completed. */
int run_file_check_place(const struct run_file *file, struct error *error);

/* Is there something that a reader cannot see yet? */
bool run_file_has_news(const struct run_file *file);

/* Makes everything so far visible to readers. */
int run_file_flush(struct run_file *file, const char *summary, struct error *error);

/* Writes all that is only known at the end, closes the file, brings it to the disk and gives it its
 * final name. */
int run_file_complete(struct run_file *file, const char *summary, struct error *error);

/* Adds the given maps that the closed file at `path` does not have yet. What was in it stays as it
 * was, whatever happens but a crash in between, after which HDF5 may refuse the file. */
int run_file_add_given(const char *path, const struct run *run, struct error *error);

/* Closes the file, as well as it goes, marks it with the reason and frees it. */
void run_file_abandon(struct run_file *file, const char *why);

/* Closes the file, as well as it goes, when it is not closed yet. NULL does nothing. */
void run_file_destroy(struct run_file *file);

/* For fsync; valid as long as the file. */
int run_file_descriptor(const struct run_file *file);

/* Where it is now. */
const char *run_file_path(const struct run_file *file);
const char *run_file_partial_path(const struct run_file *file);
const char *run_file_final_path(const struct run_file *file);
