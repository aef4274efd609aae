#include "processing/assembler.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/counter.h"
#include "common/log.h"
#include "common/probe.h"

/* How long late frames may take after the one that should have been the last. */
#define LINGER_NS (30 * NS_PER_MS)
/* An HDR in the middle of a run is either a new run or a stray repetition; silence after it means a
 * new run that is armed. */
#define HEADER_QUIET_NS (200 * NS_PER_MS)

void assembler_finish(struct assembler *assembler)
{
    free(assembler->hdr);
    placement_finish(&assembler->placement);
    acquisition_plan_unref(assembler->default_plan);
    acquisition_plan_unref(assembler->next_plan);
    acquisition_plan_unref(assembler->pass_plan);
    acquisition_plan_unref(assembler->unending_plan);
}

void assembler_flush(struct assembler *assembler)
{
    placement_flush(&assembler->placement);
}

/* ---- runs ---- */

static void want_no_end(struct assembler *assembler)
{
    assembler->quiet_end = RUN_END_NONE;
    assembler->end_asked = false;
}

static void end_run(struct assembler *assembler, enum run_end end)
{
    struct run *const run = assembler->run;
    if (!run)
        return;
    placement_close(&assembler->placement);
    if (!assembler->end_asked || !assembler->next_plan)
        want_no_end(assembler);
    atomic_store_explicit(&run->ended_ns, clock_realtime_ns(), memory_order_relaxed);
    atomic_store_explicit(&run->end, end, memory_order_release);
    PROBE3(scan_ended, run->plan->id, run_end_name(end), counter_read(&run->counts.received));
    int acquiring = RUN_ACQUIRING;
    atomic_compare_exchange_strong_explicit(&run->phase, &acquiring, RUN_FINISHING,
                                            memory_order_release, memory_order_relaxed);
    assembler->events.run_ended(assembler->events.data, run);
    ring_nudge(assembler->placement.ring);
    assembler->run = NULL;
    run_drop_pending(run, &assembler->sink);
    run_unref(run);
}

static void end_run_when_quiet(struct assembler *assembler, enum run_end end, uint64_t quiet_ns)
{
    assembler->quiet_end = end;
    assembler->quiet_ns = quiet_ns;
}

static void forget_passes(struct assembler *assembler)
{
    acquisition_plan_unref(assembler->pass_plan);
    acquisition_plan_unref(assembler->unending_plan);
    assembler->pass_plan = assembler->unending_plan = NULL;
}

void assembler_end_run(struct assembler *assembler, enum run_end end)
{
    forget_passes(assembler);
    end_run(assembler, end);
}

/* Frames of a plan that begin to come before the link is quiet make a run, which ends then. */
static void drop_next_plan(struct assembler *assembler)
{
    const enum run_end end = assembler->quiet_end;
    assembler_expect_nothing(assembler);
    assembler->events.plan_dropped(assembler->events.data, end);
}

static void end_as_asked(struct assembler *assembler)
{
    if (assembler->run)
        end_run(assembler, assembler->quiet_end);
    else
        drop_next_plan(assembler);
}

/* A detector that was stopped goes idle, or fails, too: that is not the reason then. */
static bool somebody_stops(const struct assembler *assembler)
{
    return assembler->end_asked &&
           (assembler->quiet_end == RUN_END_STOPPED || assembler->quiet_end == RUN_END_SHUTDOWN);
}

void assembler_end_when_quiet(struct assembler *assembler, enum run_end end, uint64_t quiet_ns)
{
    forget_passes(assembler);
    if (!assembler->run && !assembler->next_plan)
        return;
    if (!somebody_stops(assembler))
        end_run_when_quiet(assembler, end, quiet_ns);
    assembler->end_asked = true;
    if (quiet_ns == 0)
        end_as_asked(assembler);
}

static struct acquisition_plan *take_plan(struct assembler *assembler)
{
    struct acquisition_plan *const plan = assembler->next_plan;
    assembler->next_plan = NULL;
    assembler->draining = false;
    return plan ? plan : acquisition_plan_copy(assembler->default_plan);
}

/* Remembers fields 2 to 8 of the header, which begin at geometry_at. */
static void remember_geometry(struct assembler *assembler, const struct mpx_message *message,
                              size_t geometry_at)
{
    size_t end = geometry_at;
    for (int commas = 0; end < message->body_size && commas < 7; end++)
        commas += message->body[end] == ',';
    const size_t size = end - geometry_at;
    assembler->geometry_size = size <= sizeof assembler->geometry ? size : 0;
    memcpy(assembler->geometry, message->body + geometry_at, assembler->geometry_size);
    assembler->body_size = message->body_size;
}

