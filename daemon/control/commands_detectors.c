#include <stdio.h>
#include <stdlib.h>

#include "daemon/config/virtual_detector_text.h"
#include "daemon/control/commands.h"
#include "processing/pixels/mask_values.h"

/* Virtual detectors that are added, moved and removed while runs go on. */

void command_detectors(const struct control_service *service, struct request *request, json_t *args)
{
    (void)args;
    acquisition_detectors(service->acquisition, command_answer, request);
}

/* Weights[y][x] of a mask, as they came with the request. NULL: the request was refused. */
static float *take_weights(struct request *request, const json_t *rows, uint32_t *height,
                           uint32_t *width)
{
    const size_t n_rows = json_array_size(rows);
    const size_t n_columns = json_array_size(json_array_get(rows, 0));
    float *const values = n_columns > 0 && n_rows <= MASK_VALUES_MAX / n_columns
                              ? malloc(n_rows * n_columns * sizeof *values)
                              : NULL;
    bool good = values;
    for (size_t y = 0; y < n_rows && good; y++) {
        const json_t *const row = json_array_get(rows, y);
        good = json_array_size(row) == n_columns;
        for (size_t x = 0; x < n_columns && good; x++) {
            const json_t *const value = json_array_get(row, x);
            good = json_is_number(value);
            values[y * n_columns + x] = (float)json_number_value(value);
        }
    }
    if (!good) {
        request_fail(request, "bad_value", "args.weights",
                     "weights must be a list of rows, each a list of as many numbers as the frame "
                     "is wide");
        free(values);
        return NULL;
    }
    *height = (uint32_t)n_rows;
    *width = (uint32_t)n_columns;
    return values;
}

static bool take_mask(struct request *request, const json_t *rows,
                      struct virtual_detector_settings *settings)
{
    uint32_t height, width;
    struct error error = {0};
    if (settings->shape != VIRTUAL_DETECTOR_MASK) {
        request_fail(request, "bad_value", "args.weights",
                     "only a detector of shape mask has weights");
        return false;
    }
    float *const values = take_weights(request, rows, &height, &width);
    if (!values)
        return false;
    const int r = mask_values_create(&settings->mask, values, height, width, &error);
    free(values);
    if (r < 0)
        request_fail(request, "bad_value", "args.weights", "%s", error.text);
    return r == 0;
}

/* Everything but the weights is a detector as the configuration has it. A reply may be sent back as
 * it is: what it tells beside the settings is passed over. */
static bool take_detector(struct request *request, json_t *args,
                          struct virtual_detector_settings *settings)
{
    struct error error = {0};
    json_t *const weights = json_incref(json_object_get(args, "weights"));
    json_object_del(args, "weights");
    json_object_del(args, "saturation");
    json_object_del(args, "mask_shape");
    char *const text = json_dumps(args, JSON_COMPACT);
    const char *key = NULL;
    char field[40] = "args";
    bool good = false;
    if (!text || virtual_detector_from_text(settings, text, &key, &error) < 0) {
        if (key)
            snprintf(field, sizeof field, "args.%s", key);
        request_fail(request, "bad_value", field, "%s", text ? error.text : "no memory");
    } else if (weights) {
        good = take_mask(request, weights, settings);
    } else if (virtual_detector_settings_load(settings, &error) < 0) {
        request_fail(request, "bad_value", "args.mask", "%s", error.text);
    } else {
        good = true;
    }
    free(text);
    json_decref(weights);
    return good;
}

void command_detector(const struct control_service *service, struct request *request, json_t *args)
{
    struct virtual_detector_settings settings = {0};
    if (take_detector(request, args, &settings))
        acquisition_set_detector(service->acquisition, &settings, command_answer, request);
    virtual_detector_settings_finish(&settings);
}

void command_remove_detector(const struct control_service *service, struct request *request,
                             json_t *args)
{
    const char *const name = json_string_value(json_object_get(args, "name"));
    if (!name)
        request_fail(request, "bad_value", "args.name", "name must be that of a virtual detector");
    else
        acquisition_remove_detector(service->acquisition, name, command_answer, request);
}

void command_recompute(const struct control_service *service, struct request *request, json_t *args)
{
    const json_t *const name = json_object_get(args, "name");
    if (name && !json_is_string(name))
        request_fail(request, "bad_value", "args.name", "name must be that of a virtual detector");
    else
        acquisition_recompute(service->acquisition, json_string_value(name), command_answer,
                              request);
}
