#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "daemon/record/file_geometry.h"
#include "daemon/record/file_info.h"
#include "daemon/record/geometry_text.h"
#include "daemon/record/hdf5_error.h"

/* ---- small things ---- */

static void add_text(json_t *info, const char *name, hid_t parent, const char *path)
{
    char *const text = file_read_text(parent, path);
    json_t *const value = text ? json_string(text) : NULL;
    json_object_set_new(info, name, value ? value : json_null());
    free(text);
}

static void add_attribute(json_t *info, const char *name, hid_t object, const char *attribute)
{
    char *const text = file_read_attribute(object, attribute);
    json_t *const value = text ? json_string(text) : NULL;
    json_object_set_new(info, name, value ? value : json_null());
    free(text);
}

static void add_number(json_t *info, const char *name, hid_t parent, const char *path)
{
    uint64_t number;
    json_object_set_new(info, name,
                        file_read_number(parent, path, &number) ? json_integer((json_int_t)number)
                                                                : json_null());
}

static json_t *extent_json(const hsize_t *extent, unsigned rank)
{
    json_t *const array = json_array();
    for (unsigned i = 0; i < rank; i++)
        json_array_append_new(array, json_integer((json_int_t)extent[i]));
    return array;
}

/* ---- the run ---- */

static void add_run(json_t *info, const struct file_recording *recording)
{
    struct stat facts = {0};
    json_object_set_new(info, "file", json_string(recording->path));
    if (stat(recording->path, &facts) == 0)
        json_object_set_new(info, "bytes", json_integer((json_int_t)facts.st_size));
    json_object_set_new(info, "growing", json_boolean(recording->growing));
    add_attribute(info, "creator", recording->file, "creator");
    add_attribute(info, "creator_version", recording->file, "creator_version");
    add_text(info, "run", recording->entry, "entry_identifier");
    add_text(info, "start_time", recording->entry, "start_time");
    add_text(info, "end_time", recording->entry, "end_time");
    add_text(info, "end_reason", recording->entry, "end_reason");
    if (file_has(recording->entry, "recording_error"))
        add_text(info, "recording_error", recording->entry, "recording_error");
    char *const text = file_read_text(recording->entry, "statistics");
    json_t *const statistics = text ? json_loads(text, 0, NULL) : NULL;
    json_object_set_new(info, "statistics", statistics ? statistics : json_null());
    free(text);
}

static json_t *stored_geometry(const struct file_recording *recording)
{
    json_t *const geometry = geometry_json(&recording->storage);
    if (recording->storage.list)
        json_object_set_new(geometry, "positions",
                            json_integer((json_int_t)recording->storage.list->n));
    return geometry;
}

static void add_geometry(json_t *info, const struct file_recording *recording)
{
    char words[200];
    file_geometry_describe(words, sizeof words, &recording->storage);
    json_object_set_new(info, "geometry", stored_geometry(recording));
    json_object_set_new(info, "geometry_words", json_string(words));
    json_object_set_new(info, "history",
                        recording->history ? json_deep_copy(recording->history) : json_null());
    json_object_set_new(info, "stored_as",
                        recording->history
                            ? json_integer((json_int_t)file_history_stored(recording->history))
                            : json_null());
}

/* ---- pixels ---- */

static json_t *codec_json(const struct image_store *images)
{
    static const char *const shuffles[] = {"none", "byte", "bit"};
    if (!images->blosc)
        return json_string(images->filtered ? "other" : "none");
    return json_pack("{s:s, s:s, s:s, s:i}", "filter", "blosc", "codec", images->codec, "shuffle",
                     shuffles[images->shuffle], "level", images->level);
}

/* Bytes of pixels in chunks that are in the file, before and after compression. */
static void count_bytes(const struct image_store *images, double *raw, double *stored)
{
    hsize_t n = 0;
    *stored += (double)H5Dget_storage_size(images->id);
    if (images->chunk_frames > 0 && file_chunk_count(images->id, &n) == 0)
        *raw += (double)n * images->chunk_frames * (double)images->frame_size;
    else
        *raw += (double)image_store_places(images) * (double)images->frame_size;
    hdf5_error_forget();
}

static void add_pixels(json_t *info, const struct file_recording *recording)
{
    const struct image_store *const images = &recording->layers[0].images;
    double raw = 0, stored = 0;
    char type[8];
    json_t *const layers = json_array();
    for (unsigned i = 0; i < recording->n_layers; i++) {
        count_bytes(&recording->layers[i].images, &raw, &stored);
        if (recording->n_layers > 1)
            json_array_append_new(layers, json_string(recording->layers[i].name));
    }
    if (recording->extra.id >= 0)
        count_bytes(&recording->extra, &raw, &stored);
    json_object_set_new(info, "layers", layers);
    json_object_set_new(info, "data",
                        json_pack("{s:o, s:s, s:I, s:o, s:f, s:f, s:o}", "shape",
                                  extent_json(images->extent, images->rank), "dtype",
                                  file_type_name(images->id, type), "chunk_frames",
                                  (json_int_t)images->chunk_frames, "compression",
                                  codec_json(images), "bytes_raw", raw, "bytes_stored", stored,
                                  "ratio", stored > 0 ? json_real(raw / stored) : json_null()));
    add_number(info, "counter_depth", recording->entry, "instrument/detector/counter_depth");
    add_text(info, "pixel_type", recording->entry, "instrument/detector/pixel_type");
    add_text(info, "layout", recording->entry, "instrument/detector/layout");
}

