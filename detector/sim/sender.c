#include <errno.h>
#include <linux/sockios.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/clock.h"
#include "detector/sim/acquisition_shared.h"
#include "detector/sim/frame_messages.h"
#include "detector/sim/listener.h"

#define DRAIN_LOOK_NS NS_PER_MS

/* How the sender goes on after a turn. */
enum next { NEXT_TURN, NEXT_WAIT_DUE, NEXT_WAIT_ROOM };

static void lose_link(struct acquisition *acquisition)
{
    const struct outbox *outbox = &acquisition->outbox;
    if (acquisition->link < 0)
        return;
    close(acquisition->link);
    acquisition->link = -1;
    acquisition->attached = acquisition->hdr_due = false;
    if (acquisition->outbox_has_frames)
        detector_model_sent(&acquisition->model, clock_monotonic_ns(),
                            outbox_exposures(outbox, outbox->completed, outbox->count));
    frame_messages_clear(acquisition);
}

/* Has the client gone? What it sends is of no interest; that it sends nothing more is. */
static bool link_is_broken(int link)
{
    char bytes[4096];
    for (;;) {
        const ssize_t size = recv(link, bytes, sizeof bytes, MSG_DONTWAIT);
        if (size == 0)
            return true;
        if (size < 0 && errno != EINTR)
            return errno != EAGAIN;
    }
}

static void refresh_link(struct acquisition *acquisition)
{
    acquisition->look_at_link = false;
    if (acquisition->link >= 0 && link_is_broken(acquisition->link))
        lose_link(acquisition);
    int connection;
    while ((connection = listener_accept(acquisition->data_listener)) >= 0) {
        if (acquisition->link >= 0) {
            connection_refuse(connection);
        } else {
            acquisition->link = connection;
            acquisition->attached = true;
        }
    }
}

static void queue_hdr(struct acquisition *acquisition)
{
    acquisition->hdr_due = false;
    acquisition->outbox_has_frames = false;
    frame_messages_clear(acquisition);
    disturbance_before_hdr(acquisition);
    frame_messages_add_hdr(acquisition);
}

static void queue_frames(struct acquisition *acquisition, uint64_t now_ns)
{
    acquisition->outbox_has_frames = true;
    frame_messages_clear(acquisition);
    if (acquisition->disturbance.active)
        disturbance_queue(acquisition, now_ns);
    else
        frame_messages_fill(acquisition);
}

/* Nobody listens: frames that are taken are lost. Without pace an endless run waits for somebody
 * instead. */
static void discard_frames(struct acquisition *acquisition, uint64_t now_ns)
{
    struct detector_model *model = &acquisition->model;
    if (model->produced != DETECTOR_ENDLESS)
        detector_model_sent(model, now_ns, model->produced - model->sent);
}

static void end_acquisition(struct acquisition *acquisition)
{
    acquisition->report.stalls = acquisition->model.stalls;
    acquisition->report.lengthened = acquisition->model.lengthened;
    acquisition->report_waits = true;
    acquisition->active = acquisition->aborted = acquisition->begun = false;
    acquisition->hdr_due = false;
    acquisition->outbox_has_frames = false;
    pthread_cond_broadcast(&acquisition->ended);
    eventfd_write(acquisition->notify_fd, 1);
}

/* Throws away what is on its way, but for the message that is half written: it will be finished. */
static void cut_short(struct acquisition *acquisition)
{
    if (acquisition->outbox_has_frames) {
        outbox_cut(&acquisition->outbox);
        acquisition->report.frames += outbox_exposures(
            &acquisition->outbox, acquisition->outbox.completed, acquisition->outbox.count);
    }
    end_acquisition(acquisition);
}

static void turn_active(struct acquisition *acquisition)
{
    struct detector_model *model = &acquisition->model;
    const uint64_t now_ns = clock_monotonic_ns();
    detector_model_advance(model, now_ns);
    if (model->failed) {
        model->failed = false;
        fprintf(stderr, "merlin-sim: no memory for the times of frames; the acquisition stops\n");
        detector_model_stop(model);
    }
    if (acquisition->begun) {
        acquisition->begun = false;
        acquisition->hdr_due = acquisition->link >= 0 && acquisition->plan.hdr &&
                               disturbance_sends_hdr_first(acquisition);
    }
    if (acquisition->aborted) {
        cut_short(acquisition);
    } else if (acquisition->link < 0) {
        discard_frames(acquisition, now_ns);
    } else if (outbox_empty(&acquisition->outbox)) {
        if (acquisition->hdr_due)
            queue_hdr(acquisition);
        else if (!detector_model_finished(model))
            queue_frames(acquisition, now_ns);
    }
    if (acquisition->active && detector_model_finished(model) &&
        outbox_empty(&acquisition->outbox) && !acquisition->hdr_due)
        end_acquisition(acquisition);
}

