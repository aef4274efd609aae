#pragma once

#include <hdf5.h>
#include <stdint.h>

#include "daemon/logbook/logbook.h"
#include "processing/run/run.h"

/*
 * /entry/notes and /entry/series: what the logbook has for this run. While the run lasts notes and
 * samples are appended as they come, samples of all series in one table, since no dataset can be
 * added then. When SWMR has ended each series gets a group of its own, with its value at every
 * exposure.
 */
struct log_datasets {
    struct logbook *logbook; /* NULL: none */
    hid_t note_time, note_author, note_text;
    hid_t series, time, value, names;
    uint64_t n_notes, n_samples;              /* in the file */
    uint64_t next_note;                       /* of the logbook */
    unsigned n_series;                        /* known to the file */
    uint64_t next_sample[LOGBOOK_SERIES_MAX]; /* of the logbook */
    uint64_t first_sample[LOGBOOK_SERIES_MAX];
};

/* All return 0 or a negative number: HDF5 failed or there is no memory. `first_note`: of the
 * logbook, those before are in other files. */
int log_datasets_create(struct log_datasets *log, hid_t entry, const struct run *run,
                        struct logbook *logbook, uint64_t first_note);
int log_datasets_update(struct log_datasets *log, const struct run *run);

bool log_datasets_have_series(const struct log_datasets *log);
/* Groups of the series; `file` was opened again to be changed. */
int log_datasets_write_series(const struct log_datasets *log, hid_t file, const struct run *run);
