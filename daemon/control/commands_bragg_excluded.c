#include <errno.h>
#include <stdio.h>

#include "daemon/bragg/bragg_excluded.h"
#include "daemon/bragg/labelled_scans.h"
#include "daemon/control/commands.h"
#include "daemon/control/commands_bragg.h"

/* bragg_excluded: which regions of a run are no part of the film, told and changed. */

static json_t *excluded_json(const struct run *run)
{
    const struct run_excluded *const excluded = run_excluded(run);
    json_int_t n = 0;
    for (uint64_t i = 0; excluded && i < excluded->n; i++)
        n += excluded->mask[i] != 0;
    return json_pack("{s:s, s:o, s:I}", "run", run->plan->id, "regions", bragg_excluded_json(run),
                     "positions", n);
}

/* What is being written at this moment would not fit together. */
static bool is_finishing(const struct run *run)
{
    return atomic_load_explicit(&run->phase, memory_order_acquire) == RUN_FINISHING;
}

static void change(const struct control_service *service, struct request *request, struct run *run,
                   const json_t *regions)
{
    struct error error = {0};
    if (is_finishing(run)) {
        request_fail(request, "busy", NULL,
                     "the results of the run are being completed: wait for its end");
        return;
    }
    const int r = bragg_exclude(run, regions, &error);
    if (r < 0) {
        request_fail(request, r == -ENOMEM ? "internal" : "bad_value", "args.regions", "%s",
                     error.text);
        return;
    }
    json_t *const result = excluded_json(run);
    char text[200];
    snprintf(text, sizeof text, "%lld positions of run %s are left out as no part of the film",
             (long long)json_integer_value(json_object_get(result, "positions")), run->plan->id);
    labelled_scans_renew(acquisition_labelled_scans(service->acquisition), run);
    bragg_tell_changed(service, run, text, "");
    request_succeed(request, result, NULL, 0);
}

void command_bragg_excluded(const struct control_service *service, struct request *request,
                            json_t *args)
{
    const json_t *const regions = json_object_get(args, "regions");
    struct run *const run = command_take_run(service, request, args);
    if (run && regions)
        change(service, request, run, regions);
    else if (run)
        request_succeed(request, excluded_json(run), NULL, 0);
}
