#include "processing/run/stall_watch.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "processing/run/run.h"
#include "processing/run/stall_findings.h"
#include "processing/run/stall_lines.h"
#include "processing/run/stall_rhythm.h"

/* A look must not keep the service thread from others; there is another one soon. */
#define EXPOSURES_PER_LOOK 200000

/* All of it under the mutex; who looks at the frames may be the service or the writer thread. */
struct stall_watch {
    pthread_mutex_t mutex;
    bool begun, over;
    uint64_t next;   /* exposure to look at */
    uint64_t newest; /* one more than an exposure that has come */
    struct stall_lines lines;
    struct stall_rhythm rhythms[STALL_PLACES];
    uint64_t tick_ns; /* the clock's resolution, a power of ten */
    uint64_t before_index, before_timestamp_ns, before_exposure_ns;
    struct stall_findings findings;
};

struct stall_watch *stall_watch_create(void)
{
    struct stall_watch *const watch = calloc(1, sizeof *watch);
    if (!watch)
        return NULL;
    pthread_mutex_init(&watch->mutex, NULL);
    watch->tick_ns = NS_PER_S;
    return watch;
}

void stall_watch_destroy(struct stall_watch *watch)
{
    if (!watch)
        return;
    pthread_mutex_destroy(&watch->mutex);
    free(watch);
}

void stall_watch_summary(struct stall_watch *watch, struct stall_summary *summary)
{
    pthread_mutex_lock(&watch->mutex);
    *summary = watch->findings.summary;
    pthread_mutex_unlock(&watch->mutex);
}

size_t stall_watch_episodes(struct stall_watch *watch, uint64_t *from,
                            struct stall_episode *episodes, size_t n)
{
    pthread_mutex_lock(&watch->mutex);
    const size_t given = stall_findings_give(&watch->findings, from, episodes, n);
    pthread_mutex_unlock(&watch->mutex);
    return given;
}

/* ---- single frames ---- */

/* Learns what is usual at a place and judges the frames that taught it. */
static void learn(struct stall_watch *watch, struct run *run, enum stall_place place)
{
    struct stall_rhythm *const rhythm = &watch->rhythms[place];
    const struct stall_limits limits = stall_limits_of(&watch->lines, place);
    stall_rhythm_learn(rhythm);
    for (unsigned i = 0; i < rhythm->n; i++) {
        const struct stall_sample *const sample = &rhythm->samples[i];
        stall_findings_add(&watch->findings, &watch->lines, run, sample->frame_index,
                           stall_rhythm_judge(rhythm, &limits, sample, watch->tick_ns));
    }
}

static void judge(struct stall_watch *watch, struct run *run, const struct stall_sample *sample)
{
    const enum stall_place place = stall_lines_place(&watch->lines, sample->frame_index);
    if (place == STALL_PLACE_OUTSIDE)
        return;
    struct stall_rhythm *const rhythm = &watch->rhythms[place];
    if (rhythm->learned) {
        const struct stall_limits limits = stall_limits_of(&watch->lines, place);
        stall_findings_add(&watch->findings, &watch->lines, run, sample->frame_index,
                           stall_rhythm_judge(rhythm, &limits, sample, watch->tick_ns));
        return;
    }
    rhythm->samples[rhythm->n++] = *sample;
    if (rhythm->n == STALL_SAMPLES)
        learn(watch, run, place);
}

static void learn_clock(struct stall_watch *watch, uint64_t timestamp_ns)
{
    while (watch->tick_ns > 1 && timestamp_ns % watch->tick_ns != 0)
        watch->tick_ns /= 10;
}

static struct stall_sample sample_of(const struct stall_watch *watch, uint64_t index,
                                     uint64_t timestamp_ns, uint64_t exposure_ns)
{
    struct stall_sample sample = {.frame_index = index, .exposure_ns = exposure_ns};
    /* Wraps, and is too long, where the clock went back or a time is unknown. */
    const uint64_t period = timestamp_ns - watch->before_timestamp_ns;
    if (watch->before_index + 1 != index || period > STALL_TIME_MAX_NS)
        return sample;
    sample.follows = true;
    sample.period_ns = period;
    sample.dead_ns = (int64_t)period - (int64_t)watch->before_exposure_ns;
    return sample;
}

static void take(struct stall_watch *watch, struct run *run, uint64_t index,
                 const struct frame_facts *facts)
{
    const uint64_t timestamp_ns = facts->timestamp_ns;
    const uint64_t exposure_ns = facts->exposure_ns <= STALL_TIME_MAX_NS ? facts->exposure_ns : 0;
    const struct stall_sample sample = sample_of(watch, index, timestamp_ns, exposure_ns);
    if (timestamp_ns > 0)
        learn_clock(watch, timestamp_ns);
    watch->before_index = index;
    watch->before_timestamp_ns = timestamp_ns;
    watch->before_exposure_ns = exposure_ns;
    if (sample.exposure_ns > 0 || sample.follows)
        judge(watch, run, &sample);
}

/* ---- the walk through the table ---- */

