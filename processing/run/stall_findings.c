#include "processing/run/stall_findings.h"

#include "common/counter.h"
#include "processing/run/run.h"

/* Odd frames make lines when so many follow each other at one distance. */
#define RECURRENCES 4
#define HELD_FRAMES 16384

static void mark(struct run *run, uint64_t exposure)
{
    for (unsigned layer = 0; layer < run->n_layers; layer++) {
        const uint64_t row = exposure * run->n_layers + layer;
        if (!frame_table_seen(run->frames, row))
            continue;
        struct frame_facts *const facts = frame_table_make(run->frames, row);
        atomic_fetch_or_explicit(&facts->flags, FRAME_FLAG_STALLED, memory_order_relaxed);
        counter_add(&run->counts.stalled, 1);
    }
}

static void add_episode(struct stall_findings *findings, uint64_t frame_index, uint64_t held_up_ns)
{
    struct stall_episode *const newest =
        &findings->episodes[(findings->summary.episodes + STALL_EPISODES - 1) % STALL_EPISODES];
    if (findings->summary.episodes > findings->n_given && newest->last + 1 == frame_index) {
        newest->last = frame_index;
        newest->held_up_ns += held_up_ns;
        return;
    }
    findings->episodes[findings->summary.episodes++ % STALL_EPISODES] =
        (struct stall_episode){frame_index, frame_index, held_up_ns};
}

static void report(struct stall_findings *findings, const struct stall_lines *lines,
                   struct run *run, uint64_t frame_index, uint64_t held_up_ns)
{
    struct stall_summary *const summary = &findings->summary;
    uint64_t from;
    mark(run, frame_index);
    add_episode(findings, frame_index, held_up_ns);
    summary->held_up_ns += held_up_ns;
    if (!stall_lines_shifted(lines, run, frame_index, &from))
        return;
    if (!summary->shifted || from < summary->shifted_from)
        summary->shifted_from = from;
    summary->shifted = true;
}

/* ---- odd frames of a run whose lines are unknown ---- */

void stall_findings_release(struct stall_findings *findings, const struct stall_lines *lines,
                            struct run *run)
{
    for (unsigned i = 0; i < findings->n_held; i++) {
        const struct stall_episode *const held = &findings->held[i];
        const uint64_t frames = held->last - held->first + 1;
        for (uint64_t frame = held->first; frame <= held->last; frame++) {
            if (stall_lines_place(lines, frame) == STALL_PLACE_INNER)
                report(findings, lines, run, frame, held->held_up_ns / frames);
        }
    }
    findings->n_held = 0;
}

/* The newest odd frames follow each other at one distance: it is that of lines. */
static bool find_recurrence(const struct stall_findings *findings, struct stall_lines *lines)
{
    if (findings->n_held < RECURRENCES)
        return false;
    const struct stall_episode *const held = &findings->held[findings->n_held - RECURRENCES];
    const uint64_t length = held[1].first - held[0].first;
    uint64_t longest = 1;
    for (unsigned i = 1; i < RECURRENCES; i++) {
        if (held[i].first - held[i - 1].first != length)
            return false;
        const uint64_t frames = held[i - 1].last - held[i - 1].first + 1;
        longest = frames > longest ? frames : longest;
    }
    lines->found_length = length;
    lines->found_first = held[0].first % length;
    lines->found_n = longest;
    return true;
}

static void hold(struct stall_findings *findings, struct stall_lines *lines, struct run *run,
                 uint64_t frame_index, uint64_t held_up_ns)
{
    if (findings->n_held > 0) {
        struct stall_episode *const newest = &findings->held[findings->n_held - 1];
        if (newest->last + 1 == frame_index) {
            newest->last = frame_index;
            newest->held_up_ns += held_up_ns;
            return;
        }
    }
    findings->held[findings->n_held++] =
        (struct stall_episode){frame_index, frame_index, held_up_ns};
    if (find_recurrence(findings, lines) || findings->n_held == STALL_HELD)
        stall_findings_release(findings, lines, run);
}

void stall_findings_release_old(struct stall_findings *findings, const struct stall_lines *lines,
                                struct run *run, uint64_t next)
{
    if (findings->n_held > 0 && next > findings->held[0].first + HELD_FRAMES)
        stall_findings_release(findings, lines, run);
}

void stall_findings_add(struct stall_findings *findings, struct stall_lines *lines, struct run *run,
                        uint64_t frame_index, uint64_t held_up_ns)
{
    if (held_up_ns == 0)
        return;
    if (stall_lines_unknown(lines))
        hold(findings, lines, run, frame_index, held_up_ns);
    else
        report(findings, lines, run, frame_index, held_up_ns);
}

/* ---- telling them ---- */

size_t stall_findings_give(struct stall_findings *findings, uint64_t *from,
                           struct stall_episode *episodes, size_t n)
{
    const uint64_t end = findings->summary.episodes;
    size_t given = 0;
    if (end > STALL_EPISODES && *from < end - STALL_EPISODES)
        *from = end - STALL_EPISODES;
    for (; given < n && *from + given < end; given++)
        episodes[given] = findings->episodes[(*from + given) % STALL_EPISODES];
    if (*from + given > findings->n_given)
        findings->n_given = *from + given;
    return given;
}
