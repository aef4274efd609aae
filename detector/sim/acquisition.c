#include "detector/sim/acquisition.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "common/clock.h"
#include "detector/mpx.h"
#include "detector/sim/acquisition_shared.h"

/* Messages smaller than this are written several at a time: the system call would cost more than
 * the copy. */
#define SMALL_MESSAGE ((size_t)16 << 10)
#define BATCH_BYTES ((size_t)128 << 10)

static void wake_sender(struct acquisition *acquisition)
{
    eventfd_write(acquisition->wake_fd, 1);
}

/* Room for the heads of a batch, twice: a fault may send a frame two times. */
static int make_room(struct acquisition *acquisition)
{
    const struct frame_source *source = acquisition->source;
    acquisition->batch = 1;
    if (source->message_size_max < SMALL_MESSAGE)
        acquisition->batch = BATCH_BYTES / source->message_size_max;
    if (acquisition->batch > OUTBOX_MESSAGES)
        acquisition->batch = OUTBOX_MESSAGES;
    if (acquisition->batch < source->layers)
        acquisition->batch = source->layers;
    acquisition->head_stride = MPX_PREFIX_SIZE + source->header_size_max;
    free(acquisition->heads);
    acquisition->heads = malloc(2 * acquisition->batch * acquisition->head_stride);
    return acquisition->heads ? 0 : -ENOMEM;
}

static int init_buffers(struct acquisition *acquisition)
{
    acquisition->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    acquisition->notify_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (make_room(acquisition) < 0)
        return -ENOMEM;
    return acquisition->wake_fd < 0 || acquisition->notify_fd < 0 ? -EMFILE : 0;
}

static void free_buffers(struct acquisition *acquisition)
{
    if (acquisition->wake_fd >= 0)
        close(acquisition->wake_fd);
    if (acquisition->notify_fd >= 0)
        close(acquisition->notify_fd);
    if (acquisition->link >= 0)
        close(acquisition->link);
    run_plan_finish(&acquisition->plan);
    detector_model_finish(&acquisition->model);
    disturbance_finish(&acquisition->disturbance);
    free(acquisition->heads);
    free(acquisition->hdr_message);
    free(acquisition);
}

int acquisition_create(struct acquisition **result, const struct frame_source *source,
                       const struct options *options, int data_listener, struct error *error)
{
    struct acquisition *acquisition = calloc(1, sizeof *acquisition);
    if (!acquisition)
        return error_set(error, -ENOMEM, "no memory");
    acquisition->source = source;
    acquisition->options = options;
    acquisition->data_listener = data_listener;
    acquisition->link = -1;
    pthread_mutex_init(&acquisition->lock, NULL);
    pthread_cond_init(&acquisition->ended, NULL);
    int code = init_buffers(acquisition);
    if (!code)
        code = -pthread_create(&acquisition->thread, NULL, sender_run, acquisition);
    if (code) {
        free_buffers(acquisition);
        return error_set(error, code, "the sender thread cannot be started: %s", strerror(-code));
    }
    *result = acquisition;
    return 0;
}

void acquisition_destroy(struct acquisition *acquisition)
{
    if (!acquisition)
        return;
    pthread_mutex_lock(&acquisition->lock);
    acquisition->quit = true;
    pthread_mutex_unlock(&acquisition->lock);
    wake_sender(acquisition);
    pthread_join(acquisition->thread, NULL);
    pthread_cond_destroy(&acquisition->ended);
    pthread_mutex_destroy(&acquisition->lock);
    free_buffers(acquisition);
}

/* Internal triggers and trains of external ones begin by the clock; soft ones wait. */
static void schedule_triggers(struct acquisition *acquisition, uint64_t now_ns)
{
    struct detector_model *model = &acquisition->model;
    if (acquisition->plan.trigger == TRIGGER_INTERNAL)
        model->release_at_ns = now_ns;
    else if (acquisition->plan.trigger == TRIGGER_EXTERNAL)
        model->release_at_ns = now_ns + acquisition->options->trigger_delay_ms * NS_PER_MS;
}

static void begin(struct acquisition *acquisition, const struct run_plan *plan)
{
    const uint64_t now_ns = clock_monotonic_ns();
    run_plan_finish(&acquisition->plan);
    detector_model_finish(&acquisition->model);
    acquisition->plan = *plan;
    disturbance_begin(acquisition);
    detector_model_init(&acquisition->model, &plan->timing, acquisition->plan.frames,
                        acquisition->options->buffer);
    const struct fault *stall =
        fault_find(&acquisition->options->faults, FAULT_STALL, acquisition->disturbance.run);
    if (stall && stall->frames[0] > 0)
        detector_model_stall(&acquisition->model, stall->frames[0] - 1,
                             (uint64_t)(stall->amount * 1e6));
    acquisition->gates = 0;
    acquisition->report = (struct acquisition_report){0};
    acquisition->real_minus_mono = (int64_t)(clock_realtime_ns() - now_ns);
    acquisition->active = acquisition->begun = true;
    acquisition->aborted = false;
    schedule_triggers(acquisition, now_ns);
}

