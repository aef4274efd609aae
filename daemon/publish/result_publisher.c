#include "daemon/publish/result_publisher.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/clock.h"
#include "common/counter.h"
#include "common/log.h"
#include "daemon/results/array_parts.h"
#include "daemon/results/result_list.h"
#include "processing/run/given_maps.h"
#include "processing/run/run_products.h"

#define TOPIC_SIZE (PRODUCT_NAME_SIZE + 16)

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

/* Nothing of the run was sent through the view in force. There are no row_counts yet. */
static void begin_view(struct result_publisher *results)
{
    const struct run *const run = results->run;
    const struct run_map_shape shape = run_map_shape(run, run_scan(run));
    results->view_version = run_view(run)->version;
    results->n_rows = shape.passes * shape.ny;
    results->row_counts = calloc(results->n_rows, sizeof *results->row_counts);
    results->maps_analysed = results->swept_to = 0;
    if (!results->row_counts) {
        log_error("publish", "no memory for maps of %" PRIu64 " rows", results->n_rows);
        results->n_rows = 0;
    }
}

void result_publisher_follow(struct result_publisher *results, struct run *run)
{
    struct publisher *const publisher = results->publisher;
    result_publisher_finish(results);
    *results = (struct result_publisher){
        .publisher = publisher,
        .run = run_ref(run),
        .generation = publisher_generation(publisher),
        .set_version = run_set(run)->version,
    };
    begin_view(results);
}

/* ---- which rows ---- */

static uint64_t count_analysed(const struct run *run, const struct scan_geometry *scan,
                               uint64_t row)
{
    uint64_t n = 0;
    for (unsigned layer = 0; layer < run->n_layers; layer++)
        n += run_measured(run, scan, layer, row * scan->nx, scan->nx, NULL);
    return n;
}

/* Marks a row as sent. Returns whether it had changed. A stack is one row that changes with every
 * frame. */
static bool row_changed(struct result_publisher *results, uint64_t row)
{
    const struct run *const run = results->run;
    const struct scan_geometry *const scan = run_scan(run);
    uint64_t now;
    if (scan->ny == 0)
        now = counter_read(&run->counts.analysed);
    else if (results->row_counts[row] == (uint64_t)scan->nx * run->n_layers)
        return false;
    else
        now = count_analysed(run, scan, row);
    const bool changed = now != results->row_counts[row];
    results->row_counts[row] = now;
    return changed;
}

/* Images that came and are not in the maps (yet). */
static uint64_t backlog(const struct run *run)
{
    const struct run_counts *const counts = &run->counts;
    const uint64_t done = counter_read(&counts->analysed) + counter_read(&counts->not_analysed) +
                          counter_read(&counts->deferred);
    const uint64_t placed = counter_read(&counts->placed);
    return placed > done ? placed - done : 0;
}

/*
 * In an unending scan rows are measured again and again, and no count tells. Forgets the counts of
 * the rows that frames which came since the last time belong to, so that they pass for changed.
 */
static void forget_rows_measured_again(struct result_publisher *results)
{
    const struct run *const run = results->run;
    const struct scan_geometry *const scan = run_scan(run);
    if (scan->repeats != SCAN_REPEATS_UNENDING || scan->ny == 0)
        return;
    const uint64_t end = frame_table_end(run->frames);
    const uint64_t of_pass = scan_geometry_pass_frames(scan);
    uint64_t from = results->swept_to;
    if (end > of_pass && from < end - of_pass)
        from = end - of_pass;
    for (uint64_t frame = from; frame < end; frame++) {
        const int64_t position = scan_geometry_position(scan, frame);
        if (position >= 0)
            results->row_counts[(uint64_t)position / scan->nx] = 0;
    }
    const uint64_t waiting = backlog(run) / run->n_layers;
    results->swept_to = end > waiting ? end - waiting : 0;
}

/* ---- sending ---- */

static void send_rows(struct result_publisher *results, const struct product *product, unsigned map,
                      uint64_t first, uint64_t count)
{
    const char *const name = product->maps[map].name;
    char topic[TOPIC_SIZE];
    snprintf(topic, sizeof topic, "map/%s/", name);
    if (!publisher_wanted(results->publisher, topic))
        return;
    struct map_rows rows;
    const int r = map_rows_init(&rows, results->run, product, map, first, count);
    if (r < 0) {
        if (r != -EFBIG)
            log_error("publish", "no memory for map %s", name);
        return;
    }
    const struct publisher_part parts[] = {
        {rows.values, rows.n_values * rows.value_size},
        {rows.measured, rows.n_values},
    };
    publisher_send(results->publisher, topic, "map", json_incref(rows.header), parts, 2);
    map_rows_finish(&rows);
}

