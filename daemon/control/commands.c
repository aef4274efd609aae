#include <string.h>
#include <unistd.h>

#include "daemon/acquisition/start_parameters.h"
#include "daemon/assets.h"
#include "daemon/control/commands.h"
#include "daemon/control/scan_series.h"
#include "daemon/version.h"

void command_answer(void *data, json_t *result, const char *code, const char *field,
                    const struct error *error)
{
    struct request *const request = data;
    if (code)
        request_fail(request, code, field, "%s", error->text);
    else
        request_succeed(request, result, NULL, 0);
}

#define SCHEMA_PREFIX "/schema/"

static void run_ping(const struct control_service *service, struct request *request, json_t *args)
{
    (void)service;
    (void)args;
    request_succeed(request,
                    json_pack("{s:s, s:i}", "version", MERLIND_VERSION, "pid", (int)getpid()), NULL,
                    0);
}

static json_t *describe_parameter(const struct detector_parameter *parameter)
{
    char range[320];
    detector_parameter_range(parameter, range, sizeof range);
    return json_pack("{s:s, s:s, s:s, s:s, s:s, s:b, s:s}", "name", parameter->name, "access",
                     detector_access_name(parameter->access), "type",
                     detector_type_name(parameter->type), "unit",
                     parameter->unit ? parameter->unit : "", "range", range, "dangerous",
                     parameter->dangerous, "text", parameter->text);
}

/* What a client has to know before it offers a command to a person. */
static json_t *describe_command(const struct command *command)
{
    static const char *const effects[] = {
        [COMMAND_CHANGES] = "always",
        [COMMAND_READS] = "never",
        [COMMAND_CHANGES_GIVEN] = "with",
    };
    json_t *const arguments = json_array(), *const changed_by = json_array();
    for (size_t i = 0; i < sizeof command->members / sizeof *command->members; i++) {
        if (command->members[i])
            json_array_append_new(arguments, json_string(command->members[i]));
    }
    for (size_t i = 0; i < sizeof command->changed_by / sizeof *command->changed_by; i++) {
        if (command->changed_by[i])
            json_array_append_new(changed_by, json_string(command->changed_by[i]));
    }
    if (command->effect == COMMAND_CHANGES_GIVEN && json_array_size(changed_by) == 0)
        json_array_extend(changed_by, arguments);
    return json_pack("{s:s, s:s, s:s, s:o, s:o}", "name", command->name, "role",
                     command->effect == COMMAND_CHANGES ? "operator" : "viewer", "changes",
                     effects[command->effect], "changed_by", changed_by, "args", arguments);
}

static json_t *schema_names(void)
{
    json_t *const names = json_array();
    for (const struct asset *asset = schema_assets; asset->path; asset++)
        json_array_append_new(names, json_string(asset->path + strlen(SCHEMA_PREFIX)));
    return names;
}

/* The schema that args names as a new reference; NULL without such an argument. false: the request
 * was refused. */
static bool take_schema(struct request *request, const json_t *args, json_t **schema)
{
    const json_t *const name = json_object_get(args, "schema");
    char path[128];
    *schema = NULL;
    if (!name)
        return true;
    snprintf(path, sizeof path, SCHEMA_PREFIX "%.100s",
             json_is_string(name) ? json_string_value(name) : "");
    const struct asset *const asset = asset_find(schema_assets, path);
    if (asset)
        *schema = json_loadb((const char *)asset->bytes, asset->size, 0, NULL);
    else
        request_fail(request, "bad_value", "args.schema",
                     "there is no schema of that name: describe without it lists schemas");
    return asset != NULL;
}

