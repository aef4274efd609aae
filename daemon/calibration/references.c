#include "daemon/calibration/references.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "common/clock.h"

/* ---- settings ---- */

/* Two readings of one setting differ by less than this, relative. */
#define SAME 0.005

void instrument_settings_of(struct instrument_settings *settings,
                            const struct calibration *calibration, const struct run *run)
{
    *settings = (struct instrument_settings){
        .kv = calibration_number(calibration, CALIBRATION_KV, NAN),
        .camera_length = calibration_number(calibration, CALIBRATION_CAMERA_LENGTH, NAN),
        .convergence = calibration_number(calibration, CALIBRATION_CONVERGENCE, NAN),
        .scan_step = calibration_number(calibration, CALIBRATION_SCAN_STEP, NAN),
        .threshold = NAN,
    };
    if (!run)
        return;
    settings->counter_depth = run->format.counter_depth;
    settings->height = run->format.height;
    settings->width = run->format.width;
    if (!run->hdr)
        return;
    settings->threshold = run->acquisition.threshold_kev;
    snprintf(settings->gain, sizeof settings->gain, "%s", run->acquisition.gain);
}

static json_t *number_or_null(double number)
{
    return isfinite(number) ? json_real(number) : json_null();
}

json_t *instrument_settings_json(const struct instrument_settings *settings)
{
    json_t *const json = json_pack(
        "{s:o, s:o, s:o, s:o, s:o, s:s?, s:o, s:o}", "kv", number_or_null(settings->kv),
        "camera_length_mm", number_or_null(settings->camera_length), "convergence_mrad",
        number_or_null(settings->convergence), "scan_step_nm", number_or_null(settings->scan_step),
        "threshold_kev", number_or_null(settings->threshold), "gain",
        settings->gain[0] ? settings->gain : NULL, "counter_depth",
        settings->counter_depth ? json_integer(settings->counter_depth) : json_null(), "image",
        settings->height
            ? json_pack("[I, I]", (json_int_t)settings->height, (json_int_t)settings->width)
            : json_null());
    return json;
}

static double read_number(const json_t *json, const char *name)
{
    const json_t *const number = json_object_get(json, name);
    return json_is_number(number) ? json_number_value(number) : NAN;
}

static void read_settings(struct instrument_settings *settings, const json_t *json)
{
    const json_t *const image = json_object_get(json, "image");
    const char *const gain = json_string_value(json_object_get(json, "gain"));
    *settings = (struct instrument_settings){
        .kv = read_number(json, "kv"),
        .camera_length = read_number(json, "camera_length_mm"),
        .convergence = read_number(json, "convergence_mrad"),
        .scan_step = read_number(json, "scan_step_nm"),
        .threshold = read_number(json, "threshold_kev"),
        .counter_depth = (uint32_t)json_integer_value(json_object_get(json, "counter_depth")),
        .height = (uint32_t)json_integer_value(json_array_get(image, 0)),
        .width = (uint32_t)json_integer_value(json_array_get(image, 1)),
    };
    snprintf(settings->gain, sizeof settings->gain, "%s", gain ? gain : "");
}

/* ---- documents ---- */

json_t *reference_document(const struct run *run, const struct calibration *calibration,
                           uint64_t time_ns)
{
    struct instrument_settings settings;
    instrument_settings_of(&settings, calibration, run);
    return json_pack("{s:s, s:[I, I], s:o}", "run", run->plan->id, "time",
                     (json_int_t)(time_ns / NS_PER_S), (json_int_t)(time_ns % NS_PER_S), "settings",
                     instrument_settings_json(&settings));
}

static bool read_time(const json_t *document, uint64_t *time_ns)
{
    const json_t *const time = json_object_get(document, "time");
    *time_ns = (uint64_t)json_integer_value(json_array_get(time, 0)) * NS_PER_S +
               (uint64_t)json_integer_value(json_array_get(time, 1));
    return json_is_integer(json_array_get(time, 0)) && json_is_integer(json_array_get(time, 1));
}

struct calibration_reference *reference_of(const struct kept *kept)
{
    struct calibration_reference head = {0};
    if (!read_time(kept->document, &head.time_ns))
        return NULL;
    memcpy(head.kind, kept->kind, sizeof head.kind);
    memcpy(head.name, kept->name, sizeof head.name);
    read_settings(&head.settings, json_object_get(kept->document, "settings"));
    char *const text = json_dumps(kept->document, JSON_COMPACT);
    struct calibration_reference *const made =
        text ? calibration_reference_create(&head, text) : NULL;
    free(text);
    return made;
}

