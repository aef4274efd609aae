#include "daemon/acquisition/disk_events.h"

#include <stdio.h>
#include <string.h>

#include "common/clock.h"
#include "daemon/event.h"

#define GB 1e9
#define MB 1e6
/* The writer is told to be behind from here on, and to have caught up below the second. The ring
 * takes up what it cannot: seconds at full speed. */
#define SLOW_S 0.5
#define CAUGHT_UP_S 0.1
/* A disk is told to be silent after this time. */
#define SILENT_S 3.0
/* A forecast that has changed its mind is believed with this much to spare. */
#define ENOUGH 0.9

struct looked_at {
    const struct acquisition_observer *observer;
    const struct run *run;
    struct recorder_load load;
    struct disk_view disk;
    struct disk_outlook outlook;
};

static json_t *facts(const struct looked_at *at, const char *what)
{
    json_t *const disk = disk_outlook_json(&at->outlook);
    json_object_set_new(disk, "what", json_string(what));
    json_object_set_new(disk, "bytes_waiting", json_integer((json_int_t)at->load.bytes_waiting));
    json_object_set_new(disk, "behind_s", json_real(at->load.behind_s));
    return json_pack("{s:o}", "disk", disk);
}

static void look_at_room(struct disk_events *events, const struct looked_at *at)
{
    const struct disk_outlook *const outlook = &at->outlook;
    if (!outlook->known || at->disk.error_number)
        return;
    if (!outlook->suffices && !events->told_short) {
        events->told_short = true;
        event_publish(
            at->observer, "disk", at->run, facts(at, "short"),
            "the disk will not suffice: %.3g GB are to come and %.3g GB are free, full in "
            "%.2g minutes; free space there, or the recording will be cut short",
            (double)outlook->bytes_to_come / GB, (double)outlook->bytes_free / GB,
            outlook->minutes_left);
    } else if (events->told_short &&
               (double)outlook->bytes_to_come <= ENOUGH * (double)outlook->bytes_free) {
        events->told_short = false;
        event_publish(at->observer, "disk", at->run, facts(at, "enough"),
                      "the disk will suffice now: %.3g GB are to come and %.3g GB are free",
                      (double)outlook->bytes_to_come / GB, (double)outlook->bytes_free / GB);
    }
}

static void look_at_writer(struct disk_events *events, const struct looked_at *at)
{
    const struct recorder_load *const load = &at->load;
    const bool crowded = load->waiting * 4 >= load->buffers * 3;
    if (!events->told_slow && load->behind_s >= SLOW_S) {
        events->told_slow = true;
        event_publish(at->observer, "disk", at->run, facts(at, "slow"),
                      "the disk is slow: writing is %.1f s behind, %.1f MB wait", load->behind_s,
                      (double)load->bytes_waiting / MB);
    } else if (events->told_slow && load->behind_s < CAUGHT_UP_S && !crowded) {
        events->told_slow = false;
        event_publish(at->observer, "disk", at->run, facts(at, "caught_up"),
                      "writing has caught up");
    }
}

static void look_at_answers(struct disk_events *events, const struct looked_at *at)
{
    if (!events->told_silent && at->disk.silent_s > SILENT_S) {
        events->told_silent = true;
        event_publish(at->observer, "disk", at->run, facts(at, "silent"),
                      "the disk has not answered for %.0f s: is its server or cable gone?",
                      at->disk.silent_s);
    } else if (events->told_silent && at->disk.silent_s < SILENT_S) {
        events->told_silent = false;
        event_publish(at->observer, "disk", at->run, facts(at, "answers"),
                      "the disk answers again");
    }
}

static void look_at_error(struct disk_events *events, const struct looked_at *at)
{
    char error[sizeof events->told_error];
    struct run_recording *const recording = at->run->recording;
    pthread_mutex_lock(&recording->mutex);
    memcpy(error, recording->error, sizeof error);
    const bool failed = recording->state == RECORDING_FAILED;
    pthread_mutex_unlock(&recording->mutex);
    if (strcmp(error, events->told_error) == 0)
        return;
    memcpy(events->told_error, error, sizeof error);
    event_publish(at->observer, "disk", at->run, facts(at, failed ? "failed" : "doubtful"), "%s",
                  error);
}

void disk_events_look(struct disk_events *events, const struct acquisition_observer *observer,
                      struct run *run, const struct recorder *recorder)
{
    struct looked_at at = {.observer = observer, .run = run};
    if (!run->plan->recording.enabled)
        return;
    recorder_load(recorder, &at.load);
    recorder_disk(recorder, &at.disk);
    disk_growth_sample(&events->growth, run, clock_monotonic_ns());
    at.outlook = disk_outlook_of(run, &events->growth, at.disk.bytes_free);
    look_at_error(events, &at);
    if (events->told_error[0] == '\0')
        look_at_room(events, &at);
    look_at_writer(events, &at);
    look_at_answers(events, &at);
}
