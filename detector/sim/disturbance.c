#include "detector/sim/disturbance.h"

#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "detector/mpx.h"
#include "detector/sim/acquisition_shared.h"
#include "detector/sim/frame_messages.h"
#include "detector/sim/random.h"

enum purpose { PURPOSE_GARBAGE = 200 };

static const struct fault *in_force(const struct acquisition *acquisition, enum fault_kind kind)
{
    return fault_find(&acquisition->options->faults, kind, acquisition->disturbance.run);
}

static const struct fault *hit(const struct acquisition *acquisition, enum fault_kind kind,
                               uint64_t number)
{
    return fault_hits(&acquisition->options->faults, kind, acquisition->disturbance.run, number);
}

static void end_after(struct run_plan *plan, const struct fault *fault)
{
    const uint64_t frames = fault && fault->frame_count ? fault->frames[0] : 0;
    if (fault && frames < plan->frames)
        plan->frames = frames;
}

/* Lost frames and other numbers leave the messages that are sent as they are. */
static bool leaves_messages(const struct fault_set *set, uint64_t run)
{
    for (unsigned kind = 0; kind < FAULT_KINDS; kind++)
        if (kind != FAULT_DROP && kind != FAULT_NUMBER_WRAP &&
            fault_find(set, (enum fault_kind)kind, run))
            return false;
    return true;
}

void disturbance_begin(struct acquisition *acquisition)
{
    struct disturbance *disturbance = &acquisition->disturbance;
    disturbance->run++;
    disturbance->active = fault_set_disturbs_data(&acquisition->options->faults, disturbance->run);
    disturbance->batched = leaves_messages(&acquisition->options->faults, disturbance->run);
    disturbance->held.waits = false;
    disturbance->slow_until_ns = 0;
    end_after(&acquisition->plan, in_force(acquisition, FAULT_EARLY_END));
    end_after(&acquisition->plan, in_force(acquisition, FAULT_STATUS3));
    if (in_force(acquisition, FAULT_NUMBER_WRAP) || in_force(acquisition, FAULT_RESTART))
        acquisition->plan.rewrite = true;
}

void disturbance_finish(struct disturbance *disturbance)
{
    free(disturbance->garbage);
}

bool disturbance_sends_hdr_first(const struct acquisition *acquisition)
{
    return !in_force(acquisition, FAULT_NO_HDR) && !in_force(acquisition, FAULT_LATE_HDR);
}

uint64_t disturbance_number(const struct acquisition *acquisition, uint64_t index)
{
    const struct fault *wrap = in_force(acquisition, FAULT_NUMBER_WRAP);
    const struct fault *restart = in_force(acquisition, FAULT_RESTART);
    if (restart && restart->frames[0] > 0 && index + 1 >= restart->frames[0])
        return index + 2 - restart->frames[0];
    if (!wrap)
        return index + 1;
    const uint64_t number = wrap->first + index;
    return wrap->amount < 7 ? number % 1000000 : number;
}

/* Random bytes with the beginnings of messages among them, by the seed alone. */
static void make_garbage(uint8_t *bytes, size_t size, uint64_t seed, uint64_t number)
{
    static const char *const decoys[] = {"MPX,00000x0017,MQ1,", "MPX,", "MPX,0000002049;",
                                         "MQ1,000001,"};
    struct random_stream stream = random_stream_make(seed, PURPOSE_GARBAGE, number);
    for (size_t i = 0; i < size; i++)
        bytes[i] = (uint8_t)random_bits(&stream);
    for (size_t at = 20; at + 32 < size; at += 500) {
        const char *const decoy = decoys[at / 500 % 4];
        for (size_t i = 0; decoy[i]; i++)
            bytes[at + i] = (uint8_t)decoy[i];
    }
}

static void add_garbage(struct acquisition *acquisition, uint64_t number)
{
    const struct fault *fault = hit(acquisition, FAULT_GARBAGE, number);
    if (!fault)
        return;
    const size_t size = (size_t)fault->amount;
    uint8_t *bytes = realloc(acquisition->disturbance.garbage, size);
    if (!bytes)
        return;
    acquisition->disturbance.garbage = bytes;
    make_garbage(bytes, size, acquisition->options->faults.seed, number);
    outbox_add(&acquisition->outbox, bytes, size, NULL, 0, false);
}

void disturbance_before_hdr(struct acquisition *acquisition)
{
    add_garbage(acquisition, 0);
    if (in_force(acquisition, FAULT_SECOND_HDR))
        frame_messages_add_hdr(acquisition);
}

