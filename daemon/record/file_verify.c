#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/crc32c.h"
#include "daemon/record/file_check.h"
#include "daemon/record/file_command.h"
#include "daemon/record/file_options.h"
#include "daemon/record/file_output.h"
#include "daemon/record/file_progress.h"

static const struct argp_option option_table[] = {
    {"json", FILE_KEY_JSON, 0, 0, "One JSON object instead of words", 1},
    {0},
};

static const char help_doc[] =
    "Decode every chunk of pixels of a recording, and hold every frame against the CRC-32C of what "
    "the detector sent. The exit status is 0 when all is well, 65 when anything is not.\v"
    "More in merlin-file(1).";

static bool all_is_well(const struct file_check *check)
{
    return check->bad_chunks == 0 && check->proven == check->messages && !check->bad_header;
}

static void tell_json(const struct file_check *check, bool growing)
{
    json_t *const json = json_pack("{s:b, s:b, s:{s:I, s:I}}", "good", all_is_well(check),
                                   "growing", growing, "chunks", "count", (json_int_t)check->chunks,
                                   "bad", (json_int_t)check->bad_chunks);
    if (check->has_messages)
        json_object_set_new(
            json, "messages",
            json_pack("{s:I, s:I, s:I, s:I, s:I, s:I}", "arrived", (json_int_t)check->arrived,
                      "recorded", (json_int_t)check->messages, "proven", (json_int_t)check->proven,
                      "lost", (json_int_t)check->lost, "spoilt", (json_int_t)check->spoilt,
                      "unreadable", (json_int_t)check->unreadable));
    json_dumpf(json, stdout, 0);
    putchar('\n');
    json_decref(json);
}

static void tell_messages(const struct file_check *check)
{
    if (!check->has_messages) {
        printf("  no checksums: the file is of a merlind that kept none\n");
        return;
    }
    if (check->messages < check->arrived)
        printf("  %s messages came and were not recorded\n",
               file_text_of_count(check->arrived - check->messages).text);
    if (check->proven == check->messages) {
        printf("  %s frames, each as the detector sent it (CRC-32C)\n",
               file_text_of_count(check->proven).text);
        return;
    }
    printf("  %s of %s frames are not as the detector sent them, the first is message %" PRIu64
           " in the order of arrival (from 0):\n"
           "  %s cannot be read, %s differ, of %s the pixels are not in the file\n",
           file_text_of_count(check->messages - check->proven).text,
           file_text_of_count(check->messages).text, check->first_bad,
           file_text_of_count(check->unreadable).text, file_text_of_count(check->spoilt).text,
           file_text_of_count(check->lost).text);
}

/* What the recorder knew against it. */
static void tell_error(const struct file_recording *recording)
{
    char *const text = file_has(recording->entry, "recording_error")
                           ? file_read_text(recording->entry, "recording_error")
                           : NULL;
    if (text && *text)
        printf("  marked when it was recorded: %s\n", text);
    free(text);
}

/* false: the HDR is not what its checksum is of. Without one nothing is said against it. */
static bool header_is_good(const struct file_recording *recording)
{
    static const char path[] = "instrument/detector/acquisition_header";
    size_t size = 0;
    uint64_t expected;
    if (!file_has(recording->entry, "instrument/detector/acquisition_header_crc32c") ||
        !file_read_number(recording->entry, "instrument/detector/acquisition_header_crc32c",
                          &expected))
        return true;
    char *const header = file_read_bytes(recording->entry, path, &size);
    const bool good = header && crc32c_plain(header, size) == expected;
    free(header);
    return good;
}

static void tell_words(const struct file_check *check, const struct file_recording *recording)
{
    const char *const path = recording->path;
    const bool growing = recording->growing;
    printf("%s: %s\n", path, all_is_well(check) ? "good" : "DAMAGED");
    if (growing)
        printf("  it is being written, or was left by a crash (merlin-file recover)\n");
    if (check->bad_chunks == 0)
        printf("  %s chunks of pixels, all of them readable\n",
               file_text_of_count(check->chunks).text);
    else
        printf("  %s of %s chunks of pixels cannot be read, the first is %s\n",
               file_text_of_count(check->bad_chunks).text, file_text_of_count(check->chunks).text,
               check->first_bad_chunk);
    if (check->bad_header)
        printf("  the detector's acquisition header (HDR) is not as it was sent\n");
    tell_messages(check);
    tell_error(recording);
}

static int check_file(struct file_check *check, struct file_recording *recording,
                      struct error *error)
{
    struct file_payloads payloads;
    file_check_chunks(check, recording);
    check->bad_header = !header_is_good(recording);
    int r = file_payloads_open(&payloads, recording, error);
    if (r == 0)
        r = file_check_messages(check, &payloads, NULL, NULL, error);
    file_payloads_finish(&payloads);
    return r == -ENOTSUP ? 0 : r;
}

int file_command_verify(int argc, char **argv)
{
    struct file_options options = {0};
    struct file_recording recording;
    struct file_check check = {0};
    struct error error = {0};
    file_options_parse(&options, option_table, "FILE", help_doc, argc, argv);
    file_interrupt_watch();
    int r = file_recording_open(&recording, options.path, &error);
    const bool opened = r == 0;
    if (opened)
        r = check_file(&check, &recording, &error);
    if (r == 0 && options.json)
        tell_json(&check, recording.growing);
    else if (r == 0)
        tell_words(&check, &recording);
    file_recording_close(&recording);
    if (r < 0)
        return file_command_failed(file_exit_status(r, !opened), &error);
    return all_is_well(&check) ? EX_OK : EX_DATAERR;
}
