#include <errno.h>

#include "common/clock.h"
#include "daemon/acquisition/acquisition_internal.h"

/* The clients pause at most 2 s between two tries to connect; the rest is for a detector that takes
 * a while to come up. */
#define WAIT_MS 5000

/* In this time the data link's own probes have shown whether it stands (connector.c). */
#define DOUBT_NS (2 * NS_PER_S)

/*
 * A detector that lost its power takes both links with it, without a word. The command link, which
 * is in use, notices first; the data link may still look as if it stood when the detector is up
 * again.
 */
static bool data_link_is_in_doubt(const struct acquisition *acquisition)
{
    return acquisition->doubted_ns > 0 && clock_monotonic_ns() < acquisition->doubted_ns + DOUBT_NS;
}

/*
 * A start that comes while a link is down waits for it a moment: a detector that was switched on
 * just now is found at the next try, and a script that starts detector, daemon and scan in one go
 * need not know how long that takes. So does one that comes while the detector of a run that could
 * not begin is being stopped.
 */
static bool may_start(const struct acquisition *acquisition, const struct acquisition_start *start)
{
    if (acquisition_stops_refused(acquisition))
        return false;
    if (start->passive)
        return acquisition->data_connected;
    return acquisition->data_connected && acquisition->command_connected &&
           !data_link_is_in_doubt(acquisition);
}

static void go_on(struct acquisition *acquisition)
{
    const struct acquisition_start start = acquisition->waiting;
    const acquisition_answer_fn answer = acquisition->waiting_answer;
    acquisition->waiting_answer = NULL;
    uv_timer_stop(&acquisition->wait_timer);
    acquisition_start_now(acquisition, &start, answer, acquisition->waiting_data);
    json_decref(start.parameters);
}

static void on_wait_timer(uv_timer_t *timer)
{
    go_on(timer->data);
}

void acquisition_links_changed(struct acquisition *acquisition)
{
    if (acquisition->waiting_answer && may_start(acquisition, &acquisition->waiting))
        go_on(acquisition);
}

void acquisition_wait_no_longer(struct acquisition *acquisition)
{
    if (acquisition->waiting_answer)
        go_on(acquisition);
}

void acquisition_start(struct acquisition *acquisition, const struct acquisition_start *start,
                       acquisition_answer_fn answer, void *data)
{
    if (acquisition->waiting_answer) {
        const struct error error = {-EBUSY, "another start waits for the detector already"};
        answer(data, NULL, "busy", NULL, &error);
        return;
    }
    const bool may_wait =
        acquisition->state == ACQUISITION_DISCONNECTED || acquisition->state == ACQUISITION_IDLE;
    if (may_start(acquisition, start) || !may_wait || acquisition->drained_for_good) {
        acquisition_start_now(acquisition, start, answer, data);
        return;
    }
    acquisition->waiting = *start;
    json_incref(start->parameters);
    acquisition->waiting_answer = answer;
    acquisition->waiting_data = data;
    uv_update_time(acquisition->wait_timer.loop); /* the loop may have been busy since it looked */
    uv_timer_start(&acquisition->wait_timer, on_wait_timer, WAIT_MS, 0);
}
