#include "daemon/control/commands_calibration.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "daemon/calibration/calibration_json.h"
#include "daemon/calibration/calibration_table.h"
#include "daemon/calibration/references.h"
#include "daemon/config/result_names.h"
#include "daemon/control/commands.h"
#include "processing/pixels/npy_file.h"

/* The calibration in force, told and set. */

/* ---- arguments ---- */

bool calibration_take_number(struct request *request, const json_t *args, const char *name,
                             double least, double most, double *value)
{
    char field[64];
    const json_t *const given = json_object_get(args, name);
    if (!given)
        return true;
    const double number = json_number_value(given);
    if (json_is_number(given) && number >= least && number <= most) {
        *value = number;
        return true;
    }
    snprintf(field, sizeof field, "args.%s", name);
    request_fail(request, "bad_value", field, "%s must be a number from %g to %g", name, least,
                 most);
    return false;
}

bool calibration_take_pair(struct request *request, const json_t *args, const char *name,
                           double value[2], bool *given)
{
    char field[64];
    const json_t *const pair = json_object_get(args, name);
    *given = pair != NULL;
    if (!pair)
        return true;
    bool good = json_array_size(pair) == 2;
    for (size_t i = 0; i < 2 && good; i++) {
        value[i] = json_number_value(json_array_get(pair, i));
        good = json_is_number(json_array_get(pair, i)) && fabs(value[i]) <= 100000;
    }
    if (good)
        return true;
    snprintf(field, sizeof field, "args.%s", name);
    request_fail(request, "bad_value", field, "%s must be [y, x] in pixels", name);
    return false;
}

bool calibration_take_name(struct request *request, const json_t *args, const char *name,
                           const char **value)
{
    char field[64];
    const json_t *const given = json_object_get(args, name);
    *value = json_string_value(given);
    const size_t length = *value ? strlen(*value) : 0;
    const bool good =
        length > 0 && length < RESULT_NAME_SIZE && strspn(*value, RESULT_NAME_CHARACTERS) == length;
    if (!given || good)
        return true;
    snprintf(field, sizeof field, "args.%s", name);
    request_fail(request, "bad_value", field,
                 "%s must be a name of 1 to 47 letters, digits, _ and -", name);
    return false;
}

/* ---- setting ---- */

static const struct settable {
    enum calibration_item item;
    double least, most;
} settable[] = {
    {CALIBRATION_KV, 1, 10000},
    {CALIBRATION_CAMERA_LENGTH, 0.1, 1e6},
    {CALIBRATION_PIXEL_SIZE_K, 1e-6, 1000},
    {CALIBRATION_SCAN_STEP, 1e-6, 1e6},
    {CALIBRATION_SCAN_ROTATION, -360, 360},
    {CALIBRATION_COUNTS_PER_ELECTRON, 1e-6, 1e6},
    {CALIBRATION_DISK_RADIUS, 1e-3, 1e5},
    {CALIBRATION_BEAM_CURRENT, 1e-6, 1e9},
};

/* null forgets a value. */
static bool forget(struct calibration *calibration, const json_t *args, enum calibration_item item)
{
    if (!json_is_null(json_object_get(args, calibration_item_name(item))))
        return false;
    calibration_forget(calibration, item);
    return true;
}

static bool take_numbers(struct request *request, const json_t *args,
                         struct calibration *calibration)
{
    for (size_t i = 0; i < sizeof settable / sizeof settable[0]; i++) {
        const struct settable *const one = &settable[i];
        double value[2] = {NAN};
        if (forget(calibration, args, one->item))
            continue;
        if (!calibration_take_number(request, args, calibration_item_name(one->item), one->least,
                                     one->most, &value[0]))
            return false;
        if (!isnan(value[0]))
            calibration_set(calibration, one->item, value, NULL, "set");
    }
    return true;
}

static bool take_centre(struct request *request, const json_t *args,
                        struct calibration *calibration)
{
    double centre[2];
    bool given;
    if (forget(calibration, args, CALIBRATION_CENTRE))
        return true;
    if (!calibration_take_pair(request, args, "centre", centre, &given))
        return false;
    if (given)
        calibration_set(calibration, CALIBRATION_CENTRE, centre, NULL, "set");
    return true;
}

static bool take_ellipse(struct request *request, const json_t *args,
                         struct calibration *calibration)
{
    const json_t *const given = json_object_get(args, "ellipse");
    if (!given || forget(calibration, args, CALIBRATION_ELLIPSE))
        return true;
    const json_t *const ratio = json_object_get(given, "ratio");
    const json_t *const angle = json_object_get(given, "angle");
    const double value[2] = {json_number_value(ratio), json_number_value(angle)};
    if (json_object_size(given) != 2 || !json_is_number(ratio) || !json_is_number(angle) ||
        !(value[0] >= 1 && value[0] <= 2) || !(fabs(value[1]) <= 360)) {
        request_fail(request, "bad_value", "args.ellipse",
                     "ellipse must be {ratio, angle}: long over short axis, 1 to 2, and the "
                     "azimuth of the long axis in degrees");
        return false;
    }
    calibration_set(calibration, CALIBRATION_ELLIPSE, value, NULL, "set");
    return true;
}

