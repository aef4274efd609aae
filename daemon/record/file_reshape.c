#include "daemon/record/file_reshape.h"

#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "daemon/record/file_command.h"
#include "daemon/record/file_geometry.h"
#include "daemon/record/geometry_text.h"
#include "daemon/record/nexus.h"
#include "daemon/record/reader_views.h"

/* ---- the original ---- */

static int open_original(struct reshape *reshape, struct error *error)
{
    const int r = file_recording_open(&reshape->old, reshape->options->file.path, error);
    if (r < 0)
        return r;
    if (reshape->old.growing)
        return error_set(error, -EBUSY,
                         "%.250s is still being written, or was left by a crash: wait for the end "
                         "of the run",
                         reshape->old.path);
    for (uint64_t row = 0; row < reshape->old.frames.rows; row++) {
        if (file_frames_look(&reshape->old.frames, row).position == FILE_POSITION_NEVER_CAME)
            continue;
        reshape->n_came++;
        reshape->came_end = row / reshape->old.n_layers + 1;
    }
    return file_recording_check(&reshape->old, error);
}

/* ---- the new file ---- */

static bool is_made_in_entry(const char *name)
{
    static const char *const made[] = {"data", "extra", "frames", "geometry", "results"};
    for (size_t i = 0; i < sizeof made / sizeof *made; i++) {
        if (strcmp(name, made[i]) == 0)
            return true;
    }
    return false;
}

/* Groups and tables; what is not known is copied as it is. */
static int make_tables(struct reshape *reshape)
{
    const hid_t file = reshape->output.file;
    if (file_copy_attributes(reshape->old.file, file, NULL) < 0)
        return -1;
    reshape->entry = nexus_group(file, "entry", NULL);
    if (reshape->entry < 0 || file_copy_attributes(reshape->old.entry, reshape->entry, NULL) < 0 ||
        reshape_data_groups(reshape) < 0 || reshape_frames(reshape) < 0 ||
        reshape_geometry_group(reshape) < 0)
        return -1;
    return file_copy_members(&reshape->copier, reshape->old.entry, reshape->entry,
                             is_made_in_entry);
}

/* Beside /entry, after everything that it may have links to. */
static int copy_beside(struct reshape *reshape)
{
    return file_copy_members(&reshape->copier, reshape->old.file, reshape->output.file, NULL);
}

static int fill(struct reshape *reshape, struct error *error)
{
    int r = make_tables(reshape);
    if (r < 0)
        return file_output_error(&reshape->output, reshape->old.path, error);
    file_progress_init(&reshape->progress, reshape->n_came);
    r = reshape_pixels(reshape, error);
    file_progress_finish(&reshape->progress);
    if (r == 0)
        r = reshape_results(reshape, error);
    if (r == 0 && (copy_beside(reshape) < 0 || reader_views_renew(reshape->output.file) < 0))
        r = file_output_error(&reshape->output, reshape->old.path, error);
    if (r == 0 && file_interrupted())
        r = error_set(error, -EINTR, "interrupted: %.250s is not made", reshape->output.name.final);
    return r;
}

static void close_new(struct reshape *reshape)
{
    for (unsigned i = 0; i < RUN_MAX_LAYERS; i++)
        image_store_finish(&reshape->images[i]);
    if (reshape->entry >= 0)
        H5Gclose(reshape->entry);
    reshape->entry = -1;
}

static int make(struct reshape *reshape, struct error *error)
{
    const struct reshape_options *const options = reshape->options;
    int r = file_output_create(&reshape->output, options->file.output, options->file.path,
                               options->file.force, error);
    if (r < 0)
        return r;
    file_copier_init(&reshape->copier, reshape->output.file);
    r = fill(reshape, error);
    close_new(reshape);
    file_copier_finish(&reshape->copier);
    if (r == 0)
        r = file_output_commit(&reshape->output, options->file.path, error);
    if (r < 0)
        file_output_abandon(&reshape->output);
    return r;
}

/* ---- what was done ---- */

static void print_json(const struct reshape *reshape)
{
    const struct reshape_counts *const counts = &reshape->counts;
    json_t *const json = json_pack(
        "{s:s, s:o, s:I, s:I, s:I, s:I, s:{s:I, s:I}}", "file", reshape->output.name.final,
        "geometry", geometry_json(&reshape->geometry), "placed", (json_int_t)counts->placed,
        "extra", (json_int_t)counts->extra, "empty", (json_int_t)counts->empty, "lost",
        (json_int_t)counts->lost, "chunks", "copied", (json_int_t)counts->chunks_copied,
        "compressed", (json_int_t)counts->chunks_compressed);
    json_dumpf(json, stdout, 0);
    putchar('\n');
    json_decref(json);
}

static void print_words(const struct reshape *reshape)
{
    const struct reshape_counts *const counts = &reshape->counts;
    char words[200];
    file_geometry_describe(words, sizeof words, &reshape->geometry);
    printf("%s: %s\n", reshape->output.name.final, words);
    printf("  %s frames in place, %s in /entry/extra, %s positions without a frame\n",
           file_text_of_count(counts->placed).text, file_text_of_count(counts->extra).text,
           file_text_of_count(counts->empty).text);
    printf("  %s chunks copied as they were, %s compressed anew\n",
           file_text_of_count(counts->chunks_copied).text,
           file_text_of_count(counts->chunks_compressed).text);
    if (counts->lost > 0)
        printf("  %s frames came whose pixels are not in %s\n",
               file_text_of_count(counts->lost).text, reshape->old.path);
}

int file_command_reshape(int argc, char **argv)
{
    struct reshape_options options;
    reshape_options_parse(&options, argc, argv);
    struct reshape reshape = {.options = &options, .entry = -1};
    struct error error = {0};
    for (unsigned i = 0; i < RUN_MAX_LAYERS; i++)
        reshape.images[i] = (struct image_store){.id = -1, .type = -1};
    file_interrupt_watch();
    bool reading = true;
    int r = open_original(&reshape, &error);
    if (r == 0)
        r = reshape_choose_geometry(&reshape, &error);
    if (r == 0) {
        reading = false;
        r = make(&reshape, &error);
    }
    if (r == 0 && options.file.json)
        print_json(&reshape);
    else if (r == 0)
        print_words(&reshape);
    file_geometry_finish(&reshape.geometry);
    file_recording_close(&reshape.old);
    return r < 0 ? file_command_failed(file_exit_status(r, reading), &error) : EX_OK;
}