bool acquisition_quiescent(struct acquisition *acquisition)
{
    pthread_mutex_lock(&acquisition->lock);
    const bool quiescent = !acquisition->active && !acquisition->unsent;
    pthread_mutex_unlock(&acquisition->lock);
    return quiescent;
}

int acquisition_source_changed(struct acquisition *acquisition)
{
    pthread_mutex_lock(&acquisition->lock);
    const int result = make_room(acquisition);
    pthread_mutex_unlock(&acquisition->lock);
    return result;
}

enum reply_code acquisition_start(struct acquisition *acquisition, struct run_plan *plan)
{
    pthread_mutex_lock(&acquisition->lock);
    const bool busy = acquisition->active;
    if (!busy) {
        begin(acquisition, plan);
        memset(plan, 0, sizeof *plan);
    }
    pthread_mutex_unlock(&acquisition->lock);
    wake_sender(acquisition);
    return busy ? REPLY_BUSY : REPLY_OK;
}

void acquisition_stop(struct acquisition *acquisition)
{
    pthread_mutex_lock(&acquisition->lock);
    if (acquisition->active) {
        detector_model_advance(&acquisition->model, clock_monotonic_ns());
        detector_model_stop(&acquisition->model);
    }
    pthread_mutex_unlock(&acquisition->lock);
    wake_sender(acquisition);
}

void acquisition_abort(struct acquisition *acquisition)
{
    pthread_mutex_lock(&acquisition->lock);
    if (acquisition->active) {
        detector_model_abort(&acquisition->model);
        acquisition->aborted = true;
        wake_sender(acquisition);
        while (acquisition->active)
            pthread_cond_wait(&acquisition->ended, &acquisition->lock);
    }
    pthread_mutex_unlock(&acquisition->lock);
}

void acquisition_trigger(struct acquisition *acquisition)
{
    pthread_mutex_lock(&acquisition->lock);
    const struct run_plan *plan = &acquisition->plan;
    uint64_t frames = 0;
    if (acquisition->active && plan->trigger == TRIGGER_SOFT)
        frames = plan->frames_per_trigger;
    else if (acquisition->active && plan->trigger == TRIGGER_SOFT_GATES)
        frames = ++acquisition->gates % plan->frames_per_trigger == 0;
    if (frames > 0) {
        const uint64_t now_ns = clock_monotonic_ns();
        detector_model_advance(&acquisition->model, now_ns);
        detector_model_release(&acquisition->model, now_ns, frames);
    }
    pthread_mutex_unlock(&acquisition->lock);
    wake_sender(acquisition);
}

void acquisition_drop_link(struct acquisition *acquisition)
{
    pthread_mutex_lock(&acquisition->lock);
    acquisition->drop_link = true;
    pthread_mutex_unlock(&acquisition->lock);
    wake_sender(acquisition);
}

enum acquisition_state acquisition_state(struct acquisition *acquisition)
{
    pthread_mutex_lock(&acquisition->lock);
    enum acquisition_state state = ACQUISITION_IDLE;
    if (acquisition->active)
        state = detector_model_armed(&acquisition->model) &&
                        acquisition->plan.trigger != TRIGGER_INTERNAL
                    ? ACQUISITION_ARMED
                    : ACQUISITION_BUSY;
    pthread_mutex_unlock(&acquisition->lock);
    return state;
}

bool acquisition_attached(struct acquisition *acquisition)
{
    struct pollfd waiting = {.fd = acquisition->data_listener, .events = POLLIN};
    pthread_mutex_lock(&acquisition->lock); /* a client is let in under it: it is here or there */
    const bool attached = acquisition->attached || poll(&waiting, 1, 0) == 1;
    pthread_mutex_unlock(&acquisition->lock);
    return attached;
}

bool acquisition_take_report(struct acquisition *acquisition, struct acquisition_report *report)
{
    pthread_mutex_lock(&acquisition->lock);
    const bool waits = acquisition->report_waits;
    acquisition->report_waits = false;
    *report = acquisition->report;
    pthread_mutex_unlock(&acquisition->lock);
    return waits;
}

int acquisition_notify_fd(const struct acquisition *acquisition)
{
    return acquisition->notify_fd;
}

void acquisition_drain(struct acquisition *acquisition)
{
    pthread_mutex_lock(&acquisition->lock);
    acquisition->draining = true;
    pthread_mutex_unlock(&acquisition->lock);
    wake_sender(acquisition);
}

bool acquisition_drained(struct acquisition *acquisition)
{
    pthread_mutex_lock(&acquisition->lock);
    const bool drained = acquisition->drained;
    pthread_mutex_unlock(&acquisition->lock);
    return drained;
}