static bool is_attached(const struct calibration *calibration, const struct kept *kept)
{
    for (size_t i = 0; i < CALIBRATION_REFERENCES; i++) {
        const struct calibration_reference *const one = calibration->references[i];
        if (one && strcmp(one->kind, kept->kind) == 0 && strcmp(one->name, kept->name) == 0)
            return true;
    }
    return false;
}

json_t *references_json(const struct kept_store *store, const struct calibration *attached)
{
    static const char *const members[] = {"run", "time", "settings", "radius_px"};
    json_t *const list = json_array();
    for (const struct kept *kept = NULL; (kept = kept_store_next(store, NULL, kept));) {
        if (!json_object_get(kept->document, "settings"))
            continue;
        json_t *const one = json_pack("{s:s, s:s, s:b}", "kind", kept->kind, "name", kept->name,
                                      "attached", is_attached(attached, kept));
        for (size_t i = 0; i < sizeof members / sizeof *members; i++)
            json_object_set(one, members[i], json_object_get(kept->document, members[i]));
        json_array_append_new(list, one);
    }
    return list;
}

/* ---- warnings ---- */

struct comparison {
    const struct calibration_reference *reference;
    json_t *warnings;
};

__attribute__((format(printf, 2, 3))) static void warn(const struct comparison *comparison,
                                                       const char *format, ...)
{
    char text[400];
    va_list arguments;
    int length = snprintf(text, sizeof text, "the %s reference %s ", comparison->reference->kind,
                          comparison->reference->name);
    va_start(arguments, format);
    vsnprintf(text + length, sizeof text - (size_t)length, format, arguments);
    va_end(arguments);
    json_array_append_new(comparison->warnings, json_string(text));
}

static void compare(const struct comparison *comparison, const char *what, const char *unit,
                    double then, double now)
{
    if (isfinite(then) && isfinite(now) && fabs(then - now) > SAME * fabs(then))
        warn(comparison, "was measured with %s %g %s, the run has %g %s", what, then, unit, now,
             unit);
}

static void compare_settings(const struct comparison *comparison,
                             const struct instrument_settings *now)
{
    const struct instrument_settings *const then = &comparison->reference->settings;
    compare(comparison, "a high tension of", "kV", then->kv, now->kv);
    compare(comparison, "a camera length of", "mm", then->camera_length, now->camera_length);
    compare(comparison, "a convergence angle of", "mrad", then->convergence, now->convergence);
    compare(comparison, "a scan step of", "nm", then->scan_step, now->scan_step);
    compare(comparison, "a threshold of", "keV", then->threshold, now->threshold);
    if (then->counter_depth && now->counter_depth && then->counter_depth != now->counter_depth)
        warn(comparison, "was measured with counters of %u bits, the run has %u",
             then->counter_depth, now->counter_depth);
    if (then->gain[0] && now->gain[0] && strcmp(then->gain, now->gain) != 0)
        warn(comparison, "was measured with the chips' gain %s, the run has %s", then->gain,
             now->gain);
    if (then->height && now->height && (then->height != now->height || then->width != now->width))
        warn(comparison, "is of frames of %u x %u pixels, the run has %u x %u", then->height,
             then->width, now->height, now->width);
}

static void compare_age(const struct comparison *comparison, uint64_t now_ns, double most_hours)
{
    const uint64_t then_ns = comparison->reference->time_ns;
    const double hours =
        now_ns > then_ns ? (double)(now_ns - then_ns) / (double)NS_PER_S / 3600 : 0;
    if (hours > most_hours)
        warn(comparison, "is %.3g hours old (calibration.reference_age: %g)", hours, most_hours);
}

json_t *reference_warnings(const struct calibration *calibration, const struct run *run)
{
    struct comparison comparison = {.warnings = json_array()};
    struct instrument_settings now;
    instrument_settings_of(&now, calibration, run);
    for (size_t i = 0; i < CALIBRATION_REFERENCES; i++) {
        comparison.reference = calibration->references[i];
        if (!comparison.reference)
            continue;
        compare_settings(&comparison, &now);
        compare_age(&comparison, run ? run->started_ns : clock_realtime_ns(),
                    calibration->reference_age);
    }
    return comparison.warnings;
}
