#include "daemon/opened/opened_file.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "daemon/record/blosc_filter.h"
#include "daemon/record/file_payloads.h"
#include "daemon/record/hdf5_error.h"

/* Of the first message: it tells more than the dataset does. */
static int read_format(struct opened_file *file, struct error *error)
{
    struct file_payloads payloads;
    const int r = file_payloads_open(&payloads, &file->recording, error);
    if (r == 0)
        file->format = payloads.format;
    file_payloads_finish(&payloads);
    if (r == -ENOTSUP)
        return error_set(error, r,
                         "%.300s has no headers of its frames, so that nobody can tell what its "
                         "pixels are: merlin-file can read it",
                         file->path);
    if (r == 0 && file->format.image_size == 0)
        return error_set(error, -ENODATA, "%.300s has no frame", file->path);
    return r;
}

static int check_pixels(const struct opened_file *file, struct error *error)
{
    for (unsigned i = 0; i < file->recording.n_layers; i++) {
        const struct image_store *const images = &file->recording.layers[i].images;
        if (!images->blosc || images->chunk_frames == 0)
            return error_set(error, -ENOTSUP,
                             "%.300s: its pixels are not in chunks of whole frames packed by "
                             "Blosc, as merlind writes them: make such a file with merlin-file "
                             "reshape",
                             file->path);
    }
    return 0;
}

static int read_all(struct opened_file *file, struct error *error)
{
    struct file_recording *const recording = &file->recording;
    int r = file_recording_open(recording, file->path, error);
    if (r < 0)
        return r;
    if (recording->growing)
        return error_set(error, -EBUSY,
                         "%.300s is still being recorded, or was left by a crash: wait for its "
                         "end, or make a whole file of it (merlin-file recover)",
                         file->path);
    r = check_pixels(file, error);
    if (r == 0)
        r = read_format(file, error);
    if (r < 0)
        return r;
    const char *const hdr = "instrument/detector/acquisition_header";
    if (file_has(recording->entry, hdr))
        file->hdr = file_read_bytes(recording->entry, hdr, &file->hdr_size);
    file->settings = file_read_json(recording->entry, "settings/1");
    file->statistics = file_read_json(recording->entry, "statistics");
    hdf5_error_forget();
    return 0;
}

int opened_file_open(struct opened_file **out, const char *path, struct error *error)
{
    struct opened_file *const file = calloc(1, sizeof *file);
    if (!file)
        return error_set(error, -ENOMEM, "no memory to open %.300s", path);
    pthread_mutex_init(&file->mutex, NULL);
    snprintf(file->path, sizeof file->path, "%s", path);
    hdf5_errors_capture();
    blosc_filter_register();
    const int r = read_all(file, error);
    if (r < 0)
        opened_file_destroy(file);
    else
        *out = file;
    return r;
}

void opened_file_destroy(struct opened_file *file)
{
    if (!file)
        return;
    file_recording_close(&file->recording);
    json_decref(file->settings);
    json_decref(file->statistics);
    free(file->hdr);
    pthread_mutex_destroy(&file->mutex);
    free(file);
}
