#include "daemon/calibration/calibration_table.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "common/clock.h"
#include "daemon/calibration/calibration_json.h"

#define FROM_TABLE "table "
/* Nominal values that differ by less are the same. */
#define SAME 0.005

static const enum calibration_item items[] = {CALIBRATION_PIXEL_SIZE_K, CALIBRATION_ELLIPSE,
                                              CALIBRATION_DISK_RADIUS};
#define N_ITEMS (sizeof items / sizeof *items)

static bool is_from_table(const struct calibration_value *value)
{
    return strncmp(value->origin.source, FROM_TABLE, strlen(FROM_TABLE)) == 0;
}

/* Known from a measurement or a person, and from no table. */
static bool is_own(const struct calibration_value *value)
{
    return value->known && !is_from_table(value) &&
           strcmp(value->origin.source, CALIBRATION_FROM_CAMERA) != 0;
}

/* ---- keeping ---- */

static json_t *value_document(const struct calibration_value *value)
{
    return json_pack("{s:[f, f], s:[f, f], s:s, s:[I, I]}", "value", value->value[0],
                     value->value[1], "error", value->error[0], value->error[1], "source",
                     value->origin.source, "time", (json_int_t)(value->origin.time_ns / NS_PER_S),
                     (json_int_t)(value->origin.time_ns % NS_PER_S));
}

static void make_name(char name[KEPT_NAME_SIZE], double kv, double camera_length)
{
    char when[24];
    const time_t now = (time_t)(clock_realtime_ns() / NS_PER_S);
    struct tm utc;
    strftime(when, sizeof when, "%Y%m%dT%H%M%SZ", gmtime_r(&now, &utc));
    snprintf(name, KEPT_NAME_SIZE, "%.0fkV-%.0fmm-%s", kv, camera_length, when);
}

int calibration_table_save(struct kept_store *store, const struct calibration *calibration,
                           const char *name, char made[KEPT_NAME_SIZE], struct error *error)
{
    const double kv = calibration_number(calibration, CALIBRATION_KV, NAN);
    const double length = calibration_number(calibration, CALIBRATION_CAMERA_LENGTH, NAN);
    if (isnan(kv) || isnan(length))
        return error_set(error, -ENODATA,
                         "high tension and camera length, under which a calibration is found "
                         "again, are not both known: set kv and camera_length_mm first");
    json_t *const values = json_object();
    for (size_t i = 0; i < N_ITEMS; i++) {
        const struct calibration_value *const value = &calibration->values[items[i]];
        if (is_own(value))
            json_object_set_new(values, calibration_item_name(items[i]), value_document(value));
    }
    if (json_object_size(values) == 0) {
        json_decref(values);
        return error_set(error, -ENODATA,
                         "there is nothing to keep: pixel_size_k, ellipse or disk_radius_px has to "
                         "be measured or set first");
    }
    if (name)
        snprintf(made, KEPT_NAME_SIZE, "%s", name);
    else
        make_name(made, kv, length);
    const uint64_t now_ns = clock_realtime_ns();
    json_t *const document = json_pack("{s:f, s:f, s:[I, I], s:o}", "kv", kv, "camera_length_mm",
                                       length, "time", (json_int_t)(now_ns / NS_PER_S),
                                       (json_int_t)(now_ns % NS_PER_S), "values", values);
    const int r = document ? kept_store_put(store, CALIBRATION_KIND, made, document, NULL, 0, error)
                           : error_set(error, -ENOMEM, "no memory for a calibration");
    json_decref(document);
    return r;
}

/* ---- finding ---- */

static bool is_same(const json_t *document, const char *name, double value)
{
    return fabs(json_number_value(json_object_get(document, name)) - value) <= SAME * fabs(value);
}

const struct kept *calibration_table_find(const struct kept_store *store, double kv,
                                          double camera_length)
{
    const struct kept *newest = NULL;
    for (const struct kept *kept = NULL; (kept = kept_store_next(store, CALIBRATION_KIND, kept));) {
        if (is_same(kept->document, "kv", kv) &&
            is_same(kept->document, "camera_length_mm", camera_length) &&
            (!newest || kept->saved_ns > newest->saved_ns))
            newest = kept;
    }
    return newest;
}

static void take_value(struct calibration *calibration, enum calibration_item item,
                       const json_t *document, const char *name)
{
    const json_t *const value = json_object_get(document, "value");
    const json_t *const error = json_object_get(document, "error");
    const json_t *const time = json_object_get(document, "time");
    double numbers[2], errors[2];
    char source[64];
    for (size_t i = 0; i < 2; i++) {
        numbers[i] = json_number_value(json_array_get(value, i));
        errors[i] = json_number_value(json_array_get(error, i));
    }
    if (!(numbers[0] > 0))
        return;
    snprintf(source, sizeof source, FROM_TABLE "%s", name);
    calibration_set(calibration, item, numbers, errors, source);
    calibration->values[item].origin.time_ns =
        (uint64_t)json_integer_value(json_array_get(time, 0)) * NS_PER_S +
        (uint64_t)json_integer_value(json_array_get(time, 1));
}

void calibration_table_apply(const struct kept_store *store, struct calibration *calibration)
{
    const double kv = calibration_number(calibration, CALIBRATION_KV, NAN);
    const double length = calibration_number(calibration, CALIBRATION_CAMERA_LENGTH, NAN);
    const struct kept *const kept =
        isnan(kv) || isnan(length) ? NULL : calibration_table_find(store, kv, length);
    const json_t *const values = kept ? json_object_get(kept->document, "values") : NULL;
    for (size_t i = 0; i < N_ITEMS; i++) {
        const json_t *const document = json_object_get(values, calibration_item_name(items[i]));
        const struct calibration_value *const value = &calibration->values[items[i]];
        if (is_own(value))
            continue;
        if (document)
            take_value(calibration, items[i], document, kept->name);
        else if (is_from_table(value))
            calibration_forget(calibration, items[i]);
    }
}

json_t *calibration_table_json(const struct kept_store *store,
                               const struct calibration *calibration)
{
    static const char *const members[] = {"kv", "camera_length_mm", "time", "values"};
    json_t *const list = json_array();
    for (const struct kept *kept = NULL; (kept = kept_store_next(store, CALIBRATION_KIND, kept));) {
        bool used = false;
        for (size_t i = 0; i < N_ITEMS; i++) {
            const struct calibration_value *const value = &calibration->values[items[i]];
            used |= is_from_table(value) &&
                    strcmp(value->origin.source + strlen(FROM_TABLE), kept->name) == 0;
        }
        json_t *const one = json_pack("{s:s, s:b}", "name", kept->name, "used", used);
        for (size_t i = 0; i < sizeof members / sizeof *members; i++)
            json_object_set(one, members[i], json_object_get(kept->document, members[i]));
        json_array_append_new(list, one);
    }
    return list;
}
