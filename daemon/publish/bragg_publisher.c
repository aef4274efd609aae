#include "daemon/publish/bragg_publisher.h"

#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/log.h"
#include "daemon/bragg/bragg_rows.h"
#include "daemon/bragg/bragg_run_json.h"
#include "processing/run/run_products.h"

#define TOPIC_ROWS "bragg/rows/"
#define TOPIC_SUMMARY "bragg/summary/"
#define SUMMARY_PERIOD_NS (2 * NS_PER_S)
/* The next statistics wait for so many times as long as these took. */
#define SUMMARY_SHARE 20
/* While the scan goes on the bootstrap may be coarse, and the test of a phase. */
#define LIVE_RESAMPLES 199

void bragg_publisher_rows(struct publisher *publisher, const struct run *run, uint64_t first,
                          uint64_t count)
{
    struct bragg_rows_message message;
    if (!run_bragg(run) || !publisher_wanted(publisher, TOPIC_ROWS))
        return;
    if (bragg_rows_message_init(&message, run, first, count) < 0) {
        log_error("publish", "no memory for the Bragg reflections of %llu rows",
                  (unsigned long long)count);
        return;
    }
    struct publisher_part parts[BRAGG_ROWS_PARTS];
    for (unsigned i = 0; i < BRAGG_ROWS_PARTS; i++)
        parts[i] = (struct publisher_part){message.values[i], message.sizes[i]};
    publisher_send(publisher, TOPIC_ROWS, "bragg", json_incref(message.header), parts,
                   BRAGG_ROWS_PARTS);
    bragg_rows_message_finish(&message);
}

static json_t *make_summary(const struct run *run, bool final)
{
    struct bragg_statistics_settings settings = bragg_scan_settings(run);
    struct error error = {0};
    if (!final)
        settings.n_resamples = settings.max_shifts = LIVE_RESAMPLES;
    json_t *const json = bragg_run_whole_statistics_json(run, run_scan(run), &settings, &error);
    if (!json) {
        if (error.code)
            log_error("publish", "no statistics of Bragg reflections: %s", error.text);
        return NULL;
    }
    json_object_set_new(json, "scan", json_string(run->plan->id));
    json_object_set_new(json, "what", json_string("summary"));
    json_object_set_new(json, "parts", json_array());
    return json;
}

void bragg_publisher_summary(struct bragg_publisher *state, struct publisher *publisher,
                             const struct run *run, bool final)
{
    const uint64_t now = clock_monotonic_ns();
    if (!run_bragg(run) || !publisher_wanted(publisher, TOPIC_SUMMARY) ||
        (!final && now < state->next_ns))
        return;
    json_t *const summary = make_summary(run, final);
    if (summary)
        publisher_send(publisher, TOPIC_SUMMARY, "bragg", summary, NULL, 0);
    const uint64_t took = clock_monotonic_ns() - now;
    const uint64_t wait = SUMMARY_SHARE * took;
    state->next_ns = now + (wait > SUMMARY_PERIOD_NS ? wait : SUMMARY_PERIOD_NS);
}