static void send_product(struct result_publisher *results, const struct product *product,
                         uint64_t first, uint64_t count)
{
    for (unsigned i = 0; i < product->n_maps; i++)
        send_rows(results, product, i, first, count);
}

/* Whether maps that are given as a whole have changed; marks them as sent. */
static bool given_changed(const struct product *product)
{
    struct given_maps *const given = product->given;
    const uint64_t revision = atomic_load_explicit(&given->revision, memory_order_acquire);
    const bool changed = revision != given->published;
    given->published = revision;
    return changed;
}

/* Of the maps that change with the frames. */
static void send_rows_of_frames(struct result_publisher *results, uint64_t first, uint64_t count)
{
    const struct product_set *const set = run_set(results->run);
    for (unsigned i = 0; i < set->n; i++) {
        if (!set->products[i]->given)
            send_product(results, set->products[i], first, count);
    }
}

static void send_whole_maps(struct result_publisher *results)
{
    const struct product_set *const set = run_set(results->run);
    for (unsigned i = 0; i < set->n; i++) {
        if (set->products[i]->given)
            (void)given_changed(set->products[i]);
        send_product(results, set->products[i], 0, results->n_rows);
    }
}

static void send_changed_given(struct result_publisher *results)
{
    const struct product_set *const set = run_set(results->run);
    for (unsigned i = 0; i < set->n; i++) {
        if (set->products[i]->given && given_changed(set->products[i]))
            send_product(results, set->products[i], 0, results->n_rows);
    }
}

/* Key frames of a map cost at most some 32 MB/s. */
static uint64_t key_period_ns(const struct result_publisher *results)
{
    const struct scan_geometry *const scan = run_scan(results->run);
    const double bytes = 9.0 * (double)results->n_rows * (double)scan->nx;
    const double period = bytes / 32e6 * (double)NS_PER_S;
    return period > 2.0 * (double)NS_PER_S ? (uint64_t)period : 2 * NS_PER_S;
}

/* Somebody may have to be told of everything. */
static bool all_due(const struct result_publisher *results, bool final)
{
    return final || results->generation != publisher_generation(results->publisher) ||
           results->set_version != run_set(results->run)->version;
}

static bool key_due(const struct result_publisher *results)
{
    return atomic_load_explicit(&results->run->phase, memory_order_acquire) != RUN_FINISHED &&
           clock_monotonic_ns() >= results->key_ns + key_period_ns(results);
}

/* Rows that changed, those beside each other in one message. */
static void send_changed_rows(struct result_publisher *results)
{
    uint64_t first = 0, count = 0;
    for (uint64_t row = 0; row < results->n_rows; row++) {
        const bool changed = row_changed(results, row);
        if (changed && count++ == 0)
            first = row;
        if (count > 0 && (!changed || row + 1 == results->n_rows)) {
            send_rows_of_frames(results, first, count);
            bragg_publisher_rows(results->publisher, results->run, first, count);
            count = 0;
        }
    }
}

/* Workers finish lines out of order, by a chunk or two. */
#define ROWS_BEHIND 4

void result_publisher_whole_rows(struct result_publisher *results)
{
    const struct run *const run = results->run;
    if (!run || !results->row_counts || results->view_version != run_view(run)->version)
        return;
    const struct scan_geometry *const scan = run_scan(run);
    if (scan->ny == 0 || scan->repeats == SCAN_REPEATS_UNENDING)
        return;
    const uint64_t begun =
        scan_geometry_positions_before(scan, frame_table_end(run->frames)) + scan->nx - 1;
    const uint64_t front = begun / scan->nx; /* rows that have begun */
    const uint64_t whole = (uint64_t)scan->nx * run->n_layers;
    for (uint64_t row = front > ROWS_BEHIND ? front - ROWS_BEHIND : 0;
         row < front && row < results->n_rows; row++) {
        if (results->row_counts[row] == whole || count_analysed(run, scan, row) != whole)
            continue;
        results->row_counts[row] = whole;
        send_rows_of_frames(results, row, 1);
        bragg_publisher_rows(results->publisher, run, row, 1);
    }
}

