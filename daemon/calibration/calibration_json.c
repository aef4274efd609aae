#include "daemon/calibration/calibration_json.h"

#include <stdio.h>

#include "daemon/calibration/references.h"
#include "daemon/json_time.h"

#define PIXELS_LISTED 1000

enum value_form { NUMBER, CENTRE, ELLIPSE };

static const struct {
    const char *name, *unit;
    enum value_form form;
} items[CALIBRATION_ITEMS] = {
    [CALIBRATION_KV] = {"kv", "kV", NUMBER},
    [CALIBRATION_CAMERA_LENGTH] = {"camera_length_mm", "mm", NUMBER},
    [CALIBRATION_WAVELENGTH] = {"wavelength_nm", "nm", NUMBER},
    [CALIBRATION_PIXEL_SIZE_K] = {"pixel_size_k", "1/nm", NUMBER},
    [CALIBRATION_CENTRE] = {"centre", "pixels", CENTRE},
    [CALIBRATION_ELLIPSE] = {"ellipse", "ratio; degrees", ELLIPSE},
    [CALIBRATION_SCAN_STEP] = {"scan_step_nm", "nm", NUMBER},
    [CALIBRATION_SCAN_ROTATION] = {"scan_rotation_deg", "degrees", NUMBER},
    [CALIBRATION_COUNTS_PER_ELECTRON] = {"counts_per_electron", "counts/electron", NUMBER},
    [CALIBRATION_DISK_RADIUS] = {"disk_radius_px", "pixels", NUMBER},
    [CALIBRATION_CONVERGENCE] = {"convergence_mrad", "mrad", NUMBER},
    [CALIBRATION_BEAM_CURRENT] = {"beam_current_pa", "pA", NUMBER},
};

const char *calibration_item_name(enum calibration_item item)
{
    return items[item].name;
}

static json_t *time_json(uint64_t time_ns)
{
    return json_pack("[I, I]", (json_int_t)(time_ns / 1000000000),
                     (json_int_t)(time_ns % 1000000000));
}

static json_t *numbers_json(enum value_form form, const double numbers[2])
{
    if (form == CENTRE)
        return json_pack("[f, f]", numbers[0], numbers[1]);
    if (form == ELLIPSE)
        return json_pack("{s:f, s:f}", "ratio", numbers[0], "angle", numbers[1]);
    return json_real(numbers[0]);
}

static json_t *value_json(enum calibration_item item, const struct calibration_value *value)
{
    if (!value->known)
        return json_null();
    json_t *const json = json_pack(
        "{s:o, s:s, s:s, s:o}", "value", numbers_json(items[item].form, value->value), "unit",
        items[item].unit, "source", value->origin.source, "time", time_json(value->origin.time_ns));
    if (json && value->error[0] > 0)
        json_object_set_new(json, "error", numbers_json(items[item].form, value->error));
    return json;
}

json_t *pixel_list_json(const uint8_t *mask, uint8_t bits, uint32_t height, uint32_t width)
{
    json_t *const list = json_array();
    for (size_t i = 0; i < (size_t)height * width && json_array_size(list) < PIXELS_LISTED; i++) {
        if (mask[i] & bits)
            json_array_append_new(
                list, json_pack("[I, I]", (json_int_t)(i / width), (json_int_t)(i % width)));
    }
    return list;
}

static json_t *bad_pixels_json(const struct calibration *calibration)
{
    const struct pixel_mask *const mask = calibration->bad_pixels;
    if (!mask)
        return json_null();
    return json_pack("{s:[I, I], s:I, s:o, s:s, s:o}", "shape", (json_int_t)mask->height,
                     (json_int_t)mask->width, "n", (json_int_t)mask->n_bad, "pixels",
                     pixel_list_json(mask->bad, 1, mask->height, mask->width), "source",
                     calibration->bad_pixels_origin.source, "time",
                     time_json(calibration->bad_pixels_origin.time_ns));
}

