#include "detector/sim/frame_messages.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "detector/mpx.h"
#include "detector/sim/acquisition_shared.h"

void frame_messages_clear(struct acquisition *acquisition)
{
    outbox_clear(&acquisition->outbox);
    acquisition->heads_used = 0;
}

static bool make_hdr_message(struct acquisition *acquisition)
{
    const struct run_plan *plan = &acquisition->plan;
    uint8_t *message = realloc(acquisition->hdr_message, MPX_PREFIX_SIZE + plan->hdr_size);
    if (!message)
        return false;
    acquisition->hdr_message = message;
    acquisition->hdr_message_run = acquisition->disturbance.run;
    mpx_write_prefix((char *)message, plan->hdr_size);
    memcpy(message + MPX_PREFIX_SIZE, plan->hdr, plan->hdr_size);
    return true;
}

void frame_messages_add_hdr(struct acquisition *acquisition)
{
    const struct run_plan *plan = &acquisition->plan;
    const bool made =
        acquisition->hdr_message && acquisition->hdr_message_run == acquisition->disturbance.run;
    if (!plan->hdr)
        return;
    if (!made && !make_hdr_message(acquisition)) {
        fprintf(stderr, "merlin-sim: no memory for the acquisition header; it is not sent\n");
        return;
    }
    outbox_add(&acquisition->outbox, acquisition->hdr_message, MPX_PREFIX_SIZE + plan->hdr_size,
               NULL, 0, false);
}

static void write_header(struct acquisition *acquisition, uint8_t *out,
                         const struct source_frame *frame, const struct mq1_stamp *stamp)
{
    if (!acquisition->plan.rewrite) {
        memcpy(out, frame->header, frame->header_size);
        return;
    }
    if (!mq1_header_rewrite(out, frame->header, frame->header_size, frame->layout, stamp,
                            &acquisition->clock) &&
        !acquisition->warned_no_room) {
        acquisition->warned_no_room = true;
        fprintf(stderr,
                "merlin-sim: the header of frame %llu has no room for new times; such headers are "
                "sent as they are\n",
                (unsigned long long)stamp->number);
    }
}

void frame_messages_add(struct acquisition *acquisition, uint64_t index, uint64_t start_ns,
                        uint64_t exposure_ns, bool ends_exposure)
{
    const unsigned layers = acquisition->source->layers;
    uint64_t longer_ns = 0, later_ns = 0;
    if (acquisition->source->stretch)
        acquisition->source->stretch(acquisition->source, index, exposure_ns, &longer_ns,
                                     &later_ns);
    struct mq1_stamp stamp = {
        .number =
            acquisition->disturbance.active ? disturbance_number(acquisition, index) : index + 1,
        .time_ns = start_ns + later_ns + (uint64_t)acquisition->real_minus_mono,
        .exposure_ns = exposure_ns + longer_ns,
        .counter_given = acquisition->plan.alternating,
        .counter = index % 2};
    for (unsigned layer = 0; layer < layers; layer++) {
        struct source_frame frame;
        uint8_t *head = acquisition->heads + acquisition->heads_used++ * acquisition->head_stride;
        if (layers > 1 && acquisition->options->number_layers)
            stamp.number = index * layers + layer + 1;
        acquisition->source->frame(acquisition->source, index * layers + layer, &frame);
        mpx_write_prefix((char *)head, frame.header_size + frame.pixels_size);
        write_header(acquisition, head + MPX_PREFIX_SIZE, &frame, &stamp);
        outbox_add(&acquisition->outbox, head, MPX_PREFIX_SIZE + frame.header_size, frame.pixels,
                   frame.pixels_size, ends_exposure && layer == layers - 1);
    }
}

void frame_messages_fill(struct acquisition *acquisition)
{
    uint64_t index, start_ns, exposure_ns;
    while (acquisition->outbox.count + acquisition->source->layers <= acquisition->batch &&
           detector_model_take(&acquisition->model, &index, &start_ns, &exposure_ns))
        frame_messages_add(acquisition, index, start_ns, exposure_ns, true);
}
