#include "daemon/control/commands.h"

/* geometry and record: what is done with a run that goes on. */

#define NUDGE_MAX (INT64_C(1) << 31)

static void nudge(const struct control_service *service, struct request *request,
                  const json_t *args)
{
    const json_t *const json = json_object_get(args, "nudge");
    const json_int_t frames = json_integer_value(json);
    const struct geometry_request unchanged = {0};
    if (json_object_size(args) > 1)
        request_fail(request, "bad_request", "args.nudge",
                     "a nudge stands alone: ask for the rest in another request");
    else if (!json_is_integer(json) || frames > NUDGE_MAX || frames < -NUDGE_MAX)
        request_fail(request, "bad_value", "args.nudge",
                     "nudge must be a whole number of frames, at most 2^31 either way");
    else
        acquisition_set_geometry(service->acquisition, &unchanged, frames, command_answer, request);
}

void command_geometry(const struct control_service *service, struct request *request, json_t *args)
{
    struct geometry_request geometry;
    if (json_object_get(args, "nudge")) {
        nudge(service, request, args);
        return;
    }
    if (!command_take_geometry(request, args, &geometry))
        return;
    acquisition_set_geometry(service->acquisition, &geometry, 0, command_answer, request);
    scan_list_unref(geometry.scan.list); /* the run has its own reference */
}

void command_record(const struct control_service *service, struct request *request, json_t *args)
{
    (void)args;
    acquisition_record_pass(service->acquisition, command_answer, request);
}
