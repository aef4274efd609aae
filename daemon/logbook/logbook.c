#include "daemon/logbook/logbook.h"

#include <errno.h>
#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/json_time.h"

#define WORD "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-"

struct logbook {
    pthread_mutex_t mutex;
    uint64_t first_note, n_notes; /* a ring of LOGBOOK_NOTES_MAX */
    struct logbook_note *notes;
    unsigned n_series;
    struct logbook_series series[LOGBOOK_SERIES_MAX];
};

int logbook_create(struct logbook **out, struct error *error)
{
    struct logbook *const logbook = calloc(1, sizeof *logbook);
    struct logbook_note *const notes = calloc(LOGBOOK_NOTES_MAX, sizeof *notes);
    if (!logbook || !notes) {
        free(notes);
        free(logbook);
        return error_set(error, -ENOMEM, "no memory for notes");
    }
    logbook->notes = notes;
    pthread_mutex_init(&logbook->mutex, NULL);
    *out = logbook;
    return 0;
}

void logbook_destroy(struct logbook *logbook)
{
    if (!logbook)
        return;
    for (unsigned i = 0; i < logbook->n_series; i++)
        free(logbook->series[i].samples);
    pthread_mutex_destroy(&logbook->mutex);
    free(logbook->notes);
    free(logbook);
}

static void lock(struct logbook *logbook)
{
    pthread_mutex_lock(&logbook->mutex);
}

static void unlock(struct logbook *logbook)
{
    pthread_mutex_unlock(&logbook->mutex);
}

/* ---- notes ---- */

int logbook_add_note(struct logbook *logbook, uint64_t time_ns, const char *author,
                     const char *text, struct error *error)
{
    if (!*text || strlen(text) >= LOGBOOK_TEXT_SIZE || strlen(author) >= LOGBOOK_AUTHOR_SIZE)
        return error_set(error, -EINVAL, "a note has 1 to %d bytes, its author at most %d",
                         LOGBOOK_TEXT_SIZE - 1, LOGBOOK_AUTHOR_SIZE - 1);
    lock(logbook);
    const uint64_t number = logbook->first_note + logbook->n_notes;
    struct logbook_note *const note = &logbook->notes[number % LOGBOOK_NOTES_MAX];
    *note = (struct logbook_note){.time_ns = time_ns};
    memcpy(note->author, author, strlen(author));
    memcpy(note->text, text, strlen(text));
    if (logbook->n_notes < LOGBOOK_NOTES_MAX)
        logbook->n_notes++;
    else
        logbook->first_note++;
    unlock(logbook);
    return 0;
}

size_t logbook_read_notes(struct logbook *logbook, uint64_t *from, struct logbook_note *notes,
                          size_t n)
{
    size_t read = 0;
    lock(logbook);
    const uint64_t end = logbook->first_note + logbook->n_notes;
    if (*from < logbook->first_note)
        *from = logbook->first_note;
    for (; read < n && *from < end; read++)
        notes[read] = logbook->notes[(*from)++ % LOGBOOK_NOTES_MAX];
    unlock(logbook);
    return read;
}

/* ---- series; all with the mutex ---- */

static struct logbook_series *find(struct logbook *logbook, const char *name)
{
    for (unsigned i = 0; i < logbook->n_series; i++) {
        if (strcmp(logbook->series[i].name, name) == 0)
            return &logbook->series[i];
    }
    return NULL;
}

static struct logbook_series *find_or_make(struct logbook *logbook, const char *name,
                                           const char *unit, struct error *error)
{
    struct logbook_series *series = find(logbook, name);
    if (series && strcmp(series->unit, unit) != 0) {
        error_set(error, -EINVAL, "the unit of %s is \"%s\"; another one makes another series",
                  name, series->unit);
        return NULL;
    }
    if (series)
        return series;
    if (logbook->n_series == LOGBOOK_SERIES_MAX) {
        error_set(error, -ENOSPC, "there are %d series already, which is all there can be",
                  LOGBOOK_SERIES_MAX);
        return NULL;
    }
    series = &logbook->series[logbook->n_series++];
    memcpy(series->name, name, strlen(name) + 1);
    memcpy(series->unit, unit, strlen(unit) + 1);
    return series;
}

