#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "daemon/acquisition/live_icom.h"
#include "daemon/control/commands.h"
#include "daemon/results/live_detectors.h"

/* live_icom: the settings of the live map icom, and changes of them. */

static const char *const methods[] = {"auto", "icom", "ricom", NULL};
static const char *const descans[] = {"constant", "plane", "parabola", "none", NULL};
static const char *const borders[] = {"mirror", "periodic", NULL};

json_t *icom_settings_json(const struct icom_settings *settings)
{
    return json_pack("{s:b, s:s?, s:s, s:s, s:o, s:b, s:s, s:f, s:i}", "enabled", settings->enabled,
                     "dpc", settings->dpc[0] ? settings->dpc : NULL, "method",
                     methods[settings->method], "descan", descans[settings->descan], "rotation",
                     isnan(settings->rotation) ? json_string("auto")
                                               : json_real(settings->rotation),
                     "flip", settings->flip, "border", borders[settings->border], "high_pass",
                     settings->high_pass, "radius", (int)settings->radius);
}

static bool take_bool(struct request *request, const json_t *args, const char *name,
                      const char *field, bool *value)
{
    const json_t *const given = json_object_get(args, name);
    if (given && !json_is_boolean(given)) {
        request_fail(request, "bad_value", field, "%s must be true or false", name);
        return false;
    }
    *value = given ? json_is_true(given) : *value;
    return true;
}

/* *value is the word's number. */
static bool take_word(struct request *request, const json_t *args, const char *name,
                      const char *field, const char *const *words, unsigned *value)
{
    const json_t *const given = json_object_get(args, name);
    const char *const word = json_string_value(given);
    if (!given)
        return true;
    for (unsigned i = 0; words[i]; i++) {
        if (word && strcmp(word, words[i]) == 0) {
            *value = i;
            return true;
        }
    }
    request_fail(request, "bad_value", field, "%s must be one of %s, %s%s%s ...", name, words[0],
                 words[1], words[2] ? ", " : "", words[2] ? words[2] : "");
    return false;
}

static bool take_number(struct request *request, const json_t *args, const char *name,
                        const char *field, double least, double most, double *value)
{
    const json_t *const given = json_object_get(args, name);
    const double number = json_number_value(given);
    if (given && (!json_is_number(given) || !(number >= least && number <= most))) {
        request_fail(request, "bad_value", field, "%s must be a number from %g to %g", name, least,
                     most);
        return false;
    }
    *value = given ? number : *value;
    return true;
}

static bool take_rotation(struct request *request, const json_t *args, double *rotation)
{
    const json_t *const given = json_object_get(args, "rotation");
    if (!json_is_string(given) || strcmp(json_string_value(given), "auto") != 0)
        return take_number(request, args, "rotation", "args.rotation", -360, 360, rotation);
    *rotation = NAN;
    return true;
}

static bool has_quadrants(const struct live_detectors *detectors, const char *name)
{
    const struct virtual_detector_settings *const one = live_detectors_find(detectors, name);
    return one && one->shape == VIRTUAL_DETECTOR_SEGMENTED && one->n_sectors == 4;
}

/* null: none any more. */
static bool take_dpc(struct request *request, const json_t *args,
                     const struct live_detectors *detectors, struct icom_settings *settings)
{
    const json_t *const given = json_object_get(args, "dpc");
    const char *const name = json_is_null(given) ? "" : json_string_value(given);
    if (given && (!name || strlen(name) >= sizeof settings->dpc)) {
        request_fail(request, "bad_value", "args.dpc",
                     "dpc must be the name of a segmented virtual detector, or null");
        return false;
    }
    if (given && *name && !has_quadrants(detectors, name)) {
        request_fail(request, "bad_value", "args.dpc",
                     "there is no segmented virtual detector \"%s\" of four sectors: add one, with "
                     "the direct beam on all four",
                     name);
        return false;
    }
    if (given)
        snprintf(settings->dpc, sizeof settings->dpc, "%s", name);
    return true;
}

static bool take_settings(struct request *request, const json_t *args,
                          const struct live_detectors *detectors, struct icom_settings *settings)
{
    unsigned method = settings->method, descan = settings->descan, border = settings->border;
    double radius = settings->radius;
    if (!take_bool(request, args, "enabled", "args.enabled", &settings->enabled) ||
        !take_dpc(request, args, detectors, settings) ||
        !take_bool(request, args, "flip", "args.flip", &settings->flip) ||
        !take_word(request, args, "method", "args.method", methods, &method) ||
        !take_word(request, args, "descan", "args.descan", descans, &descan) ||
        !take_word(request, args, "border", "args.border", borders, &border) ||
        !take_rotation(request, args, &settings->rotation) ||
        !take_number(request, args, "high_pass", "args.high_pass", 0, 0.5, &settings->high_pass) ||
        !take_number(request, args, "radius", "args.radius", 1, 4096, &radius))
        return false;
    if (radius != floor(radius)) {
        request_fail(request, "bad_value", "args.radius", "radius must be a whole number");
        return false;
    }
    settings->method = (enum icom_method)method;
    settings->descan = (enum icom_descan)descan;
    settings->border = (enum icom_border)border;
    settings->radius = (unsigned)radius;
    return true;
}

void command_live_icom(const struct control_service *service, struct request *request, json_t *args)
{
    struct icom_settings settings = service->icom->settings;
    struct error error = {0};
    const struct live_detectors *const detectors = acquisition_live_detectors(service->acquisition);
    if (!take_settings(request, args, detectors, &settings))
        return;
    if (json_object_size(args) > 0 && live_icom_set(service->icom, &settings, &error) < 0) {
        request_fail(request, "internal", NULL, "%s", error.text);
        return;
    }
    const struct run *const run = service->icom->run;
    request_succeed(request,
                    json_pack("{s:s?, s:o}", "run", run ? run->plan->id : NULL, "settings",
                              icom_settings_json(&service->icom->settings)),
                    NULL, 0);
}
