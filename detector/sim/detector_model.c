#include "detector/sim/detector_model.h"

#include <string.h>

static uint64_t smaller(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

void detector_model_init(struct detector_model *model, const struct detector_timing *timing,
                         uint64_t total, uint64_t buffer)
{
    memset(model, 0, sizeof *model);
    model->timing = *timing;
    model->total = total;
    model->buffer = timing->paced ? buffer : 0;
    model->release_at_ns = DETECTOR_NEVER;
    timeline_init(&model->timeline);
}

void detector_model_stall(struct detector_model *model, uint64_t index, uint64_t ns)
{
    model->stall_at = index;
    model->stall_ns = ns;
}

void detector_model_finish(struct detector_model *model)
{
    timeline_finish(&model->timeline);
}

static void begin_segment(struct detector_model *model, uint64_t start_ns, uint64_t stretch_ns)
{
    const struct timeline_segment segment = {
        .first = model->produced, .start_ns = start_ns, .stretch_ns = stretch_ns};
    model->next_start_ns = start_ns;
    model->next_stretch_ns = stretch_ns;
    if (timeline_add(&model->timeline, segment) < 0)
        model->failed = true;
}

void detector_model_release(struct detector_model *model, uint64_t now_ns, uint64_t frames)
{
    frames = smaller(frames, model->total - model->released);
    if (frames > 0 && model->released == model->produced) {
        const bool late = model->next_start_ns > now_ns;
        begin_segment(model, late ? model->next_start_ns : now_ns, 0);
    }
    model->released += frames;
}

/* Frames whose exposure has ended by now, were there no limit to their number. */
static uint64_t frames_complete(const struct detector_model *model, uint64_t now_ns)
{
    const uint64_t period = model->timing.period_ns;
    const uint64_t first_end = model->next_start_ns + period + model->next_stretch_ns;
    return now_ns < first_end ? 0 : 1 + (now_ns - first_end) / period;
}

static void produce(struct detector_model *model, uint64_t frames)
{
    if (frames == 0)
        return;
    if (model->next_stretch_ns > 0)
        model->lengthened++;
    model->next_start_ns += frames * model->timing.period_ns + model->next_stretch_ns;
    model->next_stretch_ns = 0;
    model->produced += frames;
}

/* `frames`, or as many as come before a stall that is ahead. */
static uint64_t up_to_stall(const struct detector_model *model, uint64_t frames)
{
    return model->stall_ns ? smaller(frames, model->stall_at - model->produced) : frames;
}

/* The lost time goes into the frame that follows the pause, or into the gap before it. */
static void begin_after_pause(struct detector_model *model, uint64_t lost_ns)
{
    if (model->timing.continuous)
        begin_segment(model, model->next_start_ns, lost_ns);
    else
        begin_segment(model, model->next_start_ns + lost_ns, 0);
}

/* The next frame is the one before which there is a stall. Returns whether there was. */
static bool pass_stall(struct detector_model *model)
{
    if (!model->stall_ns || model->produced != model->stall_at ||
        model->released == model->produced)
        return false;
    begin_after_pause(model, model->stall_ns);
    model->stall_ns = 0;
    model->stalls++;
    return true;
}

static void produce_unpaced(struct detector_model *model)
{
    pass_stall(model);
    const uint64_t before = up_to_stall(model, model->released - model->produced);
    if (before < model->released - model->produced) {
        produce(model, before);
        pass_stall(model);
    }
    if (model->next_stretch_ns)
        produce(model, 1);
    const uint64_t frames = model->released - model->produced;
    if (frames < DETECTOR_ENDLESS / model->timing.period_ns / 2)
        model->next_start_ns += frames * model->timing.period_ns;
    model->produced = model->released;
}

/* The buffer is full and there is more to come. */
static void pause_if_full(struct detector_model *model)
{
    if (model->produced - model->sent < model->buffer || model->released == model->produced)
        return;
    model->paused = true;
    model->paused_at_ns = model->next_start_ns;
    model->stalls++;
}

void detector_model_advance(struct detector_model *model, uint64_t now_ns)
{
    if (now_ns >= model->release_at_ns) {
        const uint64_t at_ns = model->release_at_ns;
        model->release_at_ns = DETECTOR_NEVER;
        detector_model_release(model, at_ns, DETECTOR_ENDLESS);
    }
    if (!model->timing.paced) {
        produce_unpaced(model);
        return;
    }
    if (model->paused || model->released == model->produced)
        return;
    pass_stall(model);
    uint64_t frames = smaller(frames_complete(model, now_ns), model->released - model->produced);
    frames = up_to_stall(model, frames);
    if (model->buffer)
        frames = smaller(frames, model->buffer - (model->produced - model->sent));
    produce(model, frames);
    if (model->buffer)
        pause_if_full(model);
}

static void resume(struct detector_model *model, uint64_t now_ns)
{
    const uint64_t lost_ns = now_ns > model->paused_at_ns ? now_ns - model->paused_at_ns : 0;
    model->paused = false;
    begin_after_pause(model, lost_ns);
}

void detector_model_sent(struct detector_model *model, uint64_t now_ns, uint64_t frames)
{
    model->sent += frames;
    if (model->taken < model->sent)
        model->taken = model->sent;
    if (model->paused && model->produced - model->sent <= model->buffer / 10)
        resume(model, now_ns);
}

bool detector_model_take(struct detector_model *model, uint64_t *index, uint64_t *start_ns,
                         uint64_t *exposure_ns)
{
    if (model->taken == model->produced)
        return false;
    uint64_t stretch_ns;
    *index = model->taken++;
    timeline_frame(&model->timeline, *index, model->timing.period_ns, start_ns, &stretch_ns);
    *exposure_ns = model->timing.exposure_ns + stretch_ns;
    return true;
}

uint64_t detector_model_next_due(const struct detector_model *model)
{
    if (model->release_at_ns != DETECTOR_NEVER)
        return model->release_at_ns;
    if (model->paused || model->released == model->produced)
        return DETECTOR_NEVER;
    return model->next_start_ns + model->timing.period_ns + model->next_stretch_ns;
}

static void end_at(struct detector_model *model, uint64_t frames)
{
    model->total = model->released = model->produced = frames;
    model->release_at_ns = DETECTOR_NEVER;
    model->paused = false;
}

void detector_model_stop(struct detector_model *model)
{
    end_at(model, model->timing.paced ? model->produced : model->taken);
}

void detector_model_abort(struct detector_model *model)
{
    end_at(model, model->taken);
}

bool detector_model_finished(const struct detector_model *model)
{
    return model->sent == model->total;
}

bool detector_model_armed(const struct detector_model *model)
{
    return model->sent == model->released && model->released < model->total;
}
