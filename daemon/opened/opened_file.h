#pragma once

#include <jansson.h>
#include <pthread.h>

#include "daemon/record/file_recording.h"
#include "detector/pixel_format.h"

/*
 * A recording that is opened again, to be looked at as if it had just been measured. The file is
 * only ever read. Everything but the pixels is read once, by one thread; pixels are read by any
 * thread, one chunk at a time under `mutex`, since HDF5 is one library for the whole process.
 */
struct opened_file {
    struct file_recording recording;
    struct pixel_format format;
    char path[1100];
    char *hdr; /* as the detector sent it; NULL: there was none */
    size_t hdr_size;
    json_t *settings;   /* /entry/settings/1; NULL: none that can be read */
    json_t *statistics; /* /entry/statistics, the summary of the run; the same */
    pthread_mutex_t mutex;
};

/*
 * -ENOENT and the like, -EBADMSG (no recording of merlind, damaged, or without what the detector
 * sent), -EBUSY (it is still being recorded, or was left by a crash), with a sentence that names
 * the file.
 */
int opened_file_open(struct opened_file **file, const char *path, struct error *error);

/* NULL does nothing. */
void opened_file_destroy(struct opened_file *file);
