#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "frames.h"
#include "processing/run/run.h"

/* Runs of which only the times of frames matter, for tests of what is found to be held up. */

#define MS UINT64_C(1000000)
#define EPOCH (UINT64_C(1600000000) * 1000 * MS + 123456789)

/* A detector whose frames go straight into the table of a run: only their times matter. */
struct detector {
    struct run *run;
    uint64_t clock_ns;    /* when the next exposure begins */
    uint64_t exposure_ns; /* nominal */
    uint64_t dead_ns;     /* between two exposures; 0: continuous */
    uint64_t next;        /* index of the next frame */
    uint64_t seed;
};

struct setting {
    const char *trigger; /* Trigger Start of the HDR; NULL: there is none */
    uint64_t frames, frames_per_trigger;
    struct scan_geometry scan;
    bool find_lines, unending;
    unsigned n_layers;
    const char *counters; /* Active Counters of the HDR */
};

static inline struct run *run_with(const struct setting *setting)
{
    struct acquisition_plan *const plan = acquisition_plan_create(0);
    const struct pixel_format format = frame_format(64, 64, 1);
    char hdr[500];
    snprintf(hdr, sizeof hdr,
             "HDR,\t\r\nFrames in Acquisition (Number):\t%" PRIu64 "\r\n"
             "Frames per Trigger (Number):\t%" PRIu64 "\r\n"
             "Trigger Start (Positive, Negative, Internal):\t%s\r\n%s%s\r\nEnd\t",
             setting->frames, setting->frames_per_trigger, setting->trigger,
             setting->counters ? "Active Counters:\t" : "",
             setting->counters ? setting->counters : "");
    const struct run_frames frames = {
        .format = &format,
        .n_layers = setting->n_layers ? setting->n_layers : 1,
        .hdr = setting->trigger ? (const uint8_t *)hdr : NULL,
        .hdr_size = strlen(hdr),
    };
    plan->scan = setting->scan;
    plan->find_lines = setting->find_lines;
    plan->unending = setting->unending;
    struct run *run = NULL;
    struct error error;
    assert_int_equal(run_create(&run, plan, &frames, 1, &error), 0);
    acquisition_plan_unref(plan);
    return run;
}

static inline struct detector detector_with(const struct setting *setting, uint64_t exposure_ns,
                                            uint64_t dead_ns)
{
    return (struct detector){
        .run = run_with(setting),
        .clock_ns = EPOCH,
        .exposure_ns = exposure_ns,
        .dead_ns = dead_ns,
    };
}

static inline void put_layer(struct run *run, uint64_t index, unsigned layer, uint64_t timestamp_ns,
                             uint64_t exposure_ns)
{
    struct frame_facts *const facts = frame_table_make(run->frames, index * run->n_layers + layer);
    facts->number = index + 1;
    facts->timestamp_ns = timestamp_ns;
    facts->exposure_ns = exposure_ns;
    atomic_store(&facts->state, FRAME_ANALYSED);
    frame_table_raise_end(run->frames, index + 1);
}

static inline void put(struct run *run, uint64_t index, uint64_t timestamp_ns, uint64_t exposure_ns)
{
    for (unsigned layer = 0; layer < run->n_layers; layer++)
        put_layer(run, index, layer, timestamp_ns, exposure_ns);
}

static inline void expose(struct detector *detector, uint64_t exposure_ns)
{
    put(detector->run, detector->next++, detector->clock_ns, exposure_ns);
    detector->clock_ns += exposure_ns + detector->dead_ns;
}

static inline void expose_many(struct detector *detector, uint64_t n)
{
    while (n-- > 0)
        expose(detector, detector->exposure_ns);
}

static inline void pause_for(struct detector *detector, uint64_t ns)
{
    detector->clock_ns += ns;
}

/* A frame is lost on its way: its row stays empty. */
static inline void lose(struct detector *detector, uint64_t n)
{
    detector->next += n;
    detector->clock_ns += n * (detector->exposure_ns + detector->dead_ns);
}

/* A number in -1..1 from a triangular distribution. */
static inline double jitter(struct detector *detector)
{
    const double a = (double)(frame_random(&detector->seed) >> 11) / (double)(1ull << 53);
    const double b = (double)(frame_random(&detector->seed) >> 11) / (double)(1ull << 53);
    return a + b - 1;
}

static inline void end(struct run *run)
{
    atomic_store(&run->pending, 0);
    run_check_stalls(run);
}

static inline struct stall_summary summary_of(struct run *run)
{
    struct stall_summary summary;
    stall_watch_summary(run->stalls, &summary);
    return summary;
}

/* Ends the run; exactly these frames are marked and told. */
static inline void assert_stalled_and_finish(struct detector *detector, unsigned n,
                                             const uint64_t *frames)
{
    struct run *const run = detector->run;
    end(run);
    unsigned marked = 0;
    for (uint64_t i = 0; i < frame_table_end(run->frames); i++) {
        const struct frame_facts *const facts = frame_table_look(run->frames, i * run->n_layers);
        if (!facts || !(atomic_load(&facts->flags) & FRAME_FLAG_STALLED))
            continue;
        if (marked >= n || frames[marked] != i)
            fail_msg("frame %" PRIu64 " is marked as held up", i);
        marked++;
    }
    assert_int_equal(marked, n);
    assert_int_equal(atomic_load(&run->counts.stalled), n * run->n_layers);
    assert_true((summary_of(run).episodes > 0) == (n > 0));
    run_unref(run);
}

#define assert_stalls(detector, ...)                                                               \
    assert_stalled_and_finish(detector, sizeof((uint64_t[]){__VA_ARGS__}) / sizeof(uint64_t),      \
                              (const uint64_t[]){__VA_ARGS__})

static inline void assert_calm(struct detector *detector)
{
    const struct stall_summary before = summary_of(detector->run);
    assert_int_equal(before.episodes, 0);
    assert_false(before.shifted);
    assert_stalled_and_finish(detector, 0, NULL);
}