/* Lists of reflections can be long: those who have them do not get them again and again. */
static void send_key_frame(struct result_publisher *results, bool with_reflections)
{
    for (uint64_t row = 0; row < results->n_rows; row++)
        row_changed(results, row);
    send_whole_maps(results);
    if (with_reflections)
        bragg_publisher_rows(results->publisher, results->run, 0, results->n_rows);
    results->key_ns = clock_monotonic_ns();
    results->generation = publisher_generation(results->publisher);
    results->set_version = run_set(results->run)->version;
}

void result_publisher_maps(struct result_publisher *results, bool final)
{
    const struct run *const run = results->run;
    if (!run)
        return;
    const bool other_view = results->view_version != run_view(run)->version;
    if (other_view) {
        free(results->row_counts);
        begin_view(results);
    }
    if (!results->row_counts)
        return;
    const uint64_t analysed = counter_read(&run->counts.analysed);
    const bool news = analysed != results->maps_analysed;
    results->maps_analysed = analysed;
    if (news)
        forget_rows_measured_again(results);
    if (other_view || all_due(results, final))
        send_key_frame(results, true);
    else if (key_due(results))
        send_key_frame(results, news);
    else if (news)
        send_changed_rows(results);
    send_changed_given(results);
    if (news || final)
        bragg_publisher_summary(&results->bragg, results->publisher, run, final);
}

/* ---- patterns and profiles ---- */

typedef int (*array_init_fn)(struct array_values *array, struct run *run, const char *name);

static void send_array(struct result_publisher *results, const char *kind, array_init_fn init,
                       const char *name)
{
    char topic[TOPIC_SIZE];
    snprintf(topic, sizeof topic, "%s/%s/", kind, name);
    struct array_values array;
    if (!publisher_wanted(results->publisher, topic) || init(&array, results->run, name) < 0)
        return;
    const struct publisher_part part = {array.values, array.size};
    publisher_send(results->publisher, topic, kind, json_incref(array.header), &part, 1);
    array_values_finish(&array);
}

static void send_product_arrays(struct result_publisher *results)
{
    const struct run *const run = results->run;
    const struct product_set *const set = run_set(run);
    for (unsigned i = 0; i < set->n; i++) {
        const struct product *const product = set->products[i];
        for (unsigned j = 0; j < product->n_arrays; j++) {
            const char *const name = product->arrays[j].name;
            if (product->arrays[j].rank == 2)
                send_array(results, "pattern", pattern_init, name);
            else
                send_array(results, "profile", profile_init, name);
        }
    }
}

void result_publisher_arrays(struct result_publisher *results, bool final)
{
    const struct run *const run = results->run;
    if (!run)
        return;
    const uint64_t analysed = counter_read(&run->counts.analysed);
    if (final || analysed != results->arrays_analysed)
        send_product_arrays(results);
    results->arrays_analysed = analysed;
    for (unsigned layer = 0; layer < run->n_layers; layer++) {
        char name[PRODUCT_NAME_SIZE];
        latest_pattern_name(run, layer, name);
        const uint32_t given =
            atomic_load_explicit(&run->latest[layer].given, memory_order_relaxed);
        if (final || given != results->latest_given[layer])
            send_array(results, "pattern", pattern_init, name);
        results->latest_given[layer] = given;
    }
}

static bool topic_wanted(const struct result_publisher *results, const char *kind, const char *name)
{
    char topic[TOPIC_SIZE];
    snprintf(topic, sizeof topic, "%s/%s/", kind, name);
    return publisher_wanted(results->publisher, topic);
}

bool result_publisher_arrays_wanted(const struct result_publisher *results)
{
    const struct run *const run = results->run;
    char name[PRODUCT_NAME_SIZE];
    if (!run)
        return false;
    for (unsigned layer = 0; layer < run->n_layers; layer++) {
        latest_pattern_name(run, layer, name);
        if (topic_wanted(results, "pattern", name))
            return true;
    }
    const struct product_set *const set = run_set(run);
    for (unsigned i = 0; i < set->n; i++) {
        const struct product *const product = set->products[i];
        for (unsigned j = 0; j < product->n_arrays; j++) {
            if (topic_wanted(results, product->arrays[j].rank == 2 ? "pattern" : "profile",
                             product->arrays[j].name))
                return true;
        }
    }
    return false;
}
