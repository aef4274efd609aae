#include "daemon/record/geometry_text.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"

/* No geometry's text is longer. */
#define VIEW_TEXT_MAX 400

struct json_t *geometry_json(const struct scan_geometry *scan)
{
    json_t *const shape = scan->ny == 0
                              ? json_null()
                              : json_pack("[I, I]", (json_int_t)scan->ny, (json_int_t)scan->nx);
    return json_pack("{s:s, s:o, s:I, s:{s:I, s:I, s:I}, s:I}", "order",
                     scan_order_name(scan->order), "scan", shape, "repeats",
                     (json_int_t)scan_geometry_passes(scan), "skip", "start",
                     (json_int_t)scan->skip_start, "line", (json_int_t)scan->skip_line, "end",
                     (json_int_t)scan->skip_end, "shift", (json_int_t)scan->shift);
}

void geometry_positions_name(char name[POSITIONS_NAME_SIZE], const struct run *run,
                             const struct run_view *view)
{
    uint32_t version = view->version;
    snprintf(name, POSITIONS_NAME_SIZE, "positions");
    if (view->scan.list == run->scan.list)
        return;
    for (const struct run_view *older = view->older; older; older = older->older) {
        if (older->scan.list == view->scan.list)
            version = older->version;
    }
    snprintf(name, POSITIONS_NAME_SIZE, "positions_%u", version);
}

static json_t *view_json(const struct run *run, const struct run_view *view)
{
    json_t *const json = geometry_json(&view->scan);
    if (!json)
        return NULL;
    json_object_set_new(json, "version", json_integer(view->version));
    json_object_set_new(json, "source", json_string(view->source));
    json_object_set_new(json, "frame", json_integer((json_int_t)view->frame));
    json_object_set_new(json, "time",
                        json_pack("[I, I]", (json_int_t)(view->time_ns / NS_PER_S),
                                  (json_int_t)(view->time_ns % NS_PER_S)));
    if (view->scan.order == SCAN_ORDER_LIST) {
        char name[POSITIONS_NAME_SIZE];
        geometry_positions_name(name, run, view);
        json_object_set_new(json, "positions", json_string(name));
    }
    return json;
}

static json_t *views_json(const struct run *run)
{
    json_t *const views = json_array();
    for (const struct run_view *view = run_view(run); views && view; view = view->older)
        json_array_insert_new(views, 0, view_json(run, view));
    return views;
}

char *geometry_text(const struct run *run, size_t capacity)
{
    json_t *const views = views_json(run);
    char *text = views ? json_dumps(views, 0) : NULL;
    while (text && strlen(text) > capacity && json_array_size(views) > 1) {
        size_t too_many = (strlen(text) - capacity) / VIEW_TEXT_MAX + 1;
        while (too_many-- > 0)
            json_array_remove(views, 1);
        free(text);
        text = json_dumps(views, 0);
    }
    json_decref(views);
    return text;
}