static bool has_come(const struct run *run, uint64_t exposure)
{
    for (unsigned layer = 0; layer < run->n_layers; layer++) {
        if (!frame_table_seen(run->frames, exposure * run->n_layers + layer))
            return false;
    }
    return true;
}

/* Whether one that has not come will not come: later ones have, by more than the chunks that
 * workers have in hand. */
static bool is_missing(struct stall_watch *watch, const struct run *run, uint64_t exposure)
{
    const uint64_t later = exposure + 1 + (uint64_t)run->chunk_frames * (run->n_workers + 1);
    if (watch->over || watch->newest > later)
        return true;
    for (uint64_t end = frame_table_end(run->frames); end > later; end--) {
        if (has_come(run, end - 1)) {
            watch->newest = end;
            return true;
        }
    }
    return false;
}

static void walk(struct stall_watch *watch, struct run *run)
{
    const uint64_t end = frame_table_end(run->frames);
    const uint64_t stop = watch->over || end - watch->next < EXPOSURES_PER_LOOK
                              ? end
                              : watch->next + EXPOSURES_PER_LOOK;
    for (; watch->next < stop; watch->next++) {
        if (!has_come(run, watch->next) && !is_missing(watch, run, watch->next))
            break;
        const struct frame_facts *const facts =
            frame_table_seen(run->frames, watch->next * run->n_layers);
        if (facts)
            take(watch, run, watch->next, facts);
    }
}

/* Samples that have taught nothing yet were put where they are by lines that hold no more. */
static void judge_again(struct stall_watch *watch, struct run *run)
{
    struct stall_sample samples[STALL_PLACES * STALL_SAMPLES];
    unsigned n = 0;
    for (unsigned place = 0; place < STALL_PLACES; place++) {
        struct stall_rhythm *const rhythm = &watch->rhythms[place];
        if (rhythm->learned)
            continue;
        memcpy(&samples[n], rhythm->samples, rhythm->n * sizeof samples[0]);
        n += rhythm->n;
        rhythm->n = 0;
    }
    for (unsigned i = 0; i < n; i++)
        judge(watch, run, &samples[i]);
}

/* What was usual at a place is not so at another one; inside of lines and bursts it is. */
static void forget_places(struct stall_watch *watch)
{
    for (unsigned place = 0; place < STALL_PLACES; place++) {
        struct stall_rhythm *const rhythm = &watch->rhythms[place];
        if (rhythm->learned && (place == STALL_PLACE_FIRST || place == STALL_PLACE_LAST ||
                                place >= STALL_PLACE_FLYBACK))
            *rhythm = (struct stall_rhythm){0};
    }
}

static void follow_lines(struct stall_watch *watch, struct run *run)
{
    if (!watch->begun)
        stall_lines_init(&watch->lines, run);
    else if (stall_lines_follow(&watch->lines, run)) {
        forget_places(watch);
        judge_again(watch, run);
        if (!stall_lines_unknown(&watch->lines))
            stall_findings_release(&watch->findings, &watch->lines, run);
    }
    watch->begun = true;
}

/* Places that a short scan shows only a few times are judged by these, or by the inside of lines.
 */
static void judge_the_rest(struct stall_watch *watch, struct run *run)
{
    const struct stall_rhythm *const inner = &watch->rhythms[STALL_PLACE_INNER];
    for (unsigned place = 0; place < STALL_PLACES; place++) {
        struct stall_rhythm *const rhythm = &watch->rhythms[place];
        if (rhythm->learned)
            continue;
        if (rhythm->n >= 3) {
            learn(watch, run, (enum stall_place)place);
            continue;
        }
        const struct stall_limits limits =
            stall_limits_borrowed(&watch->lines, (enum stall_place)place);
        for (unsigned i = 0; i < rhythm->n; i++)
            stall_findings_add(
                &watch->findings, &watch->lines, run, rhythm->samples[i].frame_index,
                stall_rhythm_judge(inner, &limits, &rhythm->samples[i], watch->tick_ns));
    }
}

/* Every image has been handed over: what has not come is missing. */
static bool is_over(const struct run *run)
{
    return atomic_load_explicit(&run->pending, memory_order_acquire) == 0;
}

/* Lines are being found from the exposures: until then a long flyback frame looks like a stall.
 * When the run is finished none will be found any more. */
static bool waits_for_lines(const struct run *run)
{
    return run->plan->find_lines && run_scan(run)->ny == 0 &&
           atomic_load_explicit(&run->phase, memory_order_acquire) != RUN_FINISHED;
}

void run_check_stalls(struct run *run)
{
    struct stall_watch *const watch = run->stalls;
    if (!watch || run->recycle)
        return;
    pthread_mutex_lock(&watch->mutex);
    if (!watch->over) {
        watch->over = is_over(run) && !waits_for_lines(run);
        follow_lines(watch, run);
        walk(watch, run);
        if (watch->over) {
            judge_the_rest(watch, run);
            stall_findings_release(&watch->findings, &watch->lines, run);
        } else
            stall_findings_release_old(&watch->findings, &watch->lines, run, watch->next);
    }
    pthread_mutex_unlock(&watch->mutex);
}
