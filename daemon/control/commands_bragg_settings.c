#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "daemon/bragg/bragg_phase.h"
#include "daemon/bragg/bragg_reference_json.h"
#include "daemon/bragg/bragg_references.h"
#include "daemon/control/commands.h"
#include "daemon/control/commands_bragg.h"
#include "daemon/control/commands_calibration.h"

/* bragg_settings: what is done about Bragg reflections, told and changed. */

/* ---- arguments ---- */

struct number {
    const char *name;
    double least, most;
    double *value;
};

static bool take_numbers(struct request *request, const json_t *args, struct bragg_plan *plan)
{
    struct bragg_settings *const settings = &plan->settings;
    const struct number numbers[] = {
        {"disk_radius", 0, 1e5, &settings->disk_radius},
        {"wide_radius", -1, 1e5, &settings->wide_radius},
        {"alpha", 0, 1, &settings->alpha},
        {"contrast_min", 0, 1e5, &settings->contrast_min},
        {"centre_uncertainty", 0, 100, &settings->centre_uncertainty},
    };
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        if (!calibration_take_number(request, args, numbers[i].name, numbers[i].least,
                                     numbers[i].most, numbers[i].value))
            return false;
    }
    return true;
}

static bool take_measured(struct request *request, const json_t *args, const char *name,
                          double *value)
{
    const char *const word = json_string_value(json_object_get(args, name));
    if (word && strcmp(word, "measure") == 0) {
        *value = NAN;
        return true;
    }
    return calibration_take_number(request, args, name, 0, 1000, value);
}

/* null: not given any more. */
static bool take_pair(struct request *request, const json_t *args, const char *name, double *first,
                      double *second)
{
    double pair[2];
    bool given;
    if (json_is_null(json_object_get(args, name))) {
        *first = *second = NAN;
        return true;
    }
    if (!calibration_take_pair(request, args, name, pair, &given))
        return false;
    if (given) {
        *first = pair[0];
        *second = pair[1];
    }
    return true;
}

/* The same of two radii or counts of which the second is to be the larger one. */
static bool take_range(struct request *request, const json_t *args, const char *name, double *least,
                       double *most)
{
    char field[40];
    if (!take_pair(request, args, name, least, most))
        return false;
    if (!json_object_get(args, name) || !(*most <= *least)) /* NaN: not given */
        return true;
    snprintf(field, sizeof field, "args.%s", name);
    request_fail(request, "bad_value", field,
                 "%s: of [%g, %g] the second number must be the larger one", name, *least, *most);
    return false;
}

static bool take_count(struct request *request, const json_t *args, const char *name, double most,
                       uint32_t *value)
{
    double number = *value;
    if (!calibration_take_number(request, args, name, 1, most, &number))
        return false;
    *value = (uint32_t)number;
    return true;
}

bool bragg_use_reference(const struct control_service *service, struct request *request,
                         const char *name, const char *field, struct bragg_plan *plan)
{
    struct error error = {0};
    struct bragg_reference *reference;
    if (bragg_references_load(acquisition_kept(service->acquisition), name, &reference, &error) <
        0) {
        request_fail(request, "no_data", field, "%s", error.text);
        return false;
    }
    bragg_plan_finish(plan);
    plan->reference = reference;
    snprintf(plan->reference_name, sizeof plan->reference_name, "%s", name);
    return true;
}

/* null: none; the run learns. */
static bool take_reference(const struct control_service *service, struct request *request,
                           const json_t *args, struct bragg_plan *plan)
{
    const char *name;
    if (json_is_null(json_object_get(args, "reference"))) {
        bragg_plan_finish(plan);
        plan->reference_name[0] = '\0';
        return true;
    }
    if (!calibration_take_name(request, args, "reference", &name))
        return false;
    return !name || bragg_use_reference(service, request, name, "args.reference", plan);
}

/* null: none. */
static bool take_phase(struct request *request, const json_t *args, struct bragg_plan *plan)
{
    const json_t *const given = json_object_get(args, "phase");
    struct bragg_phase_wanted wanted = {0};
    struct error error = {0};
    const char *field;
    if (!given)
        return true;
    plan->phase = (struct bragg_phase_plan){0};
    if (json_is_null(given))
        return true;
    if (bragg_phase_take(&wanted, given, &field, &error) < 0 ||
        strlen(wanted.map) >= sizeof plan->phase.map) {
        request_fail(request, "bad_value", field, "%s",
                     error.code ? error.text : "there is no map of such a long name");
        return false;
    }
    snprintf(plan->phase.map, sizeof plan->phase.map, "%s", wanted.map);
    plan->phase.threshold = wanted.threshold;
    return true;
}

