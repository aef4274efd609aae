#include "daemon/opened/run_card.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "daemon/opened/run_thumbnail.h"
#include "daemon/record/blosc_filter.h"
#include "daemon/record/file_recording.h"
#include "daemon/record/hdf5_error.h"

static void copy(json_t *card, const char *name, const json_t *from)
{
    json_t *const value = json_object_get(from, name);
    json_object_set(card, name, value ? value : json_null());
}

/* As it ended; the file may tell better than the summary, which is written before the end. */
static void add_summary(json_t *card, const struct file_recording *recording)
{
    static const char *const members[] = {"id",     "started", "ended",     "scan", "image",
                                          "labels", "frames",  "recording", "mode"};
    json_t *const summary = file_read_json(recording->entry, "statistics");
    for (size_t i = 0; i < sizeof members / sizeof *members; i++)
        copy(card, members[i], summary);
    char *const reason = file_has(recording->entry, "end_reason")
                             ? file_read_text(recording->entry, "end_reason")
                             : NULL;
    json_t *const text = reason ? json_string(reason) : NULL;
    json_object_set_new(card, "reason", text ? text : json_null());
    free(reason);
    json_decref(summary);
    hdf5_error_forget();
}

/* The number to quote, with its interval. */
static json_t *bragg_json(const struct file_recording *recording)
{
    char path[96];
    const char *const layer = recording->layers[0].name;
    snprintf(path, sizeof path, "results/%s%sbragg/statistics", layer, *layer ? "/" : "");
    json_t *const statistics = file_read_json(recording->entry, path);
    const json_t *const headline = json_object_get(statistics, "headline");
    json_t *json = json_null();
    if (json_is_number(json_object_get(headline, "fraction"))) {
        json = json_object();
        copy(json, "fraction", headline);
        copy(json, "interval", headline);
        copy(json, "min_contrast", headline);
        copy(json, "n", statistics);
        copy(json, "confidence", statistics);
    }
    json_decref(statistics);
    return json;
}

static void fill(json_t *card, const char *file)
{
    struct file_recording recording;
    struct error error = {0};
    const int r = file_recording_open(&recording, file, &error);
    if (r == 0 && recording.growing)
        error_set(&error, -EBUSY, "%s", "it is still being recorded, or was left by a crash");
    if (r == 0) {
        add_summary(card, &recording);
        json_object_set_new(card, "bragg", bragg_json(&recording));
        json_object_set_new(card, "thumbnail", run_thumbnail(&recording));
    }
    json_object_set_new(card, "error", json_string(error.text));
    file_recording_close(&recording);
    hdf5_error_forget();
}

json_t *run_card(const char *file)
{
    static const char *const members[] = {"bytes", "id",        "started",  "ended",  "reason",
                                          "scan",  "image",     "labels",   "frames", "mode",
                                          "bragg", "recording", "thumbnail"};
    struct stat facts;
    json_t *const card = json_pack("{s:s, s:s}", "file", file, "error", "");
    if (!card)
        return NULL;
    for (size_t i = 0; i < sizeof members / sizeof *members; i++)
        json_object_set_new(card, members[i], json_null());
    if (stat(file, &facts) == 0)
        json_object_set_new(card, "bytes", json_integer((json_int_t)facts.st_size));
    fill(card, file);
    return card;
}

int run_cards_print(char *const *files, size_t n, FILE *out)
{
    hdf5_errors_capture();
    blosc_filter_register();
    for (size_t i = 0; i < n; i++) {
        json_t *const card = run_card(files[i]);
        const int r = card ? json_dumpf(card, out, JSON_COMPACT) : -1;
        json_decref(card);
        if (r < 0 || fputc('\n', out) == EOF || fflush(out) != 0)
            return -EIO;
    }
    return 0;
}
