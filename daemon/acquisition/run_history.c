#include "daemon/acquisition/run_history.h"

#include <string.h>

#include "processing/run/run_products.h"

static bool is_of(const struct run_entry *entry, const char *id)
{
    return entry->summary &&
           strcmp(json_string_value(json_object_get(entry->summary, "id")), id) == 0;
}

static void entry_finish(struct run_entry *entry)
{
    json_decref(entry->summary);
    run_unref(entry->run);
    *entry = (struct run_entry){0};
}

void run_history_finish(struct run_history *history)
{
    for (unsigned i = 0; i < RUN_HISTORY_LENGTH; i++)
        entry_finish(&history->entries[i]);
}

/* NULL: not there. */
static struct run_entry *find(struct run_history *history, const char *id)
{
    for (unsigned i = 0; i < RUN_HISTORY_LENGTH; i++)
        if (is_of(&history->entries[i], id))
            return &history->entries[i];
    return NULL;
}

void run_history_put(struct run_history *history, json_t *summary)
{
    struct run_entry *const entries = history->entries;
    struct run_entry *const old = find(history, json_string_value(json_object_get(summary, "id")));
    if (old) {
        json_decref(old->summary);
        old->summary = summary;
        return;
    }
    entry_finish(&entries[0]);
    memmove(entries, entries + 1, (RUN_HISTORY_LENGTH - 1) * sizeof *entries);
    entries[RUN_HISTORY_LENGTH - 1] = (struct run_entry){.summary = summary};
}

void run_history_keep(struct run_history *history, struct run *run)
{
    struct run_entry *const entry = find(history, run->plan->id);
    if (entry && !entry->run)
        entry->run = run_ref(run);
    uint64_t bytes = 0;
    for (unsigned i = RUN_HISTORY_LENGTH; i-- > 0;) {
        struct run_entry *const one = &history->entries[i];
        bytes += one->run ? run_bytes(one->run) : 0;
        if (one->run && one->run != run && bytes > RUN_HISTORY_BYTES) {
            run_unref(one->run);
            one->run = NULL;
        }
    }
}

void run_history_drop(struct run_history *history, const char *id)
{
    struct run_entry *const entry = find(history, id);
    if (!entry)
        return;
    entry_finish(entry);
    memmove(history->entries + 1, history->entries,
            (size_t)(entry - history->entries) * sizeof *entry);
    history->entries[0] = (struct run_entry){0};
}

json_t *run_history_find(const struct run_history *history, const char *id)
{
    for (unsigned i = RUN_HISTORY_LENGTH; i-- > 0;) {
        const struct run_entry *const entry = &history->entries[i];
        if (entry->summary && (!id || is_of(entry, id)))
            return entry->summary;
    }
    return NULL;
}

struct run *run_history_find_run(const struct run_history *history, const char *id)
{
    for (unsigned i = RUN_HISTORY_LENGTH; i-- > 0;)
        if (is_of(&history->entries[i], id))
            return history->entries[i].run;
    return NULL;
}
