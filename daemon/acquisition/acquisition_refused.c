#include "common/log.h"
#include "daemon/acquisition/acquisition_internal.h"

/*
 * A run that could not begin: there is no memory for it, or its first frame does not fit the
 * settings. Its frames are counted and are in no file. The detector would go on sending them, for
 * ever if it is a view: it is stopped where merlind has started it. Where somebody else has, it is
 * theirs to stop.
 */

static bool is_ours(const struct acquisition *acquisition)
{
    const struct run *const run = acquisition->run;
    if (acquisition->plan)
        return acquisition->plan->active;
    /* From one pass of a view to the next. */
    return acquisition->state == ACQUISITION_ACQUIRING && run && run->plan->active &&
           acquisition_view_goes_on(run);
}

static void tell(struct acquisition *acquisition, const char *detector)
{
    acquisition_set_state(acquisition, ACQUISITION_IDLE, "a run could not begin: %s; %s",
                          acquisition->refused.text, detector);
}

static void on_stopped(void *data, const struct recovery_outcome *outcome)
{
    struct acquisition *const acquisition = data;
    struct error error = {0};
    if (!acquisition_recovery_ended(acquisition, outcome, &error))
        log_warning("acquisition", "the detector of a run that could not begin: %s", error.text);
    if (acquisition->state == ACQUISITION_IDLE && acquisition->data_connected)
        tell(acquisition, error.code ? error.text : "the detector was stopped");
    acquisition->refused = (struct error){0};
    acquisition_links_changed(acquisition);
    acquisition_check_drained(acquisition);
}

/* false: it cannot be told. */
static bool stop_detector(struct acquisition *acquisition)
{
    return acquisition->command_connected && !acquisition->recovering &&
           !acquisition->drained_for_good &&
           recovery_begin(&acquisition->recovering, acquisition->loop, acquisition->client,
                          on_stopped, acquisition) == 0;
}

static void conclude(struct acquisition *acquisition)
{
    const bool ours = is_ours(acquisition);
    acquisition_give_up_plan(acquisition, "short", "refused", acquisition->refused.text);
    if (ours && stop_detector(acquisition)) {
        tell(acquisition, "the detector is being stopped");
        return;
    }
    tell(acquisition, ours ? "the detector could not be told to stop"
                           : "who started the detector has to stop it, or \"merlinctl stop\"");
    acquisition->refused = (struct error){0};
}

void acquisition_run_refused(struct acquisition *acquisition, const struct error *error)
{
    log_error("acquisition", "a run could not begin: %s", error->text);
    stray_watch_refused(&acquisition->strays, error);
    if (acquisition_stops_refused(acquisition))
        return;
    acquisition->refused = *error;
    /* A detector that is being set up takes no other command before it is armed. */
    if (!acquisition->starting)
        conclude(acquisition);
}

bool acquisition_start_holds(struct acquisition *acquisition)
{
    if (!acquisition->refused.code)
        return true;
    conclude(acquisition);
    return false;
}

bool acquisition_stops_refused(const struct acquisition *acquisition)
{
    return acquisition->refused.code && acquisition->recovering;
}
