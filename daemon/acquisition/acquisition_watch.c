#include <stdlib.h>

#include "common/clock.h"
#include "common/counter.h"
#include "daemon/acquisition/acquisition_internal.h"
#include "daemon/acquisition/detector_status.h"

#define POLL_MS 100
#define POLLS_WHEN_IDLE 10
/* Frames may still be on their way when the detector is idle already; only a link that has been
 * quiet for so long says that none will come. */
#define IDLE_LINK_NS (500 * NS_PER_MS)
/* Before the first frame there is nothing to lose by waiting longer. */
#define IDLE_POLLS 15
/* By then ingest has read what the detector had sent before it was idle. */
#define IDLE_TURNS 3

/* Whether ingest had read all that was sent when the detector became idle, and has had time to say
 * so: on a machine that is too busy for ingest an idle detector means nothing. */
static bool ingest_was_there(struct acquisition *acquisition)
{
    const bool there = acquisition->last_turns >= acquisition->idle_turns + IDLE_TURNS;
    acquisition->last_turns = ingest_turns(pipeline_ingest(acquisition->pipeline));
    if (acquisition->idle_polls == 1)
        acquisition->idle_turns = acquisition->last_turns;
    return there && acquisition->idle_polls > 1;
}

static void on_detector_idle(struct acquisition *acquisition)
{
    acquisition->idle_polls++;
    const bool all_read = ingest_was_there(acquisition);
    if (acquisition_run_goes_on(acquisition)) {
        const uint64_t last = counter_read(&acquisition->run->last_frame_ns);
        if (acquisition->idle_polls >= 2 && uv_hrtime() > last + IDLE_LINK_NS)
            (void)ingest_end_run(pipeline_ingest(acquisition->pipeline), RUN_END_IDLE,
                                 IDLE_LINK_NS / 2);
        return;
    }
    /* A passive plan waits for somebody else to start, however long that takes. */
    if (acquisition->state == ACQUISITION_ARMED && acquisition->idle_polls >= IDLE_POLLS &&
        all_read && (!acquisition->plan || acquisition->plan->active)) {
        acquisition_give_up_plan(acquisition, "short", "detector_idle",
                                 "the detector went idle without sending a frame");
        acquisition_set_idle(acquisition);
    }
}

static void on_detector_error(struct acquisition *acquisition)
{
    if (acquisition_run_goes_on(acquisition))
        (void)ingest_end_run(pipeline_ingest(acquisition->pipeline), RUN_END_FAULT,
                             IDLE_LINK_NS / 2);
    acquisition_give_up_plan(acquisition, "short", "detector_error",
                             "the detector reported an error before the first frame");
    if (acquisition->state != ACQUISITION_FAULT)
        acquisition_set_state(
            acquisition, ACQUISITION_FAULT,
            "the detector reports an error (DETECTORSTATUS 3): \"merlinctl stop\" tries to clear "
            "it; often the Merlin program has to be restarted");
}

static void on_detector_status(void *data, const struct command_reply *reply)
{
    struct acquisition *const acquisition = data;
    acquisition->status_asked = false;
    if (reply->status < 0 || reply->code != COMMAND_CODE_OK)
        return;
    const long status = strtol(reply->value, NULL, 10);
    if (status != DETECTOR_IDLE)
        acquisition->idle_polls = 0;
    if (status == DETECTOR_ERROR)
        on_detector_error(acquisition);
    else if (acquisition->state == ACQUISITION_FAULT)
        acquisition_set_idle(acquisition);
    if (status == DETECTOR_IDLE)
        on_detector_idle(acquisition);
}

static void sample_rate(struct acquisition *acquisition)
{
    const uint64_t now = clock_monotonic_ns();
    if (!acquisition->run || now < acquisition->rate_time_ns + NS_PER_S / 2)
        return;
    const uint64_t received = counter_read(&acquisition->run->counts.received);
    acquisition->rate = (double)(received - acquisition->rate_received) * (double)NS_PER_S /
                        (double)(now - acquisition->rate_time_ns);
    acquisition->rate_received = received;
    acquisition->rate_time_ns = now;
}

