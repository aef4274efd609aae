#include "daemon/record/log_datasets.h"

#include <stdlib.h>
#include <string.h>

#include "daemon/record/grown_dataset.h"
#include "daemon/record/nexus.h"
#include "daemon/record/series_values.h"

#define AT_ONCE 256
#define NOTES_AT_ONCE 16
#define NAMES_CAPACITY 8192
#define NOTE_CHUNK 64

/* ---- making ---- */

static hid_t text_type(size_t size)
{
    const hid_t type = H5Tcopy(H5T_C_S1);
    if (type >= 0 && (H5Tset_size(type, size) < 0 || H5Tset_cset(type, H5T_CSET_UTF8) < 0 ||
                      H5Tset_strpad(type, H5T_STR_NULLPAD) < 0)) {
        H5Tclose(type);
        return -1;
    }
    return type;
}

/* A column of texts that grows; its type stays open with it. */
static hid_t create_texts(hid_t group, const char *name, size_t size)
{
    const hsize_t length = 0, limit = H5S_UNLIMITED, chunk = NOTE_CHUNK;
    const hid_t type = text_type(size), space = H5Screate_simple(1, &length, &limit);
    const hid_t properties = H5Pcreate(H5P_DATASET_CREATE);
    hid_t dataset = -1;
    if (type >= 0 && space >= 0 && properties >= 0 && H5Pset_chunk(properties, 1, &chunk) >= 0)
        dataset = H5Dcreate2(group, name, type, space, H5P_DEFAULT, properties, H5P_DEFAULT);
    if (properties >= 0)
        H5Pclose(properties);
    if (space >= 0)
        H5Sclose(space);
    if (type >= 0)
        H5Tclose(type);
    return dataset;
}

static int create_notes(struct log_datasets *log, hid_t entry)
{
    static const uint64_t zero = 0;
    const hid_t group = nexus_group(entry, "notes", "NXcollection");
    if (group < 0)
        return -1;
    log->note_time =
        grown_dataset_create(group, "time_ns", H5T_STD_U64LE, H5T_NATIVE_UINT64, &zero);
    log->note_author = create_texts(group, "author", LOGBOOK_AUTHOR_SIZE);
    log->note_text = create_texts(group, "text", LOGBOOK_TEXT_SIZE);
    H5Gclose(group);
    return log->note_time < 0 || log->note_author < 0 || log->note_text < 0 ? -1 : 0;
}

static int create_series(struct log_datasets *log, hid_t entry)
{
    static const uint64_t zero = 0;
    static const uint16_t none = 0;
    static const double nothing = 0;
    const hid_t group = nexus_group(entry, "series", "NXcollection");
    const hid_t table = group < 0 ? -1 : nexus_group(group, "log", "NXcollection");
    int r = table < 0 ? -1 : 0;
    if (r == 0) {
        log->series =
            grown_dataset_create(table, "series", H5T_STD_U16LE, H5T_NATIVE_UINT16, &none);
        log->time = grown_dataset_create(table, "time_ns", H5T_STD_U64LE, H5T_NATIVE_UINT64, &zero);
        log->value =
            grown_dataset_create(table, "value", H5T_IEEE_F64LE, H5T_NATIVE_DOUBLE, &nothing);
        log->names = nexus_text_create(table, "names", NAMES_CAPACITY);
        r = log->series < 0 || log->time < 0 || log->value < 0 || log->names < 0 ? -1 : 0;
    }
    if (table >= 0)
        H5Gclose(table);
    if (group >= 0)
        H5Gclose(group);
    return r;
}

int log_datasets_create(struct log_datasets *log, hid_t entry, const struct run *run,
                        struct logbook *logbook, uint64_t first_note)
{
    *log = (struct log_datasets){.logbook = logbook, .next_note = first_note};
    if (create_notes(log, entry) < 0 || create_series(log, entry) < 0)
        return -1;
    return log_datasets_update(log, run);
}

/* ---- appending ---- */

static int write_texts(hid_t dataset, uint64_t first, uint64_t n, const char *texts, size_t size)
{
    const hid_t type = text_type(size);
    if (type < 0)
        return -1;
    const int r = grown_dataset_extend(dataset, first + n) < 0 ||
                          grown_dataset_write(dataset, type, first, n, texts) < 0
                      ? -1
                      : 0;
    H5Tclose(type);
    return r;
}

static int append_notes(struct log_datasets *log, const struct logbook_note *notes, size_t n)
{
    uint64_t times[NOTES_AT_ONCE];
    char authors[NOTES_AT_ONCE][LOGBOOK_AUTHOR_SIZE], texts[NOTES_AT_ONCE][LOGBOOK_TEXT_SIZE];
    for (size_t i = 0; i < n; i++) {
        times[i] = notes[i].time_ns;
        memcpy(authors[i], notes[i].author, sizeof authors[i]);
        memcpy(texts[i], notes[i].text, sizeof texts[i]);
    }
    const uint64_t first = log->n_notes;
    log->n_notes += n;
    if (grown_dataset_extend(log->note_time, log->n_notes) < 0 ||
        grown_dataset_write(log->note_time, H5T_NATIVE_UINT64, first, n, times) < 0 ||
        write_texts(log->note_author, first, n, authors[0], sizeof authors[0]) < 0)
        return -1;
    return write_texts(log->note_text, first, n, texts[0], sizeof texts[0]);
}

