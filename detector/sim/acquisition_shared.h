#pragma once

#include <pthread.h>

#include "detector/sim/acquisition.h"
#include "detector/sim/clock_text.h"
#include "detector/sim/detector_model.h"
#include "detector/sim/disturbance.h"
#include "detector/sim/outbox.h"

/*
 * What the command thread (acquisition.c) and the sender thread (sender.c) share.
 *
 * `lock` guards the middle part. Neither thread holds it across a system call that can wait; the
 * sender writes to the socket without it. `ended` is signalled when an acquisition is over.
 * `wake_fd` wakes the sender out of poll, `notify_fd` the command thread. The last part is the
 * sender's alone.
 */
struct acquisition {
    const struct frame_source *source;
    const struct options *options;
    int data_listener;
    int wake_fd, notify_fd;
    pthread_t thread;

    pthread_mutex_t lock;
    pthread_cond_t ended;
    bool quit;
    bool active;
    bool begun;     /* started, and the sender has not seen it yet */
    bool aborted;   /* aborted, and the sender has not seen it yet */
    bool drop_link; /* RESET, and the sender has not seen it yet */
    bool attached;  /* written by the sender only */
    bool unsent;    /* written by the sender only: part of a message waits for room in the socket */
    bool draining, drained;
    bool report_waits;
    struct acquisition_report report;
    struct run_plan plan;
    struct detector_model model;
    uint64_t gates;          /* soft triggers of a multi-gate frame so far */
    int64_t real_minus_mono; /* ns, clocks at the start of the acquisition */
    struct disturbance disturbance;

    int link; /* data socket, -1: none */
    bool look_at_link;
    bool hdr_due;
    struct outbox outbox;
    bool outbox_has_frames; /* those of the running acquisition, to be counted */
    uint8_t *heads;         /* prefix and header of each frame in the outbox */
    size_t head_stride, heads_used;
    size_t batch; /* messages written together */
    uint8_t *hdr_message;
    uint64_t hdr_message_run; /* whose it is */
    struct clock_text clock;
    bool warned_no_room;
};

/* The sender's thread function; `data` is the struct acquisition. */
void *sender_run(void *data);