static void look_whether_drained(struct acquisition *acquisition)
{
    int unread = 0;
    if (acquisition->link >= 0 && ioctl(acquisition->link, SIOCOUTQ, &unread) < 0)
        unread = 0;
    if (unread == 0 && outbox_empty(&acquisition->outbox)) {
        acquisition->drained = true;
        eventfd_write(acquisition->notify_fd, 1);
    }
}

/* Everything that is decided under the lock. */
static void turn(struct acquisition *acquisition)
{
    if (acquisition->drop_link) {
        refresh_link(
            acquisition); /* a client that has connected but was not let in yet goes as well */
        lose_link(acquisition);
    }
    acquisition->drop_link = false;
    if (acquisition->disturbance.close_when_sent && outbox_empty(&acquisition->outbox)) {
        acquisition->disturbance.close_when_sent = false;
        lose_link(acquisition);
        acquisition->look_at_link = true;
    }
    if (acquisition->look_at_link || acquisition->begun)
        refresh_link(acquisition);
    if (acquisition->active)
        turn_active(acquisition);
    if (acquisition->draining && !acquisition->active && !acquisition->drained)
        look_whether_drained(acquisition);
}

static void count_sent(struct acquisition *acquisition, uint64_t frames)
{
    if (frames == 0 || !acquisition->outbox_has_frames)
        return;
    detector_model_sent(&acquisition->model, clock_monotonic_ns(), frames);
    acquisition->report.frames += frames;
}

/* Called with the lock, which it gives up while it writes. */
static enum next send_some(struct acquisition *acquisition)
{
    const size_t before = acquisition->outbox.completed;
    pthread_mutex_unlock(&acquisition->lock);
    const int result = outbox_send(&acquisition->outbox, acquisition->link);
    pthread_mutex_lock(&acquisition->lock);
    count_sent(acquisition,
               outbox_exposures(&acquisition->outbox, before, acquisition->outbox.completed));
    if (result == -EAGAIN)
        return NEXT_WAIT_ROOM;
    if (result < 0)
        lose_link(acquisition);
    return NEXT_TURN;
}

/* When to look again without being woken, or DETECTOR_NEVER. */
static uint64_t wake_time(const struct acquisition *acquisition, enum next next)
{
    if (acquisition->draining && !acquisition->active && !acquisition->drained)
        return clock_monotonic_ns() + DRAIN_LOOK_NS;
    if (next == NEXT_WAIT_ROOM || !acquisition->active)
        return DETECTOR_NEVER;
    const uint64_t due_ns = detector_model_next_due(&acquisition->model);
    const uint64_t slow_until_ns = acquisition->disturbance.slow_until_ns;
    const bool slow = acquisition->model.taken < acquisition->model.produced;
    return slow && slow_until_ns < due_ns ? slow_until_ns : due_ns;
}

/* Sleeps until there is something to do. `due_ns` is absolute, so late wake-ups do not add up. */
static bool wait_for_events(const struct acquisition *acquisition, enum next next, uint64_t due_ns)
{
    struct pollfd events[3] = {
        {.fd = acquisition->wake_fd, .events = POLLIN},
        {.fd = acquisition->data_listener, .events = POLLIN},
        {.fd = acquisition->link,
         .events = (short)(POLLIN | POLLRDHUP | (next == NEXT_WAIT_ROOM ? POLLOUT : 0))},
    };
    struct timespec timeout = {0};
    if (due_ns != DETECTOR_NEVER) {
        const uint64_t now_ns = clock_monotonic_ns();
        const uint64_t left_ns = due_ns > now_ns ? due_ns - now_ns : 0;
        timeout.tv_sec = (time_t)(left_ns / NS_PER_S);
        timeout.tv_nsec = (long)(left_ns % NS_PER_S);
    }
    if (ppoll(events, 3, due_ns == DETECTOR_NEVER ? NULL : &timeout, NULL) <= 0)
        return false;
    eventfd_t wakes;
    if (events[0].revents)
        eventfd_read(acquisition->wake_fd, &wakes);
    return events[1].revents || (events[2].revents & ~POLLOUT);
}

void *sender_run(void *data)
{
    struct acquisition *acquisition = data;
    prctl(PR_SET_TIMERSLACK,
          1000UL); /* frames may follow each other every 45 us; the default slack is 50 */
    pthread_mutex_lock(&acquisition->lock);
    while (!acquisition->quit) {
        enum next next = NEXT_WAIT_DUE;
        turn(acquisition);
        if (!outbox_empty(&acquisition->outbox))
            next = send_some(acquisition);
        acquisition->unsent = !outbox_empty(&acquisition->outbox);
        if (next == NEXT_TURN)
            continue;
        const uint64_t due_ns = wake_time(acquisition, next);
        pthread_mutex_unlock(&acquisition->lock);
        const bool link_event = wait_for_events(acquisition, next, due_ns);
        pthread_mutex_lock(&acquisition->lock);
        if (link_event)
            acquisition->look_at_link = true;
    }
    pthread_mutex_unlock(&acquisition->lock);
    return NULL;
}
