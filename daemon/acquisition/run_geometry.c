#include "daemon/acquisition/run_geometry.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

uint64_t plan_expected(const struct acquisition_plan *plan)
{
    if (plan->find_lines)
        return 0;
    return scan_geometry_visits(&plan->scan) * (plan->layers > 1 ? plan->layers : 1);
}

static json_t *shape_json(const struct scan_geometry *scan)
{
    if (scan->ny == 0)
        return json_null();
    return json_pack("[I, I]", (json_int_t)scan->ny, (json_int_t)scan->nx);
}

static json_t *repeats_json(const struct scan_geometry *scan)
{
    if (scan->repeats == SCAN_REPEATS_UNENDING)
        return json_null();
    return json_integer(scan_geometry_passes(scan));
}

/* Of an unending scan the smaller one of the two ways round. */
static int64_t shown_shift(const struct scan_geometry *scan)
{
    const int64_t pass = (int64_t)scan_geometry_pass_frames(scan);
    const bool unending = scan->repeats == SCAN_REPEATS_UNENDING;
    return unending && scan->shift > pass / 2 ? scan->shift - pass : scan->shift;
}

json_t *scan_geometry_json(const struct scan_geometry *scan)
{
    json_t *const json =
        json_pack("{s:s, s:o, s:o, s:{s:I, s:I, s:I}, s:I}", "order", scan_order_name(scan->order),
                  "scan", shape_json(scan), "repeats", repeats_json(scan), "skip", "start",
                  (json_int_t)scan->skip_start, "line", (json_int_t)scan->skip_line, "end",
                  (json_int_t)scan->skip_end, "shift", (json_int_t)shown_shift(scan));
    if (json && scan->order == SCAN_ORDER_LIST)
        json_object_set_new(json, "n_positions", json_integer((json_int_t)scan->list->n));
    return json;
}

json_t *run_view_json(const struct run_view *view)
{
    json_t *const json = scan_geometry_json(&view->scan);
    json_object_set_new(json, "source", json_string(view->source));
    json_object_set_new(json, "version", json_integer(view->version));
    return json;
}

__attribute__((format(printf, 3, 4))) static void append(char *text, size_t size,
                                                         const char *format, ...)
{
    const size_t length = strlen(text);
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text + length, size - length, format, arguments);
    va_end(arguments);
}

void scan_geometry_text(const struct scan_geometry *scan, char *text, size_t size)
{
    text[0] = '\0';
    if (scan->ny == 0)
        append(text, size, "a stack of frames");
    else
        append(text, size, "%u x %u", scan->ny, scan->nx);
    if (scan->order == SCAN_ORDER_SERPENTINE)
        append(text, size, ", serpentine");
    if (scan->order == SCAN_ORDER_LIST)
        append(text, size, ", %" PRIu64 " listed positions", scan->list->n);
    if (scan->repeats == SCAN_REPEATS_UNENDING)
        append(text, size, ", over and over");
    else if (scan_geometry_passes(scan) > 1)
        append(text, size, ", %u passes", scan_geometry_passes(scan));
    if (scan->skip_start > 0)
        append(text, size, ", %" PRIu64 " frames before it", scan->skip_start);
    if (scan->skip_line > 0)
        append(text, size, ", %u after each line", scan->skip_line);
    if (scan->skip_end > 0)
        append(text, size, ", %" PRIu64 " after each pass", scan->skip_end);
    if (scan->shift != 0)
        append(text, size, ", shifted by %+" PRId64, shown_shift(scan));
}

int scan_geometry_check(const struct scan_geometry *scan, struct error *error)
{
    /* Sides of 2^16, skips and repeats of 2^32: only the last product can pass 64 bits. */
    const uint64_t pass = (uint64_t)scan->ny * scan->nx;
    const uint64_t frames = scan_geometry_pass_frames(scan);
    const uint64_t most = pass > frames ? pass : frames;
    uint64_t all;
    if (__builtin_mul_overflow(most, (uint64_t)scan_geometry_passes(scan), &all) ||
        all > SCAN_FRAMES_MAX)
        return error_set(error, -EINVAL,
                         "%u passes of %u x %u positions are more than 2^32 frames: record them in "
                         "several runs",
                         scan_geometry_passes(scan), scan->ny, scan->nx);
    return 0;
}
