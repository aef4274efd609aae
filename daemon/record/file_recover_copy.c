#include <blosc.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/record/blosc_filter.h"
#include "daemon/record/file_recover.h"
#include "daemon/record/hdf5_error.h"
#include "daemon/record/nexus.h"
#include "daemon/record/reader_views.h"

/* ---- the judge ---- */

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

static bool keep_chunk(void *data, hid_t dataset, const void *bytes, size_t size)
{
    struct recover *const recover = data;
    struct recover_counts *const counts = &recover->counts;
    const bool good = bytes && (!is_blosc(dataset) || blosc_decodes(bytes, size));
    counts->chunks += good;
    counts->chunks_left_out += !good;
    return good;
}

static bool enter(void *data, const char *path)
{
    const struct recover *const recover = data;
    return file_trial_enter(recover->trial, path);
}

static void leave(void *data, const char *parent)
{
    const struct recover *const recover = data;
    file_trial_back(recover->trial, parent);
}

/* What has no room is no fault of the old file. */
static int note_lost(void *data, const char *path)
{
    struct recover *const recover = data;
    struct error error = {0};
    if (recover->full.code == 0) {
        const int r = file_output_error(&recover->output, recover->options->path, &error);
        if (r == -ENOSPC || r == -EDQUOT || r == -EFBIG)
            recover->full = error;
    }
    if (recover->full.code != 0)
        return -1;
    json_array_append_new(recover->lost, json_string(path));
    return 0;
}

/* ---- copying ---- */

struct members_copy {
    struct recover *recover;
    hid_t into;
    bool small, large; /* which of them: what is small comes first, for a crash costs little then */
};

static bool is_large(const char *name)
{
    return strncmp(name, "data", 4) == 0 || strcmp(name, "extra") == 0 ||
           strcmp(name, "messages") == 0;
}

static int copy_member(hid_t from, const char *name, H5L_type_t type, void *data)
{
    const struct members_copy *const copy = data;
    if (file_interrupted())
        return -1;
    if (!(is_large(name) ? copy->large : copy->small) ||
        H5Lexists(copy->into, name, H5P_DEFAULT) > 0)
        return 0;
    return file_copy_member(&copy->recover->copier, from, name, copy->into);
}

/* -1: interrupted, or no room; what cannot be read is told. */
static int copy_members(struct recover *recover, hid_t from, hid_t into, bool small, bool large)
{
    struct members_copy copy = {recover, into, small, large};
    const int r = file_each_member(from, copy_member, &copy);
    if (r == 0 || file_interrupted() || recover->full.code != 0)
        return r;
    return note_lost(recover, from == recover->old.file ? "/..." : "/entry/...");
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

static int copy_entry(struct recover *recover)
{
    const hid_t old = recover->old.entry;
    const hid_t entry = nexus_group(recover->output.file, "entry", NULL);
    if (entry < 0)
        return -1;
    int r = file_copy_attributes_judged(old, entry, recover->copier.judge);
    if (r == 0)
        r = copy_members(recover, old, entry, true, false);
    if (r == 0)
        r = copy_members(recover, old, entry, false, true);
    if (r == 0)
        r = describe(entry, recover);
    H5Gclose(entry);
    return r;
}

/* A stack has none before it is closed. They are made of attributes that may be lost. */
static int renew_views(struct recover *recover)
{
    static const char step[] = "the views of other programs";
    int r = 0;
    if (file_trial_enter(recover->trial, step) && reader_views_renew(recover->output.file) < 0)
        r = note_lost(recover, step);
    file_trial_back(recover->trial, "");
    return r;
}

int recover_copy(struct recover *recover)
{
    const struct file_copy_judge judge = {keep_chunk, enter, leave, note_lost, recover};
    const hid_t file = recover->output.file;
    file_copier_init(&recover->copier, file);
    recover->copier.judge = &judge;
    int r = file_copy_attributes_judged(recover->old.file, file, &judge);
    if (r == 0 && recover->old.entry >= 0)
        r = copy_entry(recover);
    if (r == 0)
        r = copy_members(recover, recover->old.file, file, true, true);
    file_trial_back(recover->trial, "");
    if (r == 0)
        r = renew_views(recover);
    file_copier_finish(&recover->copier);
    return r;
}
