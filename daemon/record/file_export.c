#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/record/file_command.h"
#include "daemon/record/file_options.h"
#include "daemon/record/file_output.h"
#include "daemon/record/file_payloads.h"
#include "daemon/record/file_progress.h"
#include "daemon/record/plain_file.h"

/*
 * NAME.mib and NAME.hdr as Merlin itself would have saved them: the acquisition header as received,
 * and of each message, in the order of arrival, header and pixels as received, without the MPX
 * prefix of the wire.
 */

static const struct argp_option option_table[] = {
    {"output", 'o', "NAME", 0, "Write NAME.mib and NAME.hdr; they appear when they are whole", 1},
    {"force", FILE_KEY_FORCE, 0, 0, "Replace files that are there", 2},
    {"json", FILE_KEY_JSON, 0, 0, "Tell what was done as one JSON object", 2},
    {0},
};

static const char help_doc[] =
    "Write the .mib and .hdr files that Merlin would have saved of a recording, bit for bit as the "
    "detector sent them: every frame in the order in which it came, those without a place in the "
    "scan included. Each is checked against the CRC-32C of what was received.\v"
    "More in merlin-file(1).";

struct mib_export {
    const struct file_options *options;
    struct file_recording recording;
    struct file_payloads payloads;
    char mib[1100], hdr[1100]; /* names */
    bool has_hdr;
    uint64_t n_written, n_left_out;
    uint64_t first_left_out; /* arrival */
};

/* ---- words ---- */

static int name_files(struct mib_export *export, struct error *error)
{
    const char *const name = export->options->output;
    const size_t length = strlen(name);
    /* Who says NAME.mib means the same. */
    const bool suffix = length > 4 && strcmp(name + length - 4, ".mib") == 0;
    const int stem = (int)(suffix ? length - 4 : length);
    if (length >= sizeof export->mib - 16)
        return error_set(error, -ENAMETOOLONG, "\"%.250s\" is no name for a file", name);
    snprintf(export->mib, sizeof export->mib, "%.*s.mib", stem, name);
    snprintf(export->hdr, sizeof export->hdr, "%.*s.hdr", stem, name);
    return 0;
}

/* ---- writing ---- */

static int write_message(struct mib_export *export, const struct plain_file *mib, uint64_t arrival,
                         struct error *error)
{
    struct file_payloads *const payloads = &export->payloads;
    struct file_message message;
    enum file_payload_state state;
    if (file_payloads_get(payloads, arrival, &message, &state) < 0)
        return error_set(error, -EIO, "cannot read /entry/messages of %.300s: it is damaged",
                         export->recording.path);
    if (state != FILE_PAYLOAD_PROVEN) {
        if (export->n_left_out++ == 0)
            export->first_left_out = arrival;
        return 0;
    }
    export->n_written++;
    errno = 0;
    if (fwrite(message.header, payloads->messages.header_size, 1, mib->stream) != 1 ||
        fwrite(payloads->payload, payloads->messages.payload_size, 1, mib->stream) != 1)
        return plain_file_failed(mib, error);
    return 0;
}

static int write_messages(struct mib_export *export, const struct plain_file *mib,
                          struct error *error)
{
    const uint64_t n = export->payloads.messages.n;
    struct file_progress progress;
    int r = 0;
    file_progress_init(&progress, n);
    for (uint64_t i = 0; r == 0 && i < n; i++) {
        r = write_message(export, mib, i, error);
        file_progress_draw(&progress, i + 1);
        if (r == 0 && file_interrupted())
            r = error_set(error, -EINTR, "interrupted: %.250s is not made", mib->name);
    }
    file_progress_finish(&progress);
    return r;
}

static int write_hdr(struct mib_export *export, struct error *error)
{
    struct plain_file hdr = {0};
    size_t size;
    char *const text =
        file_read_bytes(export->recording.entry, "instrument/detector/acquisition_header", &size);
    if (!text)
        return 0;
    export->has_hdr = true;
    int r = plain_file_begin(&hdr, export->hdr, export->options->force, error);
    if (r == 0 && fwrite(text, 1, size, hdr.stream) != size)
        r = plain_file_failed(&hdr, error);
    if (r == 0)
        r = plain_file_end(&hdr, error);
    else
        plain_file_abandon(&hdr);
    free(text);
    return r;
}

static int write_files(struct mib_export *export, struct error *error)
{
    struct plain_file mib = {0};
    int r = name_files(export, error);
    if (r == 0)
        r = plain_file_begin(&mib, export->mib, export->options->force, error);
    if (r < 0)
        return r;
    r = write_messages(export, &mib, error);
    if (r == 0)
        r = write_hdr(export, error);
    if (r == 0)
        return plain_file_end(&mib, error);
    plain_file_abandon(&mib);
    return r;
}

/* ---- what was done ---- */

static void tell(const struct mib_export *export)
{
    if (export->options->json) {
        json_t *const json =
            json_pack("{s:s, s:s?, s:I, s:I}", "mib", export->mib, "hdr",
                      export->has_hdr ? export->hdr : NULL, "frames",
                      (json_int_t) export->n_written, "left_out", (json_int_t) export->n_left_out);
        json_dumpf(json, stdout, 0);
        putchar('\n');
        json_decref(json);
        return;
    }
    printf("%s: %s frames, bit for bit as the detector sent them\n", export->mib,
           file_text_of_count(export->n_written).text);
    if (export->has_hdr)
        printf("%s: the acquisition header\n", export->hdr);
    else
        printf("no .hdr: the detector sent no acquisition header\n");
}

static int check_complete(const struct mib_export *export, struct error *error)
{
    if (export->n_left_out == 0)
        return 0;
    return error_set(error, -ENODATA,
                     "%" PRIu64 " of %" PRIu64 " messages are not in %.250s as they came, the "
                     "first of them the message %" PRIu64 " in the order of arrival (from 0): they "
                     "are left out of %.250s",
                     export->n_left_out, export->payloads.messages.n, export->recording.path,
                     export->first_left_out, export->mib);
}

int file_command_export(int argc, char **argv)
{
    struct file_options options = {
        .needs_output = "-o NAME is missing: what NAME.mib and NAME.hdr are to be called"};
    struct error error = {0};
    file_options_parse(&options, option_table, "FILE -o NAME", help_doc, argc, argv);
    struct mib_export export = {.options = &options};
    file_interrupt_watch();
    bool reading = true;
    int r = file_recording_open(&export.recording, options.path, &error);
    const bool opened = r == 0;
    if (opened)
        r = file_payloads_open(&export.payloads, &export.recording, &error);
    if (r == 0) {
        reading = false;
        r = write_files(&export, &error);
    }
    if (r == 0) {
        tell(&export);
        r = check_complete(&export, &error);
    }
    if (opened)
        file_payloads_finish(&export.payloads);
    file_recording_close(&export.recording);
    return r < 0 ? file_command_failed(file_exit_status(r, reading), &error) : EX_OK;
}