static void run_describe(const struct control_service *service, struct request *request,
                         json_t *args)
{
    json_t *schema;
    (void)service;
    if (!take_schema(request, args, &schema))
        return;
    json_t *const names = json_array(), *const table = json_array();
    for (const struct command *command = commands; command->name; command++) {
        json_array_append_new(names, json_string(command->name));
        json_array_append_new(table, describe_command(command));
    }
    json_t *const parameters = json_array();
    for (size_t i = 0; i < detector_n_parameters; i++)
        json_array_append_new(parameters, describe_parameter(&detector_parameters[i]));
    request_succeed(request,
                    json_pack("{s:s, s:o, s:o, s:o, s:o, s:o*, s:[s, s, s, s, s, s, s, s]}",
                              "version", MERLIND_VERSION, "commands", names, "command_table", table,
                              "parameters", parameters, "schemas", schema_names(), "schema", schema,
                              "topics", "acquisition/", "status/", "event/", "map/NAME/",
                              "pattern/NAME/", "profile/NAME/", "bragg/rows/", "bragg/summary/"),
                    NULL, 0);
}

static void run_status(const struct control_service *service, struct request *request, json_t *args)
{
    (void)args;
    request_succeed(request, service->status(service->data), NULL, 0);
}

static void run_stop(const struct control_service *service, struct request *request, json_t *args)
{
    (void)args;
    scan_series_stop(service->series);
    acquisition_stop(service->acquisition, command_answer, request);
}

static void run_get(const struct control_service *service, struct request *request, json_t *args)
{
    const char *const name = json_string_value(json_object_get(args, "name"));
    if (!name)
        request_fail(request, "bad_value", "args.name", "name must be a parameter of the detector");
    else
        acquisition_get(service->acquisition, name, command_answer, request);
}

static void run_set(const struct control_service *service, struct request *request, json_t *args)
{
    const char *const name = json_string_value(json_object_get(args, "name"));
    const json_t *const value = json_object_get(args, "value");
    char text[DETECTOR_VALUE_SIZE];
    if (!name) {
        request_fail(request, "bad_value", "args.name", "name must be a parameter of the detector");
        return;
    }
    if (!start_parameter_text(value, text, sizeof text)) {
        request_fail(request, "bad_value", "args.value",
                     "value must be a number, or a text of at most %d characters",
                     DETECTOR_VALUE_SIZE - 1);
        return;
    }
    acquisition_set(service->acquisition, name, text, command_answer, request);
}

static void run_detector_command(const struct control_service *service, struct request *request,
                                 json_t *args)
{
    const char *const name = json_string_value(json_object_get(args, "name"));
    if (!name)
        request_fail(request, "bad_value", "args.name", "name must be a command of the detector");
    else
        acquisition_command(service->acquisition, name, command_answer, request);
}

static void run_run(const struct control_service *service, struct request *request, json_t *args)
{
    const json_t *const id = json_object_get(args, "id");
    if (id && !json_is_string(id)) {
        request_fail(request, "bad_value", "args.id", "id must be the UUID of a run");
        return;
    }
    json_t *const summary = acquisition_summary(service->acquisition, json_string_value(id));
    if (summary)
        request_succeed(request, summary, NULL, 0);
    else
        request_fail(request, "no_data", id ? "args.id" : NULL,
                     id ? "no run %s among the newest" : "there was no run yet%s",
                     id ? json_string_value(id) : "");
}

static void run_shutdown(const struct control_service *service, struct request *request,
                         json_t *args)
{
    (void)args;
    request_succeed(request, json_object(), NULL, 0);
    service->shut_down(service->data);
}

