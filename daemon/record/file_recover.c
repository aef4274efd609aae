#include "daemon/record/file_recover.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/record/file_command.h"
#include "daemon/record/hdf5_error.h"

static const struct argp_option option_table[] = {
    {"output", 'o', "NEW", 0, "The new file; it appears when it is whole", 1},
    {"force", FILE_KEY_FORCE, 0, 0, "Replace a file that is there", 2},
    {"json", FILE_KEY_JSON, 0, 0, "Tell what was saved as one JSON object", 2},
    {0},
};

static const char help_doc[] =
    "Make a whole file of one that merlind could not close (NAME.h5.partial), with everything in "
    "it "
    "that can be read. The original is not touched. Tells what was saved and what not.\v"
    "More in merlin-file(1).";

/* ---- the old file ---- */

/* As far as it can be read: without its description there are no frames to prove. */
static int open_old(struct recover *recover, struct error *error)
{
    struct file_recording *const old = &recover->old;
    struct error reason = {0};
    int r = file_recording_open_file(old, recover->options->path, error);
    if (r < 0)
        return r;
    /* A link that leads nowhere is damage, no link is another program's file. */
    const bool has_entry = old->entry >= 0;
    const htri_t there = has_entry ? H5Lexists(old->entry, "data", H5P_DEFAULT)
                                   : H5Lexists(old->file, "entry", H5P_DEFAULT);
    if (there < 0)
        return error_set(error, -EBADMSG,
                         "%.300s: its group / or /entry is damaged, by which all else is found",
                         old->path);
    if (there == 0)
        return error_set(error, -EBADMSG,
                         "%.300s has no /entry/data/data: it is no recording of merlind",
                         old->path);
    r = file_trial_enter(recover->trial, "the description of the recording")
            ? file_recording_look(old, &reason)
            : error_set(&reason, -EBADMSG, "the HDF5 library crashes on the description of frames");
    file_trial_back(recover->trial, "");
    hdf5_error_forget();
    if (r == -ENOMEM) {
        *error = reason;
        return r;
    }
    snprintf(recover->unproven, sizeof recover->unproven, "%s", reason.text);
    return 0;
}

/* ---- what is proven ---- */

static int note_frame(void *data, uint64_t arrival, const struct file_message *message,
                      enum file_payload_state state)
{
    struct recover *const recover = data;
    if (state != FILE_PAYLOAD_PROVEN)
        return 0;
    if (recover->n_frames == recover->capacity) {
        const size_t capacity = recover->capacity ? 2 * recover->capacity : 4096;
        void *const larger = realloc(recover->frames, capacity * sizeof *recover->frames);
        if (!larger)
            return -1;
        recover->frames = larger;
        recover->capacity = capacity;
    }
    recover->frames[recover->n_frames++] =
        (struct recovered_frame){message->row, arrival, message->crc32c};
    return 0;
}

static int by_row(const void *a, const void *b)
{
    const struct recovered_frame *const one = a, *const other = b;
    if (one->row != other->row)
        return one->row < other->row ? -1 : 1;
    return one->arrival < other->arrival ? -1 : one->arrival > other->arrival;
}

static int look_at_messages(struct recover *recover, struct error *error)
{
    const int r = file_payloads_open(&recover->payloads, &recover->old, error);
    if (r == -ENOTSUP)
        return 0;
    if (r < 0)
        return r;
    return file_check_messages(&recover->check, &recover->payloads, note_frame, recover, error);
}

/* What cannot be proven is copied all the same, and told. -EINTR, -ENOMEM. */
static int prove_frames(struct recover *recover, struct error *error)
{
    struct error reason = {0};
    if (recover->unproven[0])
        return 0;
    const int r =
        file_trial_enter(recover->trial, "the checksums of frames")
            ? look_at_messages(recover, &reason)
            : error_set(&reason, -EBADMSG, "the HDF5 library crashes on the checksums of frames");
    file_trial_back(recover->trial, "");
    hdf5_error_forget();
    if (r == -EINTR || r == -ENOMEM) {
        *error = reason;
        return r;
    }
    if (r < 0) {
        recover->check = (struct file_check){0};
        recover->n_frames = 0;
        snprintf(recover->unproven, sizeof recover->unproven, "%s", reason.text);
    }
    if (recover->n_frames > 0)
        qsort(recover->frames, recover->n_frames, sizeof *recover->frames, by_row);
    return 0;
}

/* ---- the new file ---- */

static int mend_frames(struct recover *recover)
{
    const hid_t entry = recover->check.has_messages
                            ? H5Gopen2(recover->output.file, "entry", H5P_DEFAULT)
                            : H5I_INVALID_HID;
    if (entry < 0)
        return 0;
    const int r = recover_frames(recover, entry);
    H5Gclose(entry);
    return r;
}

static int fill(struct recover *recover, struct error *error)
{
    if (recover_copy(recover) < 0) {
        if (file_interrupted())
            return error_set(error, -EINTR, "interrupted");
        if (recover->full.code == 0)
            return file_output_error(&recover->output, recover->options->path, error);
        *error = recover->full;
        return error->code;
    }
    const int r = prove_frames(recover, error);
    if (r < 0)
        return r;
    return mend_frames(recover) < 0
               ? file_output_error(&recover->output, recover->options->path, error)
               : 0;
}

static int make(struct recover *recover, struct error *error)
{
    const struct file_options *const options = recover->options;
    int r =
        file_output_create(&recover->output, options->output, options->path, options->force, error);
    if (r < 0)
        return r;
    r = fill(recover, error);
    if (r == 0)
        r = file_output_commit(&recover->output, options->path, error);
    if (r < 0)
        file_output_abandon(&recover->output);
    return r;
}

/* A file_trial_fn. */
static int recover_file(void *data, const struct file_trial *trial)
{
    struct recover recover = {
        .options = data,
        .trial = trial,
        .payloads.messages = {-1, -1, -1, -1, -1, .payload = -1},
        .lost = json_array(),
    };
    struct error error = {0};
    file_interrupt_watch();
    bool reading = true;
    int r = open_old(&recover, &error);
    if (r == 0) {
        reading = false;
        r = make(&recover, &error);
    }
    if (r == 0)
        recover_tell(&recover);
    file_payloads_finish(&recover.payloads);
    free(recover.frames);
    file_recording_close(&recover.old);
    json_decref(recover.lost);
    return r < 0 ? file_command_failed(file_exit_status(r, reading), &error) : EX_OK;
}

int file_command_recover(int argc, char **argv)
{
    struct file_options options = {.needs_output =
                                       "-o NEW is missing: what the new file is to be called"};
    file_options_parse(&options, option_table, "FILE -o NEW", help_doc, argc, argv);
    return file_trial(recover_file, &options);
}