/* Often while something is going on, now and then otherwise: a detector that fails between two runs
 * is told of too. */
static bool poll_due(struct acquisition *acquisition)
{
    acquisition->polls++;
    switch (acquisition->state) {
    case ACQUISITION_ARMED:
    case ACQUISITION_ACQUIRING:
        return true;
    case ACQUISITION_IDLE:
    case ACQUISITION_FAULT:
        return acquisition->polls % POLLS_WHEN_IDLE == 0;
    default:
        return false;
    }
}

static void watch_disk(struct acquisition *acquisition)
{
    struct run *const run = acquisition->run;
    if (run && !acquisition->drained_for_good &&
        atomic_load_explicit(&run->phase, memory_order_acquire) != RUN_FINISHED)
        disk_events_look(&acquisition->disk, &acquisition->observer, run,
                         pipeline_recorder(acquisition->pipeline));
}

/* Whether the workers or the disk are what is slow is seen in the buffers between them. */
static void watch_packing(struct acquisition *acquisition)
{
    struct ring_load ring;
    struct recorder_load load;
    struct run *const run = acquisition->run;
    if (!run || acquisition->drained_for_good ||
        atomic_load_explicit(&run->phase, memory_order_acquire) == RUN_FINISHED)
        return;
    ring_load(ingest_ring(pipeline_ingest(acquisition->pipeline)), &ring);
    recorder_load(pipeline_recorder(acquisition->pipeline), &load);
    pack_steps_look(&acquisition->packing, &acquisition->observer, run,
                    (double)ring.used / (double)ring.size, load.waiting * 2 > load.buffers,
                    acquisition->logbook);
}

void acquisition_watch_strays(struct acquisition *acquisition, bool end)
{
    struct ingest_figures figures;
    if (!acquisition->pipeline)
        return;
    ingest_figures(pipeline_ingest(acquisition->pipeline), &figures);
    stray_watch_look(&acquisition->strays, &acquisition->observer, figures.stray_frames, end);
}

static void on_poll(uv_timer_t *timer)
{
    struct acquisition *const acquisition = timer->data;
    link_log_look(&acquisition->data_log, clock_monotonic_ns());
    link_log_look(&acquisition->command_log, clock_monotonic_ns());
    sample_rate(acquisition);
    acquisition_recompute_watch(acquisition);
    acquisition_sweep_watch(acquisition);
    acquisition_find_lines(acquisition);
    if (acquisition->run)
        stall_events_look(&acquisition->stalls, &acquisition->observer, acquisition->run, false);
    acquisition_watch_strays(acquisition, false);
    watch_disk(acquisition);
    watch_packing(acquisition);
    if (!poll_due(acquisition) || acquisition->status_asked || !acquisition->command_connected)
        return;
    if (command_client_send(acquisition->client, COMMAND_GET, "DETECTORSTATUS", NULL,
                            on_detector_status, acquisition) == 0)
        acquisition->status_asked = true;
}

void acquisition_watch_start(struct acquisition *acquisition)
{
    uv_timer_start(&acquisition->poll, on_poll, POLL_MS, POLL_MS);
}

void acquisition_watch_new_run(struct acquisition *acquisition)
{
    acquisition->rate = 0;
    acquisition->rate_received = 0;
    acquisition->rate_time_ns = clock_monotonic_ns();
    acquisition->idle_polls = 0;
    acquisition->stalls = (struct stall_events){0};
    acquisition->disk = (struct disk_events){0};
    acquisition->packing = (struct pack_steps){0};
    if (acquisition->run->plan->recording.enabled && !acquisition->drained_for_good)
        recorder_watch_disk(pipeline_recorder(acquisition->pipeline),
                            acquisition->run->plan->recording.directory);
    acquisition->lines = (struct line_search){0};
}
