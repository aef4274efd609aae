#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include "common/log.h"
#include "daemon/bragg/labelled_scans.h"
#include "daemon/control/commands.h"
#include "daemon/control/commands_bragg.h"
#include "processing/bragg_run/bragg_final.h"
#include "processing/bragg_run/bragg_injection.h"

/* A run that is over, searched again with other settings: measured and classified from its file on
 * another thread, as at its end. */

struct again {
    const struct control_service *service;
    struct run *run;
    struct error error;
};

static void search(void *data)
{
    struct again *const again = data;
    struct error none = {0};
    if (bragg_final(again->run, &again->error) == 0)
        (void)bragg_found_measure(again->run, &none); /* the headline says that there is no rate */
}

void bragg_tell_changed(const struct control_service *service, const struct run *run,
                        const char *text, const char *error)
{
    log_notice("control", "%s", text);
    service->event(service->data, "recompute",
                   json_pack("{s:s, s:s, s:s, s:{s:s, s:i, s:i, s:b, s:s}}", "event", "recompute",
                             "run", run->plan->id, "text", text, "recompute", "what", "bragg",
                             "done", 1, "total", 1, "finished", 1, "error", error));
}

static void tell(const struct again *again)
{
    char text[600];
    snprintf(text, sizeof text, "run %s was searched for Bragg reflections again%s%s",
             again->run->plan->id, again->error.code ? ", but " : "", again->error.text);
    bragg_tell_changed(again->service, again->run, text, again->error.text);
}

static void on_done(void *data, bool cancelled)
{
    struct again *const again = data;
    if (!cancelled) {
        labelled_scans_add(acquisition_labelled_scans(again->service->acquisition), again->run);
        tell(again);
    }
    run_unref(again->run);
    free(again);
}

static int begin(const struct control_service *service, struct error *error)
{
    struct again *const again = calloc(1, sizeof *again);
    if (!again)
        return error_set(error, -ENOMEM, "no memory to search the run again");
    again->service = service;
    int r = service->jobs->has_long
                ? error_set(error, -EBUSY, "frames are being read again for another request")
                : acquisition_search_again(service->acquisition, &again->run, error);
    if (r == 0 && again->run) {
        r = jobs_start_long(service->jobs, search, on_done, again, error);
        if (r == 0)
            return 0;
    }
    run_unref(again->run);
    free(again);
    return r;
}

void bragg_search_again(const struct control_service *service, json_t *result)
{
    struct error error = {0};
    const int r = begin(service, &error);
    json_object_set_new(result, "again", json_boolean(r == 0));
    if (r < 0)
        json_object_set_new(result, "why_not", json_string(error.text));
}
