#include "processing/products/frame.h"

#include <stdlib.h>
#include <string.h>

/* Up to one pixel in so many with counts a list is better than the image (docs/kernels.md). */
#define SPARSE_PIXELS_PER_EVENT 8

/* After a frame of too many counts so many are not tried: the next ones are like it. */
#define DENSE_FRAMES 64

void frame_forms_init(struct frame_forms *forms, const struct pixel_format *format,
                      enum cpu_isa isa)
{
    const size_t n_pixels = (size_t)format->height * format->width;
    *forms = (struct frame_forms){
        .format = *format,
        .decode = frame_decoder(format, isa),
        .ready = format->packing == PACKING_INTEGERS && format->pixel_size == 1,
        .event_kernels = event_kernels_for(isa, format->pixel_size),
        .max_events = n_pixels / SPARSE_PIXELS_PER_EVENT,
    };
    const size_t room = forms->max_events + EVENTS_ROOM_MORE;
    forms->pixels = calloc(2 * room, sizeof *forms->pixels);
    forms->more = forms->pixels ? forms->pixels + room : NULL;
    (void)bit_order_init(&forms->order, format);
}

void frame_forms_finish(struct frame_forms *forms)
{
    free(forms->pixels);
    bit_order_finish(&forms->order);
    memset(forms, 0, sizeof *forms);
}

/* ---- events ---- */

static struct frame_events list_events(struct frame *frame)
{
    struct frame_forms *const forms = frame->forms;
    const uint8_t *const bits = frame_bits(frame);
    struct frame_events events = {.pixels = forms->pixels, .more = forms->more};
    if (bits) {
        events.n =
            forms->event_kernels->list_bits(forms->pixels, bits, &forms->order, forms->max_events);
        return events;
    }
    events.image = frame_image(frame);
    events.n = forms->event_kernels->list(forms->pixels, forms->more, &events.n_more, events.image,
                                          (size_t)forms->format.height * forms->format.width,
                                          forms->max_events);
    return events;
}

static void find_events(struct frame *frame)
{
    struct frame_forms *const forms = frame->forms;
    frame->events_state = EVENTS_TOO_MANY;
    if (forms->dense_frames > 0) {
        forms->dense_frames--;
        return;
    }
    const struct frame_events events = list_events(frame);
    if (events.n + events.n_more > forms->max_events) {
        forms->dense_frames = DENSE_FRAMES;
        return;
    }
    frame->events_state = EVENTS_LISTED;
    frame->events = events;
}

const struct frame_events *frame_events(struct frame *frame)
{
    if (frame->events_state == EVENTS_UNKNOWN && frame->forms && frame->forms->pixels)
        find_events(frame);
    return frame->events_state == EVENTS_LISTED ? &frame->events : NULL;
}

/* ---- weighted sums ---- */

static void weigh(struct frame *frame, unsigned group)
{
    const struct weight_bank *const bank = frame->shared->bank;
    const int16_t *const table = bank->groups[group].table;
    const struct frame_events *const events = frame_events(frame);
    if (events)
        bank->kernels->events(table, events, frame->weighted_sums[group]);
    else
        bank->kernels->images(table, &(const void *){frame_image(frame)}, 1, bank->n_pixels,
                              &frame->weighted_sums[group]);
    frame->weighed |= UINT32_C(1) << group;
}

static int lane_of(const struct weight_group *group, const struct mask_weights *mask)
{
    for (int lane = 0; lane < WEIGHT_LANES; lane++) {
        if (group->masks[lane] == mask)
            return lane;
    }
    return -1;
}

bool frame_weighted_sum(struct frame *frame, const struct mask_weights *mask, int64_t *sum)
{
    const struct weight_bank *const bank = frame->shared ? frame->shared->bank : NULL;
    for (unsigned group = 0; bank && group < bank->n_groups; group++) {
        const int lane = lane_of(&bank->groups[group], mask);
        if (lane < 0)
            continue;
        if (!(frame->weighed >> group & 1))
            weigh(frame, group);
        *sum = frame->weighted_sums[group][lane];
        return true;
    }
    return false;
}

static void weigh_all(struct frame *frames, unsigned n, unsigned group)
{
    const struct weight_bank *const bank = frames[0].shared->bank;
    const void *images[WEIGHT_IMAGES] = {NULL};
    int64_t sums[WEIGHT_IMAGES][WEIGHT_LANES];
    for (unsigned i = 0; i < n; i++)
        images[i] = frame_image(&frames[i]);
    bank->kernels->images(bank->groups[group].table, images, n, bank->n_pixels, sums);
    for (unsigned i = 0; i < n; i++) {
        memcpy(frames[i].weighted_sums[group], sums[i], sizeof sums[i]);
        frames[i].weighed |= UINT32_C(1) << group;
    }
}

unsigned frames_at_once(const struct frame_forms *forms, const struct shared_work *shared)
{
    return shared && shared->bank && forms->dense_frames > 0 ? WEIGHT_IMAGES : 1;
}

void frames_weigh_ahead(struct frame *frames, unsigned n)
{
    struct frame_forms *const forms = frames[0].forms;
    if (n < 2 || !forms || frames_at_once(forms, frames[0].shared) < n)
        return;
    forms->dense_frames -= forms->dense_frames < n ? forms->dense_frames : n;
    for (unsigned i = 0; i < n; i++)
        frames[i].events_state = EVENTS_TOO_MANY;
    for (unsigned group = 0; group < frames[0].shared->bank->n_groups; group++)
        weigh_all(frames, n, group);
}

/* ---- rings ---- */

/* `squares` NULL: only counts. */
static void sum_rings(struct frame *frame, const struct radial_plan *plan,
                      const struct radial_kernels *kernels, uint32_t pixel_size, uint64_t *counts,
                      uint64_t *squares)
{
    const struct frame_events *const events = frame_events(frame);
    if (events)
        events_rings(events, pixel_size, plan->bins->bin_of, plan->bins->n_bins, counts, squares);
    else if (squares)
        kernels->squares(plan, frame_image(frame), counts, squares);
    else
        kernels->counts(plan, frame_image(frame), counts);
}

struct frame_rings frame_rings(struct frame *frame, const struct radial_plan *plan,
                               const struct radial_kernels *kernels, uint32_t pixel_size,
                               uint64_t *counts, uint64_t *squares)
{
    struct frame_forms *const forms = frame->forms;
    if (!forms || !frame->shared || !shared_work_has_rings(frame->shared, plan)) {
        sum_rings(frame, plan, kernels, pixel_size, counts, squares);
        return (struct frame_rings){counts, squares};
    }
    if (!frame->rings_summed)
        sum_rings(frame, frame->shared->plan, kernels, pixel_size, forms->ring_counts,
                  forms->ring_squares);
    frame->rings_summed = true;
    return (struct frame_rings){forms->ring_counts, forms->ring_squares};
}
