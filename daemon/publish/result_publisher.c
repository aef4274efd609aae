#include "daemon/publish/result_publisher.h"

#include <stdio.h>
#include <stdlib.h>

#include "common/clock.h"
#include "common/counter.h"
#include "common/log.h"
#include "daemon/array_parts.h"

#define KEY_NS (2 * NS_PER_S)

void result_publisher_init(struct result_publisher *results, struct publisher *publisher)
{
    *results = (struct result_publisher){.publisher = publisher};
}

void result_publisher_finish(struct result_publisher *results)
{
    run_unref(results->run);
    free(results->row_counts);
    *results = (struct result_publisher){0};
}

void result_publisher_follow(struct result_publisher *results, struct run *run)
{
    struct publisher *const publisher = results->publisher;
    result_publisher_finish(results);
    results->publisher = publisher;
    results->run = run_ref(run);
    results->generation = publisher_generation(publisher);
    results->n_rows = run->scan.ny ? run->scan.ny : 1;
    results->row_counts = calloc(results->n_rows, sizeof *results->row_counts);
    if (!results->row_counts)
        results->n_rows = 0;
}

/* ---- which rows ---- */

static uint64_t count_analysed(const struct run *run, uint64_t row)
{
    uint64_t n = 0;
    for (uint64_t x = 0; x < run->scan.nx; x++)
        n += run_columns_at(run, row * run->scan.nx + x) != NULL;
    return n;
}

/* Marks a row as sent. Returns whether it had changed. A stack is one row that changes with every
 * frame. */
static bool row_changed(struct result_publisher *results, uint64_t row)
{
    const struct run *const run = results->run;
    uint64_t now;
    if (run->scan.ny == 0)
        now = counter_read(&run->counts.analysed);
    else if (results->row_counts[row] == run->scan.nx)
        return false;
    else
        now = count_analysed(run, row);
    const bool changed = now != results->row_counts[row];
    results->row_counts[row] = now;
    return changed;
}

/* ---- sending ---- */

static void send_rows(struct result_publisher *results, const struct product *product, unsigned map,
                      uint64_t first, uint64_t count)
{
    char topic[80];
    snprintf(topic, sizeof topic, "map/%s/", product->maps[map].name);
    if (!publisher_wanted(results->publisher, topic))
        return;
    struct map_rows rows;
    if (map_rows_init(&rows, results->run, product, map, first, count) < 0) {
        log_error("publish", "no memory for map %s", product->maps[map].name);
        return;
    }
    const struct publisher_part parts[] = {
        {rows.values, rows.n_values * 8},
        {rows.measured, rows.n_values},
    };
    publisher_send(results->publisher, topic, "map", json_incref(rows.header), parts, 2);
    map_rows_finish(&rows);
}

static void send_all_maps(struct result_publisher *results, uint64_t first, uint64_t count)
{
    const struct run *const run = results->run;
    for (unsigned i = 0; i < run->n_products; i++) {
        for (unsigned j = 0; j < run->products[i].n_maps; j++)
            send_rows(results, &run->products[i], j, first, count);
    }
}

static bool key_due(const struct result_publisher *results, bool final)
{
    if (final || results->generation != publisher_generation(results->publisher))
        return true;
    return atomic_load_explicit(&results->run->phase, memory_order_acquire) != RUN_FINISHED &&
           clock_monotonic_ns() >= results->key_ns + KEY_NS;
}

void result_publisher_maps(struct result_publisher *results, bool final)
{
    if (!results->run || !results->row_counts)
        return;
    const bool key = key_due(results, final);
    uint64_t first = 0, count = 0;
    for (uint64_t row = 0; row < results->n_rows; row++) {
        const bool changed = row_changed(results, row);
        if (key)
            continue;
        if (changed && count++ == 0)
            first = row;
        if (count > 0 && (!changed || row + 1 == results->n_rows)) {
            send_all_maps(results, first, count);
            count = 0;
        }
    }
    if (!key)
        return;
    send_all_maps(results, 0, results->n_rows);
    results->key_ns = clock_monotonic_ns();
    results->generation = publisher_generation(results->publisher);
}

static void send_pattern(struct result_publisher *results, const char *name)
{
    char topic[80];
    snprintf(topic, sizeof topic, "pattern/%s/", name);
    struct pattern_image pattern;
    if (!publisher_wanted(results->publisher, topic) ||
        pattern_image_init(&pattern, results->run, name) < 0)
        return;
    const struct publisher_part part = {pattern.image, pattern.size};
    publisher_send(results->publisher, topic, "pattern", json_incref(pattern.header), &part, 1);
    pattern_image_finish(&pattern);
}

void result_publisher_patterns(struct result_publisher *results, bool final)
{
    struct run *const run = results->run;
    if (!run)
        return;
    const uint64_t analysed = counter_read(&run->counts.analysed);
    if (final || analysed != results->sum_analysed) {
        for (unsigned i = 0; i < run->n_products; i++) {
            if (run->products[i].image_name)
                send_pattern(results, run->products[i].image_name);
        }
    }
    results->sum_analysed = analysed;
    const uint32_t latest = atomic_load_explicit(&run->latest_given, memory_order_relaxed);
    if (final || latest != results->latest_given)
        send_pattern(results, "latest");
    results->latest_given = latest;
}
