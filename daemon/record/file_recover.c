#include "daemon/record/file_recover.h"

#include <blosc.h>
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/record/blosc_filter.h"
#include "daemon/record/file_command.h"
#include "daemon/record/file_options.h"
#include "daemon/record/file_progress.h"
#include "daemon/record/hdf5_error.h"
#include "daemon/record/nexus.h"
#include "daemon/record/reader_views.h"

/*
 * A clean file of one that was left by a crash. The original is only read: opened as a reader of a
 * growing file opens it (H5F_ACC_SWMR_READ), which needs no repair; opening it to write would cut
 * it off where HDF5 last knew its end to be.
 */

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

static int prove_frames(struct recover *recover, struct error *error)
{
    int r = file_payloads_open(&recover->payloads, &recover->old, error);
    if (r == -ENOTSUP)
        return 0;
    if (r == 0)
        r = file_check_messages(&recover->check, &recover->payloads, note_frame, recover, error);
    if (recover->n_frames > 0)
        qsort(recover->frames, recover->n_frames, sizeof *recover->frames, by_row);
    return r;
}

/* ---- copying ---- */

static bool is_blosc(hid_t dataset)
{
    const hid_t properties = H5Dget_create_plist(dataset);
    unsigned flags, values[8];
    size_t n = 8;
    const bool blosc = properties >= 0 && H5Pget_filter_by_id2(properties, BLOSC_FILTER_ID, &flags,
                                                               &n, values, 0, NULL, NULL) >= 0;
    if (properties >= 0)
        H5Pclose(properties);
    hdf5_error_forget();
    return blosc;
}

static bool blosc_decodes(const void *bytes, size_t size)
{
    size_t decoded = 0;
    if (blosc_cbuffer_validate(bytes, size, &decoded) < 0)
        return false;
    void *const room = malloc(decoded + 1);
    const bool good = room && blosc_decompress_ctx(bytes, room, decoded, 1) == (int)decoded;
    free(room);
    return good;
}

/* A file_copy_judge. */
static bool keep_chunk(void *data, hid_t dataset, const void *bytes, size_t size)
{
    struct recover_counts *const counts = data;
    const bool good = bytes && (!is_blosc(dataset) || blosc_decodes(bytes, size));
    counts->chunks += good;
    counts->chunks_left_out += !good;
    return good;
}

static void note_lost(struct recover_counts *counts, const char *name)
{
    const size_t length = strlen(counts->lost_objects);
    snprintf(counts->lost_objects + length, sizeof counts->lost_objects - length, "%s%s",
             length > 0 ? ", " : "", name);
}

struct tolerant_copy {
    struct recover *recover;
    hid_t into;
};

/* What cannot be copied is named and left out. */
static int copy_tolerant(hid_t from, const char *name, H5L_type_t type, void *data)
{
    const struct tolerant_copy *const copy = data;
    struct recover *const recover = copy->recover;
    if (H5Lexists(copy->into, name, H5P_DEFAULT) > 0 ||
        file_copy_member(&recover->copier, from, name, copy->into) == 0)
        return 0;
    if (H5Lexists(copy->into, name, H5P_DEFAULT) > 0)
        H5Ldelete(copy->into, name, H5P_DEFAULT);
    hdf5_error_forget();
    note_lost(&recover->counts, name);
    return 0;
}

static int describe(hid_t entry, const struct recover *recover)
{
    static const char reason[] = "crash";
    const char *const name = strrchr(recover->old.path, '/');
    if (nexus_attribute(entry, "recovered_from", name ? name + 1 : recover->old.path) < 0 ||
        nexus_attribute(entry, "recovered_by", "merlin-file " MERLIND_VERSION) < 0)
        return -1;
    char *const known = file_read_text(entry, "end_reason");
    const bool closed = known && *known;
    free(known);
    if (closed || !file_has(entry, "end_reason"))
        return 0;
    const hid_t dataset = H5Dopen2(entry, "end_reason", H5P_DEFAULT);
    const int r = dataset < 0 ? -1 : nexus_text_write(dataset, reason, sizeof reason - 1);
    if (dataset >= 0)
        H5Dclose(dataset);
    return r;
}

static int copy_entry(struct recover *recover, hid_t entry)
{
    struct tolerant_copy copy = {recover, entry};
    if (file_copy_attributes(recover->old.entry, entry, NULL) < 0 ||
        file_each_member(recover->old.entry, copy_tolerant, &copy) < 0)
        return -1;
    if (recover->check.has_messages && recover_frames(recover, entry) < 0)
        return -1;
    return describe(entry, recover);
}

