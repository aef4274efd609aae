#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/error.h"

/*
 * What people and other programs tell while scans are made: notes, and named series of numbers over
 * time (load, displacement, beam current, thickness). Kept in memory, for the files of the runs
 * that go on and for those that follow.
 *
 * Who owns what: the service thread adds, the writer thread reads; everything is under the mutex,
 * which is held for copying only.
 */
#define LOGBOOK_TEXT_SIZE 1024
#define LOGBOOK_AUTHOR_SIZE 64
#define LOGBOOK_NAME_SIZE 48
#define LOGBOOK_UNIT_SIZE 32
#define LOGBOOK_SERIES_MAX 64
/* Of each series in memory; then the older half is forgotten. */
#define LOGBOOK_SAMPLES_MAX 262144
#define LOGBOOK_NOTES_MAX 1024

struct logbook_note {
    uint64_t time_ns; /* UNIX time */
    char author[LOGBOOK_AUTHOR_SIZE];
    char text[LOGBOOK_TEXT_SIZE];
};

struct logbook_sample {
    uint64_t time_ns; /* UNIX time */
    double value;
};

struct logbook_series {
    char name[LOGBOOK_NAME_SIZE], unit[LOGBOOK_UNIT_SIZE];
    uint64_t first; /* number of the oldest sample in memory; samples are numbered from 0 */
    size_t n, capacity;
    struct logbook_sample *samples; /* in the order in which they came */
};

struct logbook;

int logbook_create(struct logbook **logbook, struct error *error);
/* NULL does nothing. */
void logbook_destroy(struct logbook *logbook);

/* ---- the service thread ---- */

/* -EINVAL with a sentence: the text is empty or too long, or it is no UTF-8. */
int logbook_add_note(struct logbook *logbook, uint64_t time_ns, const char *author,
                     const char *text, struct error *error);

/* -EINVAL, -ENOSPC or -ENOMEM with a sentence. The unit of a series stays what it was at first. */
int logbook_add_samples(struct logbook *logbook, const char *name, const char *unit,
                        const struct logbook_sample *samples, size_t n, struct error *error);

/* [{name, unit, samples, last: {time, value}}, ...] */
json_t *logbook_series_json(struct logbook *logbook);

/* ---- any thread ---- */

/* Copies up to n notes from number *from on, which is moved behind them. Returns how many. */
size_t logbook_read_notes(struct logbook *logbook, uint64_t *from, struct logbook_note *notes,
                          size_t n);

unsigned logbook_n_series(struct logbook *logbook);
/* Name and unit; false: there are not so many. */
bool logbook_describe(struct logbook *logbook, unsigned which, char name[LOGBOOK_NAME_SIZE],
                      char unit[LOGBOOK_UNIT_SIZE]);

/* The number of the last sample that is not later than that time; 0 when there is none. */
uint64_t logbook_first_for(struct logbook *logbook, unsigned which, uint64_t time_ns);

/* The number that the next sample will have. */
uint64_t logbook_samples_end(struct logbook *logbook, unsigned which);

/* As logbook_read_notes. */
size_t logbook_read_samples(struct logbook *logbook, unsigned which, uint64_t *from,
                            struct logbook_sample *samples, size_t n);