static int make_room(struct logbook_series *series, size_t n)
{
    if (series->n + n > LOGBOOK_SAMPLES_MAX) {
        const size_t gone = series->n / 2;
        memmove(series->samples, series->samples + gone,
                (series->n - gone) * sizeof *series->samples);
        series->n -= gone;
        series->first += gone;
    }
    if (series->n + n <= series->capacity)
        return 0;
    size_t capacity = series->capacity ? 2 * series->capacity : 256;
    while (capacity < series->n + n)
        capacity *= 2;
    struct logbook_sample *const samples = realloc(series->samples, capacity * sizeof *samples);
    if (!samples)
        return -ENOMEM;
    series->samples = samples;
    series->capacity = capacity;
    return 0;
}

static int check_names(const char *name, const char *unit, size_t n, struct error *error)
{
    if (!*name || strlen(name) >= LOGBOOK_NAME_SIZE || name[strspn(name, WORD)])
        return error_set(error, -EINVAL,
                         "the name of a series has up to %d letters, digits, _ and -",
                         LOGBOOK_NAME_SIZE - 1);
    if (strlen(unit) >= LOGBOOK_UNIT_SIZE)
        return error_set(error, -EINVAL, "a unit has at most %d bytes", LOGBOOK_UNIT_SIZE - 1);
    if (n == 0 || n > LOGBOOK_SAMPLES_MAX / 2)
        return error_set(error, -EINVAL, "a request has 1 to %d samples", LOGBOOK_SAMPLES_MAX / 2);
    return 0;
}

int logbook_add_samples(struct logbook *logbook, const char *name, const char *unit,
                        const struct logbook_sample *samples, size_t n, struct error *error)
{
    int r = check_names(name, unit, n, error);
    if (r < 0)
        return r;
    lock(logbook);
    struct logbook_series *const series = find_or_make(logbook, name, unit, error);
    if (!series) {
        r = -EINVAL;
    } else if (make_room(series, n) < 0) {
        r = error_set(error, -ENOMEM, "no memory for samples of %s", name);
    } else {
        memcpy(series->samples + series->n, samples, n * sizeof *samples);
        series->n += n;
    }
    unlock(logbook);
    return r;
}

json_t *logbook_series_json(struct logbook *logbook)
{
    json_t *const list = json_array();
    lock(logbook);
    for (unsigned i = 0; i < logbook->n_series; i++) {
        const struct logbook_series *const series = &logbook->series[i];
        const struct logbook_sample none = {0};
        const struct logbook_sample last = series->n ? series->samples[series->n - 1] : none;
        json_array_append_new(
            list,
            json_pack("{s:s, s:s, s:I, s:{s:o, s:o}}", "name", series->name, "unit", series->unit,
                      "samples", (json_int_t)series->first + (json_int_t)series->n, "last", "time",
                      json_time(last.time_ns), "value",
                      isfinite(last.value) ? json_real(last.value) : json_null()));
    }
    unlock(logbook);
    return list;
}

unsigned logbook_n_series(struct logbook *logbook)
{
    lock(logbook);
    const unsigned n = logbook->n_series;
    unlock(logbook);
    return n;
}

bool logbook_describe(struct logbook *logbook, unsigned which, char name[LOGBOOK_NAME_SIZE],
                      char unit[LOGBOOK_UNIT_SIZE])
{
    lock(logbook);
    const bool there = which < logbook->n_series;
    if (there) {
        memcpy(name, logbook->series[which].name, LOGBOOK_NAME_SIZE);
        memcpy(unit, logbook->series[which].unit, LOGBOOK_UNIT_SIZE);
    }
    unlock(logbook);
    return there;
}

uint64_t logbook_samples_end(struct logbook *logbook, unsigned which)
{
    lock(logbook);
    const uint64_t end =
        which < logbook->n_series ? logbook->series[which].first + logbook->series[which].n : 0;
    unlock(logbook);
    return end;
}

uint64_t logbook_first_for(struct logbook *logbook, unsigned which, uint64_t time_ns)
{
    uint64_t first = 0;
    lock(logbook);
    if (which < logbook->n_series) {
        const struct logbook_series *const series = &logbook->series[which];
        first = series->first;
        for (size_t i = 0; i < series->n; i++) {
            if (series->samples[i].time_ns <= time_ns)
                first = series->first + i;
        }
    }
    unlock(logbook);
    return first;
}

size_t logbook_read_samples(struct logbook *logbook, unsigned which, uint64_t *from,
                            struct logbook_sample *samples, size_t n)
{
    size_t read = 0;
    lock(logbook);
    if (which < logbook->n_series) {
        const struct logbook_series *const series = &logbook->series[which];
        if (*from < series->first)
            *from = series->first;
        for (; read < n && *from < series->first + series->n; read++)
            samples[read] = series->samples[(*from)++ - series->first];
    }
    unlock(logbook);
    return read;
}