/* What frames do not tell comes with the plan of the run that they belong to or would begin. */
static const struct acquisition_plan *plan_of_frames(const struct assembler *assembler)
{
    return assembler->run         ? assembler->run->plan
           : assembler->next_plan ? assembler->next_plan
                                  : assembler->default_plan;
}

struct first_frame {
    struct pixel_format format;
    struct layers layers;
};

static int read_format(const struct assembler *assembler, const struct mpx_message *message,
                       struct first_frame *first, struct error *error)
{
    struct frame_header header;
    int r = frame_header_parse(&header, message->body, message->body_size, error);
    if (r < 0)
        return r;
    struct acquisition_header acquisition;
    const bool has_hdr = assembler->hdr && acquisition_header_parse(&acquisition, assembler->hdr,
                                                                    assembler->hdr_size, NULL) == 0;
    const struct acquisition_plan *const plan = plan_of_frames(assembler);
    first->layers = layers_of_frame(&header, has_hdr ? &acquisition : NULL, plan->layers);
    return pixel_format_from_header(&first->format, &header, has_hdr ? &acquisition : NULL,
                                    plan->detector_gap, message->body_size, error);
}

/* Takes the reference of the plan. */
static int begin_run(struct assembler *assembler, struct acquisition_plan *plan,
                     const struct run_frames *frames, struct error *error)
{
    const int r = plan ? run_create(&assembler->run, plan, frames, assembler->n_workers, error)
                       : error_set(error, -ENOMEM, "no memory for a run");
    acquisition_plan_unref(plan);
    if (r < 0)
        return r;
    placement_begin(&assembler->placement, assembler->run);
    assembler->sink.begin(assembler->sink.data, assembler->run);
    assembler->events.run_began(assembler->events.data, assembler->run);
    return 0;
}

static int begin_run_with_frame(struct assembler *assembler, const struct mpx_message *message,
                                size_t geometry_at, struct error *error)
{
    struct first_frame first;
    const int r = read_format(assembler, message, &first, error);
    if (r < 0)
        return r;
    const struct run_frames frames = {
        .format = &first.format,
        .n_layers = first.layers.n,
        .colour = first.layers.colour,
        .hdr = assembler->hdr_fresh ? assembler->hdr : NULL,
        .hdr_size = assembler->hdr_size,
    };
    remember_geometry(assembler, message, geometry_at);
    return begin_run(assembler, take_plan(assembler), &frames, error);
}

/* A frame without a run may begin one: the first of an acquisition. */
static int begin_acquisition(struct assembler *assembler, const struct mpx_message *message,
                             uint64_t number, size_t geometry_at)
{
    struct error error = {0};
    if (!assembler->hdr_fresh && (number != 1 || assembler->draining))
        return -ESRCH;
    frame_numbers_begin(&assembler->numbers);
    assembler->base = 0;
    const int r = begin_run_with_frame(assembler, message, geometry_at, &error);
    assembler->hdr_fresh = false;
    if (r < 0) {
        error_prefix(&error, "frame at byte %" PRIu64 " of the stream", message->offset);
        assembler->events.run_refused(assembler->events.data, &error);
    }
    return r;
}

/* ---- passes of an unending scan ---- */

/* Another run goes on with the frames of the same acquisition, `exposures` later than the one
 * before, which ends. Takes the reference of the plan. */
static int go_on_with(struct assembler *assembler, struct acquisition_plan *plan, enum run_end end,
                      uint64_t exposures)
{
    struct error error = {0};
    struct run *const before = run_ref(assembler->run);
    const struct run_frames frames = {
        .format = &before->format,
        .n_layers = before->n_layers,
        .colour = before->colour,
        .hdr = (const uint8_t *)before->hdr,
        .hdr_size = before->hdr_size,
    };
    end_run(assembler, end);
    assembler->base += exposures;
    const int r = begin_run(assembler, plan, &frames, &error);
    if (r < 0)
        assembler->events.run_refused(assembler->events.data, &error);
    run_unref(before);
    return r;
}

