#include "processing/assembler.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/counter.h"
#include "common/log.h"
#include "processing/assembler_run.h"

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

/* ---- the first frame ---- */

static int read_look(const struct assembler *assembler, const struct mpx_message *message,
                     struct frame_look *look, struct error *error)
{
    return frame_look_read(look, message, assembler->hdr, assembler->hdr_size,
                           assembler_plan(assembler), error);
}

static int begin_run_with_frame(struct assembler *assembler, const struct mpx_message *message,
                                size_t geometry_at, struct error *error)
{
    struct frame_look look;
    const int r = read_look(assembler, message, &look, error);
    if (r < 0)
        return r;
    const struct run_frames frames = {
        .format = &look.format,
        .n_layers = look.layers.n,
        .colour = look.layers.colour,
        .hdr = assembler->hdr_fresh ? assembler->hdr : NULL,
        .hdr_size = assembler->hdr_size,
    };
    frame_likeness_learn(&assembler->likeness, message, geometry_at);
    return assembler_begin_run(assembler, &frames, error);
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

/* ---- frames ---- */

static void stray(struct assembler *assembler, const struct mpx_message *message)
{
    counter_add(&assembler->stray_frames, message->kind == MPX_KIND_FRAME);
    counter_add(&assembler->stray_bytes, message->body_size);
}

static bool same_format(const struct assembler *assembler, const struct mpx_message *message,
                        size_t geometry_at)
{
    struct frame_look look;
    return frame_likeness_shows(&assembler->likeness, message, geometry_at) ||
           (read_look(assembler, message, &look, NULL) == 0 &&
            pixel_format_same(&look.format, &assembler->run->format));
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
        assembler_end_at_last(assembler);
    else
        assembler_end_run_when_quiet(assembler, RUN_END_LAST, LINGER_NS);
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
    if (exposure < assembler->base ||
        !assembler_change_run_at_pass(assembler, exposure - assembler->base)) {
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
        assembler_end_as_asked(assembler);
    } else if (!assembler->run) {
        return;
    } else if (assembler->quiet_end == RUN_END_LAST && quiet_ns >= assembler->quiet_ns) {
        assembler_end_at_last(assembler);
    } else if (assembler->hdr_fresh && quiet_ns >= HEADER_QUIET_NS) {
        assembler_end_run(assembler, RUN_END_NEXT_RUN);
        assembler->events.header(assembler->events.data);
    }
}