/* Half a message, and then the link closes. */
static void cut(struct acquisition *acquisition)
{
    struct outbox *outbox = &acquisition->outbox;
    struct iovec *body = &outbox->pieces[2 * outbox->count - 1];
    const size_t missing = body->iov_len - body->iov_len / 2;
    body->iov_len -= missing;
    outbox->ends[outbox->count - 1] -= missing;
    acquisition->disturbance.close_when_sent = true;
}

static void add_frame(struct acquisition *acquisition, uint64_t index, uint64_t start_ns,
                      uint64_t exposure_ns)
{
    const uint64_t number = index + 1;
    const bool twice = hit(acquisition, FAULT_DUPLICATE, number);
    const struct fault *wrong = hit(acquisition, FAULT_WRONG_LENGTH, number);
    const size_t first = acquisition->outbox.count;
    frame_messages_add(acquisition, index, start_ns, exposure_ns, !twice);
    const struct outbox *outbox = &acquisition->outbox;
    if (wrong) {
        const struct iovec *head = &outbox->pieces[2 * first];
        const size_t body = head->iov_len - MPX_PREFIX_SIZE + head[1].iov_len;
        mpx_write_prefix(head->iov_base, (size_t)((double)body + wrong->amount));
    }
    if (twice)
        frame_messages_add(acquisition, index, start_ns, exposure_ns, true);
}

/* A frame with what comes before and after it. */
static void add_surrounded(struct acquisition *acquisition, uint64_t index, uint64_t start_ns,
                           uint64_t exposure_ns)
{
    const uint64_t number = index + 1;
    add_garbage(acquisition, number);
    if (hit(acquisition, FAULT_MID_HDR, number) || hit(acquisition, FAULT_RESTART, number))
        frame_messages_add_hdr(acquisition);
    add_frame(acquisition, index, start_ns, exposure_ns);
    if (hit(acquisition, FAULT_LATE_HDR, number))
        frame_messages_add_hdr(acquisition);
    if (hit(acquisition, FAULT_CUT, number))
        cut(acquisition);
    if (hit(acquisition, FAULT_CLOSE, number))
        acquisition->disturbance.close_when_sent = true;
}

/* True once the held frame's turn has come: those it waits for are sent, or no more will come. */
static bool held_is_due(const struct acquisition *acquisition)
{
    const struct held_frame *held = &acquisition->disturbance.held;
    const struct detector_model *model = &acquisition->model;
    return held->waits && (model->taken > held->after || model->taken == model->total);
}

/* Puts the frame aside when it shall be overtaken. */
static bool hold(struct acquisition *acquisition, const struct held_frame *frame)
{
    const struct fault *fault = hit(acquisition, FAULT_REORDER, frame->index + 1);
    struct held_frame *held = &acquisition->disturbance.held;
    if (!fault || held->waits)
        return false;
    *held = *frame;
    held->after = frame->index + (uint64_t)fault->amount;
    held->waits = true;
    return true;
}

static bool has_room(const struct acquisition *acquisition)
{
    const struct outbox *outbox = &acquisition->outbox;
    return outbox_empty(outbox) ||
           (acquisition->disturbance.batched &&
            outbox->count + acquisition->source->layers <= acquisition->batch);
}

static void queue_next(struct acquisition *acquisition, uint64_t now_ns)
{
    struct held_frame *held = &acquisition->disturbance.held;
    while (has_room(acquisition)) {
        struct held_frame frame = *held;
        const bool due = held_is_due(acquisition);
        if (!due && !detector_model_take(&acquisition->model, &frame.index, &frame.start_ns,
                                         &frame.exposure_ns))
            return;
        if (due)
            held->waits = false;
        else if (hold(acquisition, &frame))
            continue;
        if (hit(acquisition, FAULT_DROP, frame.index + 1))
            detector_model_sent(&acquisition->model, now_ns, 1);
        else
            add_surrounded(acquisition, frame.index, frame.start_ns, frame.exposure_ns);
    }
}

void disturbance_queue(struct acquisition *acquisition, uint64_t now_ns)
{
    struct disturbance *disturbance = &acquisition->disturbance;
    if (now_ns < disturbance->slow_until_ns)
        return;
    queue_next(acquisition, now_ns);
    const struct fault *slow = in_force(acquisition, FAULT_SLOW);
    const struct outbox *outbox = &acquisition->outbox;
    if (slow && outbox->count > 0)
        disturbance->slow_until_ns =
            now_ns + (uint64_t)((double)outbox->ends[outbox->count - 1] * 1e3 / slow->amount);
}