/* The last frame of the run is in, or will not come. */
static void end_at_last(struct assembler *assembler)
{
    struct acquisition_plan *const unending = assembler->unending_plan;
    if (!unending || !assembler->run->plan->one_pass) {
        end_run(assembler, RUN_END_LAST);
        return;
    }
    assembler->unending_plan = NULL;
    (void)go_on_with(assembler, acquisition_plan_copy(unending), RUN_END_LAST,
                     assembler->run->frames_to_come);
    acquisition_plan_unref(unending);
}

/* At the border of a pass the frame may belong to another run than the one before. false: to none.
 */
static bool change_run_at_pass(struct assembler *assembler, uint64_t index)
{
    const struct run *const run = assembler->run;
    if (run->plan->one_pass && index >= run->frames_to_come) {
        end_at_last(assembler);
        return assembler->run;
    }
    if (!run->recycle || !assembler->pass_plan || !scan_geometry_begins_pass(run_scan(run), index))
        return true;
    struct acquisition_plan *const plan = assembler->pass_plan;
    assembler->pass_plan = NULL;
    acquisition_plan_unref(assembler->unending_plan);
    assembler->unending_plan = acquisition_plan_ref(run->plan);
    return go_on_with(assembler, plan, RUN_END_PASS, index) == 0;
}

/* ---- frames ---- */

static void stray(struct assembler *assembler, const struct mpx_message *message)
{
    counter_add(&assembler->stray_frames, message->kind == MPX_KIND_FRAME);
    counter_add(&assembler->stray_bytes, message->body_size);
}

static bool same_format(const struct assembler *assembler, const struct mpx_message *message,
                        size_t geometry_at)
{
    if (message->body_size == assembler->body_size && assembler->geometry_size > 0 &&
        geometry_at + assembler->geometry_size <= message->body_size &&
        memcmp(message->body + geometry_at, assembler->geometry, assembler->geometry_size) == 0)
        return true;
    struct first_frame other;
    if (read_format(assembler, message, &other, NULL) < 0)
        return false;
    const struct pixel_format *const format = &other.format;
    const struct pixel_format *const run_format = &assembler->run->format;
    return format->width == run_format->width && format->height == run_format->height &&
           format->pixel_type == run_format->pixel_type && format->layout == run_format->layout &&
           format->data_offset == run_format->data_offset &&
           format->packing == run_format->packing &&
           format->payload_size == run_format->payload_size;
}

static void reject(struct assembler *assembler, const struct mpx_message *message, const char *why)
{
    struct run_counts *const counts = &assembler->run->counts;
    if (counter_read(&counts->rejected) == 0)
        log_warning("ingest", "frame at byte %" PRIu64 " of the stream left out: %s",
                    message->offset, why);
    counter_add(&counts->rejected, 1);
}

static void end_if_last(struct assembler *assembler)
{
    const struct run *const run = assembler->run;
    if (run->frames_to_come == 0 || assembler->placement.next_index < run->frames_to_come)
        return;
    const struct run_counts *const counts = &run->counts;
    const uint64_t distinct = counter_read(&counts->received) - counter_read(&counts->duplicate);
    if (distinct >= run->frames_to_come * run->n_layers && run->hdr)
        end_at_last(assembler);
    else
        end_run_when_quiet(assembler, RUN_END_LAST, LINGER_NS);
}

/* An HDR came and the run had not ended: is this frame the next of the old run, or the first of a
 * new one? */
static bool header_was_a_repetition(const struct assembler *assembler, uint64_t number)
{
    return number != 1 &&
           frame_numbers_follows(&assembler->numbers, number, assembler->run->n_layers);
}

/* Why a frame cannot be one of the run, NULL: it can. Sets its layer and its unwrapped number. */
static const char *refuse(struct assembler *assembler, struct arrival *arrival, size_t geometry_at,
                          uint64_t *unwrapped)
{
    const struct mpx_message *const message = arrival->message;
    const unsigned n_layers = assembler->run->n_layers;
    if (!same_format(assembler, message, geometry_at))
        return "its format is not that of the run's first frame";
    if (n_layers > 1 && (!frame_header_layer(message->body, assembler->run->format.data_offset,
                                             geometry_at, &arrival->layer) ||
                         arrival->layer >= n_layers))
        return "its counter or colour layer is not one of this run";
    *unwrapped = frame_numbers_unwrap(&assembler->numbers, arrival->number);
    const bool fits =
        assembler->run->recycle || *unwrapped - assembler->base < FRAME_TABLE_MAX_FRAMES / n_layers;
    return *unwrapped == 0 || !fits ? "its number cannot belong to this run" : NULL;
}

