#include <errno.h>

#include "daemon/control/commands.h"
#include "daemon/results/array_parts.h"
#include "daemon/results/result_list.h"

/* map, profile and patterns that have a name: results of the newest run; maps also of those before
 * it. */

static struct run *measured_run(const struct control_service *service, struct request *request)
{
    struct run *const run = acquisition_run(service->acquisition);
    if (!run)
        request_fail(request, "no_data", NULL, "nothing was measured yet: start a scan first");
    return run;
}

struct run *command_take_run(const struct control_service *service, struct request *request,
                             const json_t *args)
{
    const json_t *const id = json_object_get(args, "run");
    struct error error = {0};
    if (!id)
        return measured_run(service, request);
    struct run *const run = json_is_string(id) ? acquisition_find_run(service->acquisition,
                                                                      json_string_value(id), &error)
                                               : NULL;
    if (!run)
        request_fail(request, json_is_string(id) ? "no_data" : "bad_value", "args.run", "%s",
                     json_is_string(id) ? error.text : "run must be the UUID of a run");
    return run;
}

/* Takes `names`, those there are, over. */
static void refuse_name(struct request *request, const char *kind, const char *name, json_t *names)
{
    char there[400];
    result_list_tell(names, there, sizeof there);
    if (name)
        request_fail(request, "no_data", "args.name", "no %s %.64s: there are %s", kind, name,
                     there);
    else
        request_fail(request, "bad_value", "args.name",
                     "name must be the text of one: there are %s", there);
}

void command_map(const struct control_service *service, struct request *request, json_t *args)
{
    const char *const name = json_string_value(json_object_get(args, "name"));
    struct run *const run = command_take_run(service, request, args);
    if (!run)
        return;
    unsigned map;
    const struct product *const product = name ? run_find_map(run, name, &map) : NULL;
    if (!product) {
        refuse_name(request, "map", name, result_list_maps(run));
        return;
    }
    struct map_rows rows;
    const int r = map_whole_init(&rows, run, product, map);
    if (r < 0) {
        request_fail(request, r == -EFBIG ? "bad_value" : "internal", NULL,
                     r == -EFBIG
                         ? "the map is larger than 2^27 positions: see the run as a smaller "
                           "scan (geometry), or take the map from the file"
                         : "no memory for the map");
        return;
    }
    const struct reply_part parts[] = {
        {rows.values, rows.n_values * rows.value_size},
        {rows.measured, rows.n_values},
    };
    request_succeed(request, json_incref(rows.header), parts, 2);
    map_rows_finish(&rows);
}

static void answer_array(const struct control_service *service, struct request *request,
                         struct array_values *array)
{
    const struct reply_part part = {array->values, array->size};
    request_succeed(request, json_incref(array->header), &part, 1);
    array_values_finish(array);
    acquisition_want_images(service->acquisition);
}

void command_named_pattern(const struct control_service *service, struct request *request,
                           json_t *args)
{
    const char *const name = json_string_value(json_object_get(args, "name"));
    struct run *const run = measured_run(service, request);
    struct array_values pattern;
    if (!run)
        return;
    if (name && pattern_init(&pattern, run, name) == 0)
        answer_array(service, request, &pattern);
    else
        refuse_name(request, "pattern", name, result_list_patterns(run));
}

void command_profile(const struct control_service *service, struct request *request, json_t *args)
{
    const char *const name = json_string_value(json_object_get(args, "name"));
    struct run *const run = measured_run(service, request);
    struct array_values profile;
    if (!run)
        return;
    if (name && profile_init(&profile, run, name) == 0)
        answer_array(service, request, &profile);
    else
        refuse_name(request, "profile", name, result_list_profiles(run));
}