static bool take_bad_pixels(struct request *request, const json_t *args,
                            struct calibration *calibration)
{
    struct error error = {0};
    struct pixel_mask *mask = NULL;
    const json_t *const given = json_object_get(args, "bad_pixels");
    if (!given)
        return true;
    if (!json_is_null(given) && !json_is_string(given)) {
        request_fail(request, "bad_value", "args.bad_pixels",
                     "bad_pixels must be the path of a .npy file that merlind can read, or null");
        return false;
    }
    if (json_is_string(given) && pixel_mask_read(&mask, json_string_value(given), &error) < 0) {
        request_fail(request, "bad_value", "args.bad_pixels", "%s", error.text);
        return false;
    }
    calibration_set_bad_pixels(calibration, mask, "set");
    return true;
}

static bool take_gain(struct request *request, const json_t *args, struct calibration *calibration)
{
    struct error error = {0};
    struct mask_values *gain = NULL;
    const json_t *const given = json_object_get(args, "gain");
    if (!given)
        return true;
    if (!json_is_null(given) && !json_is_string(given)) {
        request_fail(request, "bad_value", "args.gain",
                     "gain must be the path of a .npy file that merlind can read, or null");
        return false;
    }
    if (json_is_string(given) &&
        calibration_read_gain(&gain, json_string_value(given), &error) < 0) {
        request_fail(request, "bad_value", "args.gain", "%s", error.text);
        return false;
    }
    calibration_set_gain(calibration, gain, "set");
    return true;
}

json_t *calibration_reply(const struct control_service *service)
{
    return json_pack("{s:o, s:o}", "calibration",
                     calibration_json(acquisition_calibration(service->acquisition)), "references",
                     references_json(acquisition_kept(service->acquisition),
                                     acquisition_calibration(service->acquisition)));
}

/* All of it or nothing. */
void command_calibration(const struct control_service *service, struct request *request,
                         json_t *args)
{
    struct calibration changed;
    calibration_copy(&changed, acquisition_calibration(service->acquisition));
    const bool good =
        take_numbers(request, args, &changed) && take_centre(request, args, &changed) &&
        take_ellipse(request, args, &changed) && take_bad_pixels(request, args, &changed) &&
        take_gain(request, args, &changed);
    if (good && json_object_size(args) > 0) {
        /* What is set is its own; what is looked up for it comes after it. */
        calibration_table_apply(acquisition_kept(service->acquisition), &changed);
        calibration_derive(&changed);
        acquisition_set_calibration(service->acquisition, &changed);
    }
    calibration_finish(&changed);
    if (good)
        request_succeed(request, calibration_reply(service), NULL, 0);
}

/* ---- keeping mask and gain ---- */

/* The path of a .npy file to be made; NULL: the request was refused. */
static const char *take_new_file(struct request *request, const json_t *args)
{
    const char *const path = json_string_value(json_object_get(args, "path"));
    const size_t length = path ? strlen(path) : 0;
    if (length >= 6 && path[0] == '/' && strcmp(path + length - 4, ".npy") == 0)
        return path;
    request_fail(request, "bad_value", "args.path",
                 "path must be the absolute path of a file that ends in .npy");
    return NULL;
}

static void refuse_file(struct request *request, const struct error *error)
{
    request_fail(request, "bad_value", "args.path", "%s%s", error->text,
                 error->code == -EEXIST ? ": give another name" : "");
}

void command_bad_pixels_save(const struct control_service *service, struct request *request,
                             json_t *args)
{
    const struct pixel_mask *const mask = acquisition_calibration(service->acquisition)->bad_pixels;
    const char *const path = take_new_file(request, args);
    struct error error = {0};
    if (!path)
        return;
    if (!mask)
        request_fail(request, "no_data", NULL,
                     "there is no mask of bad pixels: measure one (calibration_measure) or load "
                     "one (calibration)");
    else if (pixel_mask_write(mask, path, &error) < 0)
        refuse_file(request, &error);
    else
        request_succeed(
            request, json_pack("{s:s, s:I}", "path", path, "n", (json_int_t)mask->n_bad), NULL, 0);
}

void command_gain_save(const struct control_service *service, struct request *request, json_t *args)
{
    const struct mask_values *const gain = acquisition_calibration(service->acquisition)->gain;
    const char *const path = take_new_file(request, args);
    struct error error = {0};
    if (!path)
        return;
    if (!gain) {
        request_fail(request, "no_data", NULL,
                     "the gain of the pixels is not known: measure it (calibration_measure) or "
                     "load it (calibration)");
        return;
    }
    const struct npy_array array = {NPY_F4, gain->height, gain->width,
                                    (const uint8_t *)gain->values};
    if (npy_file_write(&array, path, &error) < 0) {
        error_prefix(&error, "gain file %s", path);
        refuse_file(request, &error);
    } else {
        request_succeed(request,
                        json_pack("{s:s, s:[I, I]}", "path", path, "shape",
                                  (json_int_t)gain->height, (json_int_t)gain->width),
                        NULL, 0);
    }
}