/* A frame of the run that is going on. false: no room. */
static bool take_frame_of_run(struct assembler *assembler, const struct mpx_message *message,
                              uint64_t number, size_t geometry_at)
{
    struct arrival arrival = {.message = message, .number = number};
    uint64_t unwrapped;
    const char *const why_not = refuse(assembler, &arrival, geometry_at, &unwrapped);
    if (why_not) {
        reject(assembler, message, why_not);
        return true;
    }
    const uint64_t exposure = frame_numbers_exposure(&assembler->numbers, unwrapped, arrival.layer,
                                                     assembler->run->n_layers);
    if (exposure < assembler->base || !change_run_at_pass(assembler, exposure - assembler->base)) {
        stray(assembler, message);
        return true;
    }
    arrival.index = exposure - assembler->base;
    if (!placement_store(&assembler->placement, &arrival))
        return false;
    frame_numbers_took(&assembler->numbers, unwrapped);
    end_if_last(assembler);
    return true;
}

static bool take_frame(struct assembler *assembler, const struct mpx_message *message)
{
    uint64_t number;
    size_t geometry_at;
    if (!frame_header_number(message->body, message->body_size, &number, &geometry_at)) {
        if (assembler->run)
            reject(assembler, message, "its header has no frame number");
        else
            stray(assembler, message);
        return true;
    }
    if (assembler->run && assembler->hdr_fresh) {
        if (header_was_a_repetition(assembler, number)) {
            assembler->hdr_fresh = false;
            counter_add(&assembler->repeated_headers, 1);
        } else {
            assembler_end_run(assembler, RUN_END_NEXT_RUN);
        }
    }
    if (!assembler->run && begin_acquisition(assembler, message, number, geometry_at) < 0) {
        stray(assembler, message);
        return true;
    }
    return take_frame_of_run(assembler, message, number, geometry_at);
}

static void take_header(struct assembler *assembler, const struct mpx_message *message)
{
    uint8_t *const hdr = malloc(message->body_size);
    if (hdr)
        memcpy(hdr, message->body, message->body_size);
    else
        log_error("ingest", "no memory for an acquisition header: its run does without it");
    free(assembler->hdr);
    assembler->hdr = hdr;
    assembler->hdr_size = hdr ? message->body_size : 0;
    assembler->hdr_fresh = true; /* its frames begin a run all the same */
    if (!assembler->run)
        assembler->events.header(assembler->events.data);
}

bool assembler_take(struct assembler *assembler, const struct mpx_message *message)
{
    switch (message->kind) {
    case MPX_KIND_HDR:
        take_header(assembler, message);
        return true;
    case MPX_KIND_FRAME:
        return take_frame(assembler, message);
    case MPX_KIND_OTHER:
        break;
    }
    stray(assembler, message);
    return true;
}

void assembler_quiet(struct assembler *assembler, uint64_t quiet_ns)
{
    if (assembler->end_asked && quiet_ns >= assembler->quiet_ns) {
        end_as_asked(assembler);
    } else if (!assembler->run) {
        return;
    } else if (assembler->quiet_end == RUN_END_LAST && quiet_ns >= assembler->quiet_ns) {
        end_at_last(assembler);
    } else if (assembler->hdr_fresh && quiet_ns >= HEADER_QUIET_NS) {
        assembler_end_run(assembler, RUN_END_NEXT_RUN);
        assembler->events.header(assembler->events.data);
    }
}

/* ---- plans ---- */

void assembler_expect(struct assembler *assembler, struct acquisition_plan *plan, bool drain,
                      bool link_is_busy)
{
    assembler_expect_nothing(assembler);
    assembler->next_plan = plan;
    assembler->draining = drain && link_is_busy;
    if (drain)
        assembler->hdr_fresh = false;
}

void assembler_expect_nothing(struct assembler *assembler)
{
    acquisition_plan_unref(assembler->next_plan);
    assembler->next_plan = NULL;
    assembler->draining = false;
    if (!assembler->run)
        want_no_end(assembler);
}

void assembler_record_pass(struct assembler *assembler, struct acquisition_plan *plan)
{
    acquisition_plan_unref(assembler->pass_plan);
    assembler->pass_plan = plan;
    if (!assembler->run || !assembler->run->recycle)
        forget_passes(assembler);
}
