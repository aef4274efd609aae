#include <stdio.h>

#include "daemon/record/file_progress.h"
#include "daemon/record/file_recover.h"

static json_t *crashed(const struct recover *recover)
{
    json_t *const list = json_array();
    for (size_t i = 0; i < recover->trial->n_skipped; i++)
        json_array_append_new(list, json_string(recover->trial->skipped[i]));
    return list;
}

static void tell_json(const struct recover *recover)
{
    const struct file_check *const check = &recover->check;
    const struct recover_counts *const counts = &recover->counts;
    json_t *const json = json_pack(
        "{s:s, s:b, s:b, s:{s:I, s:I, s:I}, s:{s:I, s:I}, s:O, s:o, s:s}", "file",
        recover->output.name.final, "closed", !recover->old.growing, "checksums",
        check->has_messages, "messages", "proven", (json_int_t)check->proven, "not_proven",
        (json_int_t)(check->messages - check->proven), "rows_left_out",
        (json_int_t)counts->frames_left_out, "chunks", "copied", (json_int_t)counts->chunks,
        "left_out", (json_int_t)counts->chunks_left_out, "lost", recover->lost, "crashed",
        crashed(recover), "unproven", recover->unproven);
    json_dumpf(json, stdout, 0);
    putchar('\n');
    json_decref(json);
}

static void tell_words(const struct recover *recover)
{
    const struct file_check *const check = &recover->check;
    const struct recover_counts *const counts = &recover->counts;
    const json_t *path;
    size_t i;
    printf("%s\n", recover->output.name.final);
    if (!recover->old.growing)
        printf("  %s was closed well: this is a copy\n", recover->old.path);
    if (check->has_messages)
        printf("  saved: %s frames, each as the detector sent it (CRC-32C)\n",
               file_text_of_count(check->proven).text);
    else if (recover->unproven[0])
        printf("  saved: what can be read, unproven: %s\n", recover->unproven);
    else
        printf("  saved: what can be read; the file has no checksums to prove it by\n");
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
    json_array_foreach(recover->lost, i, path)
        printf("  not saved, for it cannot be read: %s\n", json_string_value(path));
    for (i = 0; i < recover->trial->n_skipped; i++)
        printf("  not saved, for the HDF5 library crashes on it: %s\n", recover->trial->skipped[i]);
    printf("  maps and statistics are as of the last flush; what came after it is in no file\n");
}

void recover_tell(const struct recover *recover)
{
    if (recover->options->json)
        tell_json(recover);
    else
        tell_words(recover);
}