const struct command commands[] = {
    {"ping", run_ping, {NULL}, .effect = COMMAND_READS},
    {"describe", run_describe, {"schema"}, .effect = COMMAND_READS},
    {"status", run_status, {NULL}, .effect = COMMAND_READS},
    {"start",
     command_start,
     {"mode", "scan", "order", "positions", "repeats", "skip", "flyback", "trigger", "preset",
      "parameters", "recording", "labels", "directory", "name", "series"},
     .of_detector = true},
    {"stop", run_stop, {NULL}, .of_detector = true},
    {"get", run_get, {"name"}, .effect = COMMAND_READS, .of_detector = true},
    {"set", run_set, {"name", "value"}, .of_detector = true},
    {"command", run_detector_command, {"name"}, .of_detector = true},
    {"geometry",
     command_geometry,
     {"nudge", "scan", "order", "positions", "repeats", "skip", "shift"},
     .effect = COMMAND_CHANGES_GIVEN},
    {"record", command_record, {NULL}, .of_detector = true},
    {"note", command_note, {"text", "author", "time"}, .of_detector = true},
    {"samples_put", command_samples_put, {"name", "unit", "value", "time"}, .of_detector = true},
    {"samples", command_samples, {NULL}, .effect = COMMAND_READS},
    {"recording_keep", command_recording_keep, {"run", "file"}, .of_detector = true},
    {"recording_discard", command_recording_discard, {"run"}, .of_detector = true},
    {"recordings_discarded", command_recordings_discarded, {NULL}, .effect = COMMAND_READS},
    {"runs", command_runs, {"offset", "limit"}, .effect = COMMAND_READS, .of_detector = true},
    {"run_open", command_run_open, {"file"}, .of_detector = true},
    {"run_close", command_run_close, {"file"}, .of_detector = true},
    {"map", command_map, {"name", "run"}, .effect = COMMAND_READS},
    {"maps_put",
     command_maps_put,
     {"name", "dtype", "shape", "units", "description", "pass", "run", "program", "user", "source",
      "image"},
     .takes_part = true,
     .of_detector = true},
    {"pattern",
     command_pattern,
     {"name", "at", "positions", "area", "mean", "layer", "pass"},
     .effect = COMMAND_READS},
    {"profile", command_profile, {"name"}, .effect = COMMAND_READS},
    {"com",
     command_com,
     {"layer", "dpc", "descan", "rotation", "flip", "pass"},
     .effect = COMMAND_READS},
    {"icom",
     command_icom,
     {"layer", "dpc", "descan", "rotation", "flip", "pass", "method", "border", "high_pass",
      "radius"},
     .effect = COMMAND_READS},
    {"live_icom",
     command_live_icom,
     {"enabled", "dpc", "method", "descan", "rotation", "flip", "border", "high_pass", "radius"},
     .effect = COMMAND_CHANGES_GIVEN},
    {"label_profiles",
     command_label_profiles,
     {"labels", "regions", "map", "thresholds", "classes", "phase", "run"},
     .effect = COMMAND_READS},
    {"label_patterns",
     command_label_patterns,
     {"labels", "regions", "map", "thresholds", "classes", "phase", "mean", "layer", "run"},
     .effect = COMMAND_READS},
    {"map_profile",
     command_map_profile,
     {"name", "from", "to", "width", "interpolation", "pass"},
     .effect = COMMAND_READS},
    {"map_correlation",
     command_map_correlation,
     {"a", "b", "block", "pass", "pass_b"},
     .effect = COMMAND_READS},
    {"map_drift",
     command_map_drift,
     {"a", "b", "run", "smoothing", "pass", "pass_b"},
     .effect = COMMAND_READS},
    {"virtual_detectors", command_detectors, {NULL}, .effect = COMMAND_READS},
    {"virtual_detector",
     command_detector,
     {"name", "shape", "centre", "radius", "inner", "outer", "angles", "sectors", "start_angle",
      "size", "k_inner", "k_outer", "pixel_size_k", "mask", "edge", "mode", "weights", "mask_shape",
      "saturation"}},
    {"virtual_detector_remove", command_remove_detector, {"name"}},
    {"recompute", command_recompute, {"name"}},
    {"calibration",
     command_calibration,
     {"kv", "camera_length_mm", "pixel_size_k", "centre", "ellipse", "scan_step_nm",
      "scan_rotation_deg", "counts_per_electron", "disk_radius_px", "beam_current_pa", "bad_pixels",
      "gain"},
     .effect = COMMAND_CHANGES_GIVEN},
    {"calibration_measure",
     command_calibration_measure,
     {"what", "apply", "save_as", "inner", "outer", "centre", "d", "tolerance", "width", "even",
      "current_pa", "current_error_pa", "exposure_s"},
     .effect = COMMAND_CHANGES_GIVEN,
     .changed_by = {"apply", "save_as"}},
    {"halo_strain",
     command_halo_strain,
     {"reference", "azimuth", "save_as", "inner", "outer", "centre"},
     .effect = COMMAND_CHANGES_GIVEN,
     .changed_by = {"save_as"}},
    {"bragg",
     command_bragg,
     {"run", "pass", "confidence", "block", "tile", "min_contrast", "rates", "contrast_rates",
      "areas", "regions", "excluded", "phase", "crystals", "spacing_tolerance", "tolerance",
      "texture"},
     .effect = COMMAND_READS},
    {"bragg_excluded",
     command_bragg_excluded,
     {"run", "regions"},
     .effect = COMMAND_CHANGES_GIVEN,
     .changed_by = {"regions"}},
    {"bragg_settings",
     command_bragg_settings,
     {"enabled", "centre", "annulus", "disk_radius", "wide_radius", "alpha", "overdispersion",
      "speckle", "contrast_min", "centre_uncertainty", "reference", "counts", "tile", "block",
      "phase", "again"},
     .effect = COMMAND_CHANGES_GIVEN},
    {"bragg_reference",
     command_bragg_reference,
     {"action", "name", "run", "area", "use"},
     .effect = COMMAND_CHANGES_GIVEN,
     .changed_by = {"name"}},
    {"bragg_propose", command_bragg_propose, {"inner", "outer", "centre"}, .effect = COMMAND_READS},
    {"bragg_injection_test",
     command_bragg_injection_test,
     {"run", "contrasts", "frames"},
     .effect = COMMAND_READS},
    {"bragg_series",
     command_bragg_series,
     {"label", "confidence", "where", "phase", "drift", "thickness", "thin", "rates",
      "contrast_rates"},
     .effect = COMMAND_READS},
    {"bragg_null_test",
     command_bragg_null_test,
     {"run", "area", "pass", "confidence", "glass"},
     .effect = COMMAND_CHANGES_GIVEN,
     .changed_by = {"area", "glass"}},
    {"bragg_labels", command_bragg_labels, {"run", "labels", "pass"}, .effect = COMMAND_READS},
    {"halo_maps",
     command_halo_maps,
     {"reference", "bin", "azimuth", "inner", "outer", "centre", "minimum_counts", "layer",
      "pass"}}, /* they become maps of the run */
    {"bad_pixels_save", command_bad_pixels_save, {"path"}, .of_detector = true},
    {"gain_save", command_gain_save, {"path"}, .of_detector = true},
    {"calibrations", command_calibrations, {NULL}, .effect = COMMAND_READS},
    {"calibration_save", command_calibration_save, {"name"}, .of_detector = true},
    {"calibration_remove", command_calibration_remove, {"name"}, .of_detector = true},
    {"references", command_references, {NULL}, .effect = COMMAND_READS},
    {"reference", command_reference, {"kind", "name"}, .effect = COMMAND_READS},
    {"reference_attach", command_reference_attach, {"kind", "name"}},
    {"reference_remove", command_reference_remove, {"kind", "name"}, .of_detector = true},
    {"log_level", command_log_level, {"level"}, .effect = COMMAND_CHANGES_GIVEN},
    {"config_save", command_config_save, {"path"}, .of_detector = true},
    {"operation", command_operation, {"id"}, .effect = COMMAND_READS},
    {"series", command_series, {NULL}, .effect = COMMAND_READS, .of_detector = true},
    {"lease", command_lease, {"action", "name", "force"}, .effect = COMMAND_READS},
    {"run", run_run, {"id"}, .effect = COMMAND_READS},
    {"shutdown", run_shutdown, {NULL}, .of_detector = true},
    {NULL, NULL, {NULL}},
};
