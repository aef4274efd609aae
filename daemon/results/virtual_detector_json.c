#include "daemon/results/virtual_detector_json.h"

#include "processing/pixels/mask_values.h"

static void set_pair(json_t *json, const char *key, double first, double second)
{
    json_object_set_new(json, key, json_pack("[f, f]", first, second));
}

static void set_real(json_t *json, const char *key, double value)
{
    json_object_set_new(json, key, json_real(value));
}

static void set_ring(json_t *json, const struct virtual_detector_settings *settings)
{
    set_real(json, "inner", settings->inner);
    set_real(json, "outer", settings->outer);
}

static void set_k_band(json_t *json, const struct virtual_detector_settings *settings)
{
    set_real(json, "k_inner", settings->k_inner);
    set_real(json, "k_outer", settings->k_outer);
    if (settings->pixel_size_k > 0)
        set_real(json, "pixel_size_k", settings->pixel_size_k);
}

static void set_mask(json_t *json, const struct virtual_detector_settings *settings)
{
    const struct mask_values *const mask = settings->mask;
    if (settings->mask_path[0])
        json_object_set_new(json, "mask", json_string(settings->mask_path));
    if (mask)
        json_object_set_new(json, "mask_shape",
                            json_pack("[I, I]", (json_int_t)mask->height, (json_int_t)mask->width));
}

static void set_shape(json_t *json, const struct virtual_detector_settings *settings)
{
    switch (settings->shape) {
    case VIRTUAL_DETECTOR_DISK:
        set_real(json, "radius", settings->outer);
        break;
    case VIRTUAL_DETECTOR_ANNULUS:
        set_ring(json, settings);
        break;
    case VIRTUAL_DETECTOR_SECTOR:
        set_ring(json, settings);
        set_pair(json, "angles", settings->start_angle, settings->stop_angle);
        break;
    case VIRTUAL_DETECTOR_SEGMENTED:
        set_ring(json, settings);
        json_object_set_new(json, "sectors", json_integer(settings->n_sectors));
        set_real(json, "start_angle", settings->start_angle);
        break;
    case VIRTUAL_DETECTOR_RECTANGLE:
        set_pair(json, "size", settings->height, settings->width);
        break;
    case VIRTUAL_DETECTOR_POINT:
        break;
    case VIRTUAL_DETECTOR_K_BAND:
        set_k_band(json, settings);
        break;
    case VIRTUAL_DETECTOR_MASK:
        set_mask(json, settings);
        break;
    }
}

json_t *virtual_detector_json(const struct virtual_detector_settings *settings)
{
    const enum virtual_detector_shape shape = settings->shape;
    json_t *const json = json_pack("{s:s, s:s, s:s}", "name", settings->name, "shape",
                                   virtual_detector_shape_name(shape), "mode",
                                   virtual_detector_mode_name(settings->mode));
    if (!json)
        return NULL;
    if (shape != VIRTUAL_DETECTOR_MASK && settings->centre_given)
        set_pair(json, "centre", settings->centre_y, settings->centre_x);
    if (shape != VIRTUAL_DETECTOR_MASK && shape != VIRTUAL_DETECTOR_POINT)
        json_object_set_new(json, "edge", json_string(virtual_detector_edge_name(settings->edge)));
    set_shape(json, settings);
    return json;
}
