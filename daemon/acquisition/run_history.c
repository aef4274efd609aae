#include "daemon/acquisition/run_history.h"

#include <string.h>

static const char *summary_id(const json_t *summary)
{
    return json_string_value(json_object_get(summary, "id"));
}

void run_history_finish(struct run_history *history)
{
    for (unsigned i = 0; i < RUN_HISTORY_LENGTH; i++)
        json_decref(history->summaries[i]);
    *history = (struct run_history){0};
}

void run_history_put(struct run_history *history, json_t *summary)
{
    for (unsigned i = 0; i < RUN_HISTORY_LENGTH; i++) {
        if (history->summaries[i] &&
            strcmp(summary_id(history->summaries[i]), summary_id(summary)) == 0) {
            json_decref(history->summaries[i]);
            history->summaries[i] = summary;
            return;
        }
    }
    json_decref(history->summaries[0]);
    memmove(history->summaries, history->summaries + 1,
            (RUN_HISTORY_LENGTH - 1) * sizeof(json_t *));
    history->summaries[RUN_HISTORY_LENGTH - 1] = summary;
}

void run_history_drop(struct run_history *history, const char *id)
{
    for (unsigned i = 0; i < RUN_HISTORY_LENGTH; i++) {
        if (!history->summaries[i] || strcmp(summary_id(history->summaries[i]), id) != 0)
            continue;
        json_decref(history->summaries[i]);
        memmove(history->summaries + 1, history->summaries, i * sizeof(json_t *));
        history->summaries[0] = NULL;
    }
}

json_t *run_history_find(const struct run_history *history, const char *id)
{
    for (unsigned i = RUN_HISTORY_LENGTH; i-- > 0;) {
        json_t *const summary = history->summaries[i];
        if (summary && (!id || strcmp(summary_id(summary), id) == 0))
            return summary;
    }
    return NULL;
}