static bool take_enabled(struct request *request, const json_t *args, struct bragg_plan *plan)
{
    const json_t *const enabled = json_object_get(args, "enabled");
    if (enabled && !json_is_boolean(enabled)) {
        request_fail(request, "bad_value", "args.enabled", "enabled must be true or false");
        return false;
    }
    if (enabled)
        plan->enabled = json_is_true(enabled);
    return true;
}

/* A reference was measured with its settings: others do not go with it. */
static bool check_frozen(struct request *request, const json_t *args, const struct bragg_plan *plan)
{
    static const char *const frozen[] = {"centre",      "annulus",      "disk_radius",
                                         "wide_radius", "alpha",        "overdispersion",
                                         "speckle",     "contrast_min", "centre_uncertainty"};
    for (size_t i = 0; plan->reference && i < sizeof frozen / sizeof frozen[0]; i++) {
        char field[40];
        if (!json_object_get(args, frozen[i]))
            continue;
        snprintf(field, sizeof field, "args.%s", frozen[i]);
        request_fail(request, "bad_value", field,
                     "%s is that of the reference %s: use none (reference: null), or measure "
                     "another one",
                     frozen[i], plan->reference_name);
        return false;
    }
    return true;
}

static bool take_all(const struct control_service *service, struct request *request,
                     const json_t *args, struct bragg_plan *plan)
{
    struct bragg_settings *const settings = &plan->settings;
    return take_enabled(request, args, plan) && take_numbers(request, args, plan) &&
           take_measured(request, args, "overdispersion", &settings->overdispersion) &&
           take_measured(request, args, "speckle", &settings->speckle) &&
           take_pair(request, args, "centre", &settings->centre_y, &settings->centre_x) &&
           take_range(request, args, "annulus", &settings->inner, &settings->outer) &&
           take_range(request, args, "counts", &plan->counts_min, &plan->counts_max) &&
           take_count(request, args, "tile", 65536, &plan->tile) &&
           take_count(request, args, "block", 1024, &plan->block_length) &&
           take_phase(request, args, plan) && take_reference(service, request, args, plan) &&
           check_frozen(request, args, plan);
}

/* ---- the answer ---- */

json_t *bragg_plan_json(const struct bragg_plan *plan)
{
    json_t *const json = bragg_settings_json(
        plan->reference ? &bragg_reference_values(plan->reference)->settings : &plan->settings);
    json_object_set_new(json, "enabled", json_boolean(plan->enabled));
    json_object_set_new(json, "reference",
                        *plan->reference_name ? json_string(plan->reference_name) : json_null());
    json_object_set_new(json, "counts",
                        isnan(plan->counts_min)
                            ? json_null()
                            : json_pack("[f, f]", plan->counts_min, plan->counts_max));
    json_object_set_new(json, "tile", json_integer(plan->tile));
    json_object_set_new(json, "block", json_integer(plan->block_length));
    json_object_set_new(json, "phase", bragg_phase_plan_json(&plan->phase));
    return json;
}

void bragg_change(const struct control_service *service, struct request *request,
                  const struct bragg_plan *plan, bool again)
{
    struct error error = {0};
    const struct product_set *set = NULL;
    const int r = acquisition_set_bragg(service->acquisition, plan, &set, &error);
    if (r < 0) {
        request_fail(request,
                     r == -ENOMEM  ? "internal"
                     : r == -EBUSY ? "busy"
                                   : "bad_value",
                     NULL, "%s", error.text);
        return;
    }
    json_t *const result = json_pack("{s:o, s:s?, s:o}", "settings", bragg_plan_json(plan), "run",
                                     set ? acquisition_run(service->acquisition)->plan->id : NULL,
                                     "version", set ? json_integer(set->version) : json_null());
    if (result && again)
        bragg_search_again(service, result);
    request_succeed(request, result, NULL, 0);
}

static bool take_again(struct request *request, const json_t *args)
{
    const json_t *const again = json_object_get(args, "again");
    if (!again || json_is_boolean(again))
        return true;
    request_fail(request, "bad_value", "args.again", "again must be true or false");
    return false;
}

void command_bragg_settings(const struct control_service *service, struct request *request,
                            json_t *args)
{
    struct bragg_plan plan;
    bragg_plan_copy(&plan, acquisition_bragg(service->acquisition));
    if (take_again(request, args) && take_all(service, request, args, &plan)) {
        if (json_object_size(args) > 0)
            bragg_change(service, request, &plan, json_is_true(json_object_get(args, "again")));
        else
            request_succeed(
                request,
                json_pack("{s:o, s:n, s:n}", "settings", bragg_plan_json(&plan), "run", "version"),
                NULL, 0);
    }
    bragg_plan_finish(&plan);
}
