#include "daemon/acquisition/stall_events.h"

#include <inttypes.h>
#include <stdio.h>

#include "common/clock.h"
#include "daemon/event.h"
#include "processing/run/run.h"

#define TOLD_PER_SECOND 5
#define BATCH 64

/* Frames are told by their numbers, from 1. */
static void describe_place(const struct stall_events *events, char *text, size_t size)
{
    const struct stall_episode *const episode = &events->waiting;
    if (events->untold > 1)
        snprintf(text, size,
                 "at frame %" PRIu64 " and %" PRIu64 " more time%s up to frame %" PRIu64,
                 episode->first + 1, events->untold - 1, events->untold > 2 ? "s" : "",
                 episode->last + 1);
    else if (episode->last > episode->first)
        snprintf(text, size, "at frames %" PRIu64 " to %" PRIu64, episode->first + 1,
                 episode->last + 1);
    else
        snprintf(text, size, "at frame %" PRIu64, episode->first + 1);
}

static void describe_shift(const struct run *run, char *text, size_t size)
{
    struct stall_summary summary;
    stall_watch_summary(run->stalls, &summary);
    text[0] = '\0';
    if (summary.shifted)
        snprintf(text, size, "; scan positions may be shifted from frame %" PRIu64,
                 summary.shifted_from + 1);
}

static void tell(struct stall_events *events, const struct acquisition_observer *observer,
                 const struct run *run)
{
    char place[100], shift[100];
    const double held_up_s = (double)events->waiting.held_up_ns / (double)NS_PER_S;
    describe_place(events, place, sizeof place);
    describe_shift(run, shift, sizeof shift);
    json_t *const more =
        json_pack("{s:I, s:I, s:f}", "first", (json_int_t)events->waiting.first + 1, "last",
                  (json_int_t)events->waiting.last + 1, "held_up_s", held_up_s);
    event_publish(observer, "stall", run, more, "the detector was held up for %.3g s %s%s",
                  held_up_s, place, shift);
    events->told++;
    events->untold = 0;
}

static bool may_tell(struct stall_events *events)
{
    const uint64_t now = clock_monotonic_ns();
    if (now >= events->second_ns + NS_PER_S) {
        events->second_ns = now;
        events->told = 0;
    }
    return events->told < TOLD_PER_SECOND;
}

static void add(struct stall_events *events, const struct stall_episode *episode)
{
    struct stall_episode *const waiting = &events->waiting;
    if (events->untold++ == 0) {
        *waiting = *episode;
        return;
    }
    if (episode->last > waiting->last)
        waiting->last = episode->last;
    waiting->held_up_ns += episode->held_up_ns;
}

/* Episodes that were overwritten before anybody asked for them: only their number is known. */
static void add_forgotten(struct stall_events *events, uint64_t n, const struct stall_episode *next)
{
    const struct stall_episode unknown = {.first = next->first, .last = next->first};
    if (n == 0)
        return;
    add(events, &unknown);
    events->untold += n - 1;
}

void stall_events_look(struct stall_events *events, const struct acquisition_observer *observer,
                       struct run *run, bool end)
{
    struct stall_episode episodes[BATCH];
    size_t n;
    if (!run->stalls || run->recycle)
        return;
    run_check_stalls(run);
    /* What was kept back comes first, together. */
    if (events->untold > 0 && may_tell(events))
        tell(events, observer, run);
    do {
        uint64_t from = events->next;
        n = stall_watch_episodes(run->stalls, &from, episodes, BATCH);
        if (n > 0)
            add_forgotten(events, from - events->next, &episodes[0]);
        for (size_t i = 0; i < n; i++) {
            add(events, &episodes[i]);
            if (may_tell(events))
                tell(events, observer, run);
        }
        events->next = from + n;
    } while (n == BATCH);
    if (end && events->untold > 0)
        tell(events, observer, run);
}
