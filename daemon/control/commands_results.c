#include <errno.h>

#include "daemon/control/commands.h"
#include "daemon/results/array_parts.h"

/* map, pattern and profile: results of the newest run; maps also of those before it. */

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

void command_map(const struct control_service *service, struct request *request, json_t *args)
{
    const char *const name = json_string_value(json_object_get(args, "name"));
    struct run *const run = command_take_run(service, request, args);
    if (!run)
        return;
    unsigned map;
    const struct product *const product = name ? run_find_map(run, name, &map) : NULL;
    if (!product) {
        request_fail(request, "no_data", "args.name",
                     "no map %s: the run's summary (merlinctl map --list) names those there are",
                     name ? name : "without a name");
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

void command_pattern(const struct control_service *service, struct request *request, json_t *args)
{
    const char *const name = json_string_value(json_object_get(args, "name"));
    struct run *const run = measured_run(service, request);
    struct array_values pattern;
    if (!run)
        return;
    if (name && pattern_init(&pattern, run, name) == 0)
        answer_array(service, request, &pattern);
    else
        request_fail(request, "no_data", "args.name",
                     "no pattern %s: the run's summary names those there are, and latest is there "
                     "once a frame was analysed",
                     name ? name : "without a name");
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
        request_fail(request, "no_data", "args.name",
                     "no profile %s: the run's summary names those there are",
                     name ? name : "without a name");
}