static json_t *gain_json(const struct calibration *calibration)
{
    const struct mask_values *const gain = calibration->gain;
    if (!gain)
        return json_null();
    double least = (double)gain->values[0], most = least, sum = 0;
    const size_t n = (size_t)gain->height * gain->width;
    for (size_t i = 0; i < n; i++) {
        const double value = (double)gain->values[i];
        least = value < least ? value : least;
        most = value > most ? value : most;
        sum += value;
    }
    return json_pack("{s:[I, I], s:f, s:f, s:f, s:s, s:o}", "shape", (json_int_t)gain->height,
                     (json_int_t)gain->width, "least", least, "most", most, "mean", sum / (double)n,
                     "source", calibration->gain_origin.source, "time",
                     time_json(calibration->gain_origin.time_ns));
}

static json_t *attached_json(const struct calibration *calibration)
{
    json_t *const list = json_array();
    for (size_t i = 0; i < CALIBRATION_REFERENCES; i++) {
        const struct calibration_reference *const one = calibration->references[i];
        if (one)
            json_array_append_new(list,
                                  json_pack("{s:s, s:s, s:o, s:o?}", "kind", one->kind, "name",
                                            one->name, "time", time_json(one->time_ns), "document",
                                            json_loads(one->text, 0, NULL)));
    }
    return list;
}

json_t *calibration_json(const struct calibration *calibration)
{
    json_t *const json = json_object();
    for (unsigned i = 0; i < CALIBRATION_ITEMS; i++)
        json_object_set_new(json, items[i].name, value_json(i, &calibration->values[i]));
    json_object_set_new(json, "bad_pixels", bad_pixels_json(calibration));
    json_object_set_new(json, "gain", gain_json(calibration));
    json_object_set_new(json, "references", attached_json(calibration));
    return json;
}

/* ---- back ---- */

static bool read_numbers(enum value_form form, const json_t *json, double numbers[2])
{
    const json_t *const first = form == CENTRE    ? json_array_get(json, 0)
                                : form == ELLIPSE ? json_object_get(json, "ratio")
                                                  : json;
    const json_t *const second =
        form == CENTRE ? json_array_get(json, 1) : json_object_get(json, "angle");
    numbers[0] = json_number_value(first);
    numbers[1] = json_number_value(second);
    return json_is_number(first) && (form == NUMBER || json_is_number(second));
}

static void read_value(enum calibration_item item, struct calibration_value *value,
                       const json_t *json)
{
    const char *const source = json_string_value(json_object_get(json, "source"));
    value->known = read_numbers(items[item].form, json_object_get(json, "value"), value->value);
    (void)read_numbers(items[item].form, json_object_get(json, "error"), value->error);
    snprintf(value->origin.source, sizeof value->origin.source, "%s", source ? source : "");
    value->origin.time_ns = json_time_ns(json_object_get(json, "time"));
}

static struct calibration_reference *read_reference(const json_t *json)
{
    const char *const kind = json_string_value(json_object_get(json, "kind"));
    const char *const name = json_string_value(json_object_get(json, "name"));
    struct kept kept = {.document = json_object_get(json, "document")};
    if (!kind || !name || !kept.document)
        return NULL;
    snprintf(kept.kind, sizeof kept.kind, "%s", kind);
    snprintf(kept.name, sizeof kept.name, "%s", name);
    return reference_of(&kept);
}

void calibration_from_json(struct calibration *calibration, const json_t *json)
{
    const json_t *const references = json_object_get(json, "references");
    *calibration = (struct calibration){0};
    for (unsigned i = 0; i < CALIBRATION_ITEMS; i++)
        read_value(i, &calibration->values[i], json_object_get(json, items[i].name));
    for (size_t i = 0; i < json_array_size(references) && i < CALIBRATION_REFERENCES; i++)
        calibration->references[i] = read_reference(json_array_get(references, i));
}