static int update_notes(struct log_datasets *log)
{
    struct logbook_note notes[NOTES_AT_ONCE];
    for (;;) {
        const size_t n = logbook_read_notes(log->logbook, &log->next_note, notes, NOTES_AT_ONCE);
        if (n == 0)
            return 0;
        if (append_notes(log, notes, n) < 0)
            return -1;
    }
}

static int append_samples(struct log_datasets *log, unsigned which,
                          const struct logbook_sample *samples, size_t n)
{
    uint16_t series[AT_ONCE];
    uint64_t times[AT_ONCE];
    double values[AT_ONCE];
    for (size_t i = 0; i < n; i++) {
        series[i] = (uint16_t)which;
        times[i] = samples[i].time_ns;
        values[i] = samples[i].value;
    }
    const uint64_t first = log->n_samples;
    log->n_samples += n;
    if (grown_dataset_extend(log->series, log->n_samples) < 0 ||
        grown_dataset_extend(log->time, log->n_samples) < 0 ||
        grown_dataset_extend(log->value, log->n_samples) < 0 ||
        grown_dataset_write(log->series, H5T_NATIVE_UINT16, first, n, series) < 0 ||
        grown_dataset_write(log->time, H5T_NATIVE_UINT64, first, n, times) < 0)
        return -1;
    return grown_dataset_write(log->value, H5T_NATIVE_DOUBLE, first, n, values) < 0 ? -1 : 0;
}

/* Series that began since; of those before the run the last sample before it is taken too. */
static int learn_series(struct log_datasets *log, const struct run *run)
{
    json_t *const names = json_array();
    char name[LOGBOOK_NAME_SIZE], unit[LOGBOOK_UNIT_SIZE];
    const unsigned n = logbook_n_series(log->logbook);
    for (unsigned i = log->n_series; i < n; i++)
        log->next_sample[i] = log->first_sample[i] =
            logbook_first_for(log->logbook, i, run->started_ns);
    for (unsigned i = 0; i < n && logbook_describe(log->logbook, i, name, unit); i++)
        json_array_append_new(names, json_pack("{s:s, s:s}", "name", name, "unit", unit));
    log->n_series = n;
    char *const text = json_dumps(names, JSON_COMPACT);
    json_decref(names);
    const int r = text ? nexus_text_write(log->names, text, strlen(text)) : -1;
    free(text);
    return r;
}

int log_datasets_update(struct log_datasets *log, const struct run *run)
{
    struct logbook_sample samples[AT_ONCE];
    if (!log->logbook)
        return 0;
    if (update_notes(log) < 0)
        return -1;
    if (logbook_n_series(log->logbook) > log->n_series && learn_series(log, run) < 0)
        return -1;
    for (unsigned i = 0; i < log->n_series; i++) {
        size_t n;
        while ((n = logbook_read_samples(log->logbook, i, &log->next_sample[i], samples, AT_ONCE)) >
               0) {
            if (append_samples(log, i, samples, n) < 0)
                return -1;
        }
    }
    return 0;
}

/* ---- each series by itself ---- */

bool log_datasets_have_series(const struct log_datasets *log)
{
    return log->logbook && log->n_series > 0;
}

static int write_column(hid_t group, const char *name, hid_t file_type, hid_t memory_type,
                        uint64_t n, const void *values)
{
    static const uint64_t zero = 0; /* also the number 0.0 */
    const hid_t dataset = grown_dataset_create(group, name, file_type, memory_type, &zero);
    if (dataset < 0)
        return -1;
    const int r = n > 0 && (grown_dataset_extend(dataset, n) < 0 ||
                            grown_dataset_write(dataset, memory_type, 0, n, values) < 0)
                      ? -1
                      : 0;
    return H5Dclose(dataset) < 0 ? -1 : r;
}

static int write_values(hid_t group, const struct series_values *values)
{
    int r =
        write_column(group, "time_ns", H5T_STD_U64LE, H5T_NATIVE_UINT64, values->n, values->times);
    if (r == 0)
        r = write_column(group, "value", H5T_IEEE_F64LE, H5T_NATIVE_DOUBLE, values->n,
                         values->values);
    if (r == 0)
        r = write_column(group, "frames", H5T_IEEE_F64LE, H5T_NATIVE_DOUBLE, values->n_frames,
                         values->frames);
    return r;
}

static int write_one(const struct log_datasets *log, hid_t parent, unsigned which,
                     const struct run *run)
{
    char name[LOGBOOK_NAME_SIZE], unit[LOGBOOK_UNIT_SIZE];
    struct series_values values;
    if (!logbook_describe(log->logbook, which, name, unit) || strcmp(name, "log") == 0)
        return 0;
    if (series_values_make(&values, log->logbook, which, log->first_sample[which],
                           log->next_sample[which], run) < 0)
        return -1;
    const hid_t group = nexus_group(parent, name, "NXlog");
    const int r = group < 0 || nexus_attribute(group, "units", unit) < 0 ||
                          nexus_attribute(group, "description",
                                          "samples as given; frames: the value at the middle of "
                                          "each exposure, linear between samples") < 0
                      ? -1
                      : write_values(group, &values);
    if (group >= 0)
        H5Gclose(group);
    series_values_finish(&values);
    return r;
}

int log_datasets_write_series(const struct log_datasets *log, hid_t file, const struct run *run)
{
    const hid_t parent = H5Gopen2(file, "/entry/series", H5P_DEFAULT);
    int r = parent < 0 ? -1 : 0;
    for (unsigned i = 0; r == 0 && i < log->n_series; i++)
        r = write_one(log, parent, i, run);
    if (parent >= 0)
        H5Gclose(parent);
    return r;
}