static int copy_all(struct recover *recover)
{
    const hid_t file = recover->output.file;
    struct tolerant_copy beside = {recover, file};
    if (file_copy_attributes(recover->old.file, file, NULL) < 0)
        return -1;
    const hid_t entry = nexus_group(file, "entry", NULL);
    if (entry < 0)
        return -1;
    int r = copy_entry(recover, entry);
    H5Gclose(entry);
    if (r == 0)
        r = file_each_member(recover->old.file, copy_tolerant, &beside);
    /* A stack has none before it is closed. */
    if (r == 0)
        r = reader_views_renew(file);
    return r;
}

static int make(struct recover *recover, const struct file_options *options, struct error *error)
{
    const struct file_copy_judge judge = {keep_chunk, &recover->counts};
    int r =
        file_output_create(&recover->output, options->output, options->path, options->force, error);
    if (r < 0)
        return r;
    file_copier_init(&recover->copier, recover->output.file);
    recover->copier.judge = &judge;
    r = copy_all(recover);
    file_copier_finish(&recover->copier);
    if (r < 0)
        r = file_output_error(&recover->output, options->path, error);
    if (r == 0)
        r = file_output_commit(&recover->output, options->path, error);
    if (r < 0)
        file_output_abandon(&recover->output);
    return r;
}

/* ---- what was done ---- */

static void tell_json(const struct recover *recover)
{
    const struct file_check *const check = &recover->check;
    const struct recover_counts *const counts = &recover->counts;
    json_t *const json = json_pack(
        "{s:s, s:b, s:b, s:{s:I, s:I, s:I}, s:{s:I, s:I}, s:s}", "file", recover->output.name.final,
        "closed", !recover->old.growing, "checksums", check->has_messages, "messages", "proven",
        (json_int_t)check->proven, "not_proven", (json_int_t)(check->messages - check->proven),
        "rows_left_out", (json_int_t)counts->frames_left_out, "chunks", "copied",
        (json_int_t)counts->chunks, "left_out", (json_int_t)counts->chunks_left_out, "lost",
        counts->lost_objects);
    json_dumpf(json, stdout, 0);
    putchar('\n');
    json_decref(json);
}

static void tell_words(const struct recover *recover)
{
    const struct file_check *const check = &recover->check;
    const struct recover_counts *const counts = &recover->counts;
    printf("%s\n", recover->output.name.final);
    if (!recover->old.growing)
        printf("  %s was closed well: this is a copy\n", recover->old.path);
    if (check->has_messages)
        printf("  saved: %s frames, each as the detector sent it (CRC-32C)\n",
               file_text_of_count(check->proven).text);
    else
        printf("  saved: what could be read; the file has no checksums to prove it by\n");
    if (check->messages > check->proven)
        printf("  not saved: %s frames whose pixels are damaged\n",
               file_text_of_count(check->messages - check->proven).text);
    if (counts->frames_left_out > 0)
        printf(
            "  not saved: %s frames that were received and whose pixels did not reach the file\n",
            file_text_of_count(counts->frames_left_out).text);
    if (counts->chunks_left_out > 0)
        printf("  not saved: %s of %s chunks, which cannot be decoded\n",
               file_text_of_count(counts->chunks_left_out).text,
               file_text_of_count(counts->chunks_left_out + counts->chunks).text);
    if (counts->lost_objects[0])
        printf("  not saved, for it cannot be read: %s\n", counts->lost_objects);
    printf("  maps and statistics are as of the last flush; what came after it is in no file\n");
}

int file_command_recover(int argc, char **argv)
{
    struct file_options options = {.needs_output =
                                       "-o NEW is missing: what the new file is to be called"};
    struct recover recover = {.payloads.messages = {-1, -1, -1, -1, -1, .payload = -1}};
    struct error error = {0};
    file_options_parse(&options, option_table, "FILE -o NEW", help_doc, argc, argv);
    file_interrupt_watch();
    bool reading = true;
    int r = file_recording_open(&recover.old, options.path, &error);
    if (r == 0)
        r = prove_frames(&recover, &error);
    if (r == 0) {
        reading = false;
        r = make(&recover, &options, &error);
    }
    if (r == 0 && options.json)
        tell_json(&recover);
    else if (r == 0)
        tell_words(&recover);
    file_payloads_finish(&recover.payloads);
    free(recover.frames);
    file_recording_close(&recover.old);
    return r < 0 ? file_command_failed(file_exit_status(r, reading), &error) : EX_OK;
}
