#include "daemon/record/settings_text.h"

#include <jansson.h>
#include <stdlib.h>

#include "daemon/calibration/calibration_json.h"
#include "daemon/calibration/plan_warnings.h"
#include "daemon/record/geometry_text.h"
#include "daemon/results/virtual_detector_json.h"

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
                                         [RECORDING_CODEC_BLOSCLZ] = "blosclz",
                                         [RECORDING_CODEC_NONE] = "none",
                                         [RECORDING_CODEC_AUTO] = "auto"};
    static const char *const shuffles[] = {[RECORDING_SHUFFLE_NONE] = "none",
                                           [RECORDING_SHUFFLE_BYTE] = "byte",
                                           [RECORDING_SHUFFLE_BIT] = "bit"};
    return json_pack("{s:s, s:{s:s, s:s, s:i}}", "directory", settings->directory, "compression",
                     "codec", codecs[settings->codec], "shuffle", shuffles[settings->shuffle],
                     "level", settings->level);
}

/* In the settings a geometry's "scan" is the scan's "shape". */
/* Lengths in pixels, angles in degrees; 0 is the default. */
static json_t *analysis_json(const struct analysis_settings *analysis)
{
    const struct variance_settings *const variance = &analysis->variance_settings;
    const struct radial_settings *const rings = &variance->rings;
    json_t *const json =
        json_pack("{s:b, s:b, s:f, s:f, s:f, s:f}", "radial_profile", analysis->radial_profile,
                  "variance", analysis->variance, "bin_width", rings->bin_width, "ellipse_ratio",
                  rings->ellipse_ratio, "ellipse_angle", rings->ellipse_angle,
                  "counts_per_electron", variance->counts_per_electron);
    if (json && rings->centre_given)
        json_object_set_new(json, "centre", json_pack("[f, f]", rings->centre_y, rings->centre_x));
    return json;
}

static json_t *scan_json(const struct scan_geometry *scan)
{
    json_t *const json = geometry_json(scan);
    if (!json)
        return NULL;
    json_object_set(json, "shape", json_object_get(json, "scan"));
    json_object_del(json, "scan");
    return json;
}

char *settings_text(const struct run *run)
{
    const struct acquisition_plan *const plan = run->plan;
    json_t *const json = json_pack(
        "{s:I, s:s, s:s, s:o, s:b, s:I, s:I, s:I, s:o, s:o, s:o, s:o, s:o}", "version",
        (json_int_t)plan->version, "id", plan->id, "mode", plan->active ? "active" : "passive",
        "scan", scan_json(&run->scan), "find_lines", plan->find_lines, "layers",
        (json_int_t)run->n_layers, "detector_gap", (json_int_t)plan->detector_gap, "chunk_frames",
        (json_int_t)run->chunk_frames, "recording", recording_json(&plan->recording),
        "virtual_detectors", virtual_detectors_json(plan), "analysis",
        analysis_json(&plan->analysis), "calibration", calibration_json(&plan->calibration),
        "warnings", plan_warnings(plan, run));
    if (!json)
        return NULL;
    json_object_set_new(json, "labels",
                        *plan->labels ? json_loads(plan->labels, 0, NULL) : json_object());
    char *const text = json_dumps(json, 0);
    json_decref(json);
    return text;
}

char *summary_once_closed(char *summary, const char *path, bool stopped)
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
    if (json_is_object(recording) && !stopped)
        json_object_set_new(recording, "state", json_string("closed"));
    char *const text = json_dumps(json, 0);
    json_decref(json);
    if (!text)
        return summary;
    free(summary);
    return text;
}
