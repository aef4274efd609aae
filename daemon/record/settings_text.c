#include "daemon/record/settings_text.h"

#include <jansson.h>
#include <stdlib.h>

static json_t *virtual_detector_json(const struct virtual_detector_settings *detector)
{
    const char *const shape = detector->shape == VIRTUAL_DETECTOR_DISK ? "disk" : "annulus";
    json_t *const json = json_pack("{s:s, s:s, s:f, s:f}", "name", detector->name, "shape", shape,
                                   "inner", detector->inner, "outer", detector->outer);
    if (json && detector->centre_given)
        json_object_set_new(json, "centre",
                            json_pack("[f, f]", detector->centre_y, detector->centre_x));
    return json;
}

static json_t *virtual_detectors_json(const struct acquisition_plan *plan)
{
    json_t *const list = json_array();
    for (size_t i = 0; i < plan->n_virtual_detectors; i++)
        json_array_append_new(list, virtual_detector_json(&plan->virtual_detectors[i]));
    return list;
}

static json_t *recording_json(const struct recording_settings *settings)
{
    static const char *const codecs[] = {[RECORDING_CODEC_LZ4] = "lz4",
                                         [RECORDING_CODEC_ZSTD] = "zstd",
                                         [RECORDING_CODEC_BLOSCLZ] = "blosclz"};
    static const char *const shuffles[] = {[RECORDING_SHUFFLE_NONE] = "none",
                                           [RECORDING_SHUFFLE_BYTE] = "byte",
                                           [RECORDING_SHUFFLE_BIT] = "bit"};
    return json_pack("{s:s, s:{s:s, s:s, s:i}}", "directory", settings->directory, "compression",
                     "codec", codecs[settings->codec], "shuffle", shuffles[settings->shuffle],
                     "level", settings->level);
}

static json_t *scan_json(const struct scan_geometry *scan)
{
    json_t *const shape = scan->ny == 0
                              ? json_null()
                              : json_pack("[I, I]", (json_int_t)scan->ny, (json_int_t)scan->nx);
    return json_pack("{s:o, s:{s:I, s:I, s:I}}", "shape", shape, "skip", "start",
                     (json_int_t)scan->skip_start, "line", (json_int_t)scan->skip_line, "end",
                     (json_int_t)scan->skip_end);
}

char *settings_text(const struct run *run)
{
    const struct acquisition_plan *const plan = run->plan;
    json_t *const json = json_pack(
        "{s:I, s:s, s:s, s:o, s:I, s:o, s:o}", "version", (json_int_t)plan->version, "id", plan->id,
        "mode", plan->active ? "active" : "passive", "scan", scan_json(&run->scan), "chunk_frames",
        (json_int_t)run->chunk_frames, "recording", recording_json(&plan->recording),
        "virtual_detectors", virtual_detectors_json(plan));
    if (!json)
        return NULL;
    char *const text = json_dumps(json, 0);
    json_decref(json);
    return text;
}

char *summary_once_closed(char *summary, const char *path)
{
    if (!summary)
        return NULL;
    json_t *const json = json_loads(summary, 0, NULL);
    if (!json_is_object(json)) {
        json_decref(json);
        return summary;
    }
    json_object_set_new(json, "state", json_string("finished"));
    json_object_set_new(json, "file", json_string(path));
    json_t *const recording = json_object_get(json, "recording");
    if (json_is_object(recording))
        json_object_set_new(recording, "state", json_string("closed"));
    char *const text = json_dumps(json, 0);
    json_decref(json);
    if (!text)
        return summary;
    free(summary);
    return text;
}