/* ---- frames ---- */

enum { COUNT_CAME, COUNT_PLACED, COUNT_SKIPPED, COUNT_SURPLUS, N_COUNTS };

/* From the rows themselves: what is in this file, whatever was told when it was measured. */
static void add_frames(json_t *info, struct file_recording *recording)
{
    static const char *const bits[8] = {"missing",   "duplicate", "late", "stalled",
                                        "saturated", "deferred",  NULL,   NULL};
    uint64_t counts[N_COUNTS] = {0}, flags[8] = {0};
    for (uint64_t row = 0; row < recording->frames.rows; row++) {
        const struct file_frame frame = file_frames_look(&recording->frames, row);
        counts[COUNT_CAME] += frame.position != FILE_POSITION_NEVER_CAME;
        counts[COUNT_PLACED] += frame.position >= 0;
        counts[COUNT_SKIPPED] += frame.position == SCAN_POSITION_SKIPPED;
        counts[COUNT_SURPLUS] += frame.position == SCAN_POSITION_SURPLUS;
        for (unsigned bit = 0; bit < 8; bit++)
            flags[bit] += frame.status >> bit & 1;
    }
    json_t *const frames = json_pack(
        "{s:I, s:I, s:I, s:I, s:I, s:I}", "rows", (json_int_t)recording->frames.rows, "came",
        (json_int_t)counts[COUNT_CAME], "placed", (json_int_t)counts[COUNT_PLACED], "skipped",
        (json_int_t)counts[COUNT_SKIPPED], "surplus", (json_int_t)counts[COUNT_SURPLUS], "extra",
        (json_int_t)recording->n_extra);
    for (unsigned bit = 0; bit < 8; bit++) {
        if (bits[bit])
            json_object_set_new(frames, bits[bit], json_integer((json_int_t)flags[bit]));
    }
    json_object_set_new(info, "frames", frames);
}

/* ---- results ---- */

struct result_walk {
    json_t *results;
    char prefix[FILE_NAME_SIZE];
};

static bool is_map(hid_t group)
{
    char names[FILE_RANK_MAX][FILE_NAME_SIZE];
    const unsigned n = file_read_names(group, "axes", names, FILE_RANK_MAX);
    return n > 0 && (strcmp(names[0], "scan_y") == 0 || strcmp(names[0], "repeat") == 0 ||
                     strcmp(names[0], "frame") == 0);
}

static void add_result(struct result_walk *walk, hid_t group, const char *name, hid_t dataset)
{
    unsigned rank;
    hsize_t extent[FILE_RANK_MAX];
    char full[2 * FILE_NAME_SIZE], type[8];
    if (!file_extent(dataset, &rank, extent))
        return;
    snprintf(full, sizeof full, "%s%.100s", walk->prefix, name);
    json_t *const result =
        json_pack("{s:s, s:s, s:o, s:s}", "name", full, "kind", is_map(group) ? "map" : "array",
                  "shape", extent_json(extent, rank), "dtype", file_type_name(dataset, type));
    if (!result)
        return;
    add_attribute(result, "units", dataset, "units");
    add_attribute(result, "description", dataset, "description");
    json_array_append_new(walk->results, result);
}

static int visit_result(hid_t parent, const char *name, H5L_type_t type, void *data)
{
    struct result_walk *const walk = data;
    const hid_t group =
        type == H5L_TYPE_HARD ? H5Gopen2(parent, name, H5P_DEFAULT) : H5I_INVALID_HID;
    if (group < 0) {
        hdf5_error_forget();
        return 0;
    }
    const hid_t dataset =
        file_has(group, "data") ? H5Dopen2(group, "data", H5P_DEFAULT) : H5I_INVALID_HID;
    if (dataset >= 0) {
        add_result(walk, group, name, dataset);
        H5Dclose(dataset);
    } else if (walk->prefix[0] == '\0') {
        struct result_walk below = {walk->results, ""};
        snprintf(below.prefix, sizeof below.prefix, "%.100s/", name);
        file_each_member(group, visit_result, &below);
    }
    H5Gclose(group);
    hdf5_error_forget();
    return 0;
}

static void add_results(json_t *info, const struct file_recording *recording)
{
    struct result_walk walk = {json_array(), ""};
    json_object_set_new(info, "results", walk.results);
    if (!file_has(recording->entry, "results"))
        return;
    const hid_t group = H5Gopen2(recording->entry, "results", H5P_DEFAULT);
    if (group < 0)
        return;
    file_each_member(group, visit_result, &walk);
    H5Gclose(group);
}

json_t *file_info_json(struct file_recording *recording)
{
    json_t *const info = json_object();
    add_run(info, recording);
    add_geometry(info, recording);
    add_pixels(info, recording);
    add_frames(info, recording);
    add_results(info, recording);
    file_info_add_log(info, recording);
    return info;
}
