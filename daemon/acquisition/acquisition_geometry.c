#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "daemon/acquisition/acquisition_internal.h"
#include "daemon/acquisition/run_geometry.h"
#include "daemon/event.h"

/* ---- a request over a geometry ---- */

static int apply_positions(const struct geometry_request *request, struct scan_geometry *scan,
                           const char **field, struct error *error)
{
    *field = "args.order";
    if (request->order_given && request->scan.order == SCAN_ORDER_LIST) {
        scan->order = SCAN_ORDER_LIST;
        scan->list = request->scan.list;
        scan->ny = scan->list->ny;
        scan->nx = scan->list->nx;
        scan->skip_line = 0; /* does not apply */
        return 0;
    }
    if (request->order_given) {
        scan->order = request->scan.order;
        scan->list = NULL;
    }
    if (request->scan_given && scan->order == SCAN_ORDER_LIST) {
        *field = "args.scan";
        return error_set(error, -EINVAL,
                         "a list of positions is in force: give the positions of the new scan too, "
                         "or an order (raster or serpentine)");
    }
    if (request->scan_given) {
        scan->ny = request->scan.ny;
        scan->nx = request->scan.nx;
    }
    return 0;
}

static int apply_repeats(const struct geometry_request *request, struct scan_geometry *scan,
                         const char **field, struct error *error)
{
    *field = "args.repeats";
    if (!request->repeats_given)
        return 0;
    if (scan->repeats == SCAN_REPEATS_UNENDING)
        return error_set(error, -EINVAL,
                         "a view goes over and over: it has no number of passes to set");
    scan->repeats = request->scan.repeats;
    return 0;
}

int geometry_request_apply(const struct geometry_request *request, struct scan_geometry *scan,
                           const char **field, struct error *error)
{
    if (apply_positions(request, scan, field, error) < 0 ||
        apply_repeats(request, scan, field, error) < 0)
        return -EINVAL;
    if (request->skip_start_given)
        scan->skip_start = request->scan.skip_start;
    if (request->skip_line_given)
        scan->skip_line = request->scan.skip_line;
    if (request->skip_end_given)
        scan->skip_end = request->scan.skip_end;
    if (request->shift_given)
        scan->shift = request->scan.shift;
    *field = "args.skip.line";
    if (scan->order == SCAN_ORDER_LIST && scan->skip_line > 0)
        return error_set(error, -EINVAL,
                         "a list of positions has no lines: leave skip.line out, and the flyback "
                         "frames out of what the detector is triggered for");
    *field = request->repeats_given ? "args.repeats" : "args.scan";
    return scan_geometry_check(scan, error);
}

/* ---- the newest run's geometry ---- */

static void answer_geometry(const struct run *run, acquisition_answer_fn answer, void *data)
{
    json_t *const geometry = run_view_json(run_view(run));
    answer(data, json_pack("{s:o, s:s}", "geometry", geometry, "run", run->plan->id), NULL, NULL,
           NULL);
}

static void publish_geometry(const struct acquisition *acquisition, const struct run *run)
{
    const struct run_view *const view = run_view(run);
    char text[300];
    scan_geometry_text(&view->scan, text, sizeof text);
    event_publish(&acquisition->observer, "geometry", run,
                  json_pack("{s:o}", "geometry", run_view_json(view)),
                  "seen as %s from now on (%s)", text, view->source);
}

int acquisition_see_as(struct acquisition *acquisition, const struct scan_geometry *scan,
                       const char *source, struct error *error)
{
    struct run *const run = acquisition->run;
    const int r = run_set_view(run, scan, source);
    if (r < 0)
        return error_set(error, r, "no memory for another geometry");
    publish_geometry(acquisition, run);
    return 0;
}

/* Of a run to be the detector's header may still tell the shape; of this one nobody will. */
static int check_shape(const struct geometry_request *request, const struct scan_geometry *scan,
                       const char **field, struct error *error)
{
    if (scan->ny > 0 || !(request->order_given || request->repeats_given))
        return 0;
    *field = request->order_given ? "args.order" : "args.repeats";
    return error_set(error, -EINVAL,
                     "the run is a stack of frames without a shape: give args.scan too");
}

/* What is kept of an unending scan is a pass: its rows are used again by the next one. */
static int fit_unending(const struct run *run, struct scan_geometry *scan, const char **field,
                        struct error *error)
{
    if (!run->recycle)
        return 0;
    *field = "args.scan";
    if (scan_geometry_pass_frames(scan) != run->recycle)
        return error_set(error, -EINVAL,
                         "the view goes over and over %" PRIu64 " frames, and %" PRIu64
                         " are asked for: stop it and start another one",
                         run->recycle, scan_geometry_pass_frames(scan));
    /* A whole pass more or less is the same to see, and begins with a frame that there was. */
    const int64_t pass = (int64_t)run->recycle;
    scan->shift = (scan->shift % pass + pass) % pass;
    return 0;
}

/* What is asked for, or a refusal: its code, with field and sentence. */
static const char *new_geometry(const struct acquisition *acquisition,
                                const struct geometry_request *request, int64_t nudge,
                                struct scan_geometry *scan, const char **field, struct error *error)
{
    *field = NULL;
    if (!acquisition->run) {
        error_set(error, -ENOENT, "there is no run to see in another way: start a scan first");
        return "no_data";
    }
    *scan = *run_scan(acquisition->run);
    if (geometry_request_apply(request, scan, field, error) < 0 ||
        check_shape(request, scan, field, error) < 0)
        return "bad_value";
    *field = nudge ? "args.nudge" : "args.shift";
    if (__builtin_add_overflow(scan->shift, nudge, &scan->shift) || scan->shift > SCAN_SHIFT_MAX ||
        scan->shift < -SCAN_SHIFT_MAX) {
        error_set(error, -EINVAL, "a scan is shifted by 2^32 frames at most");
        return "bad_value";
    }
    return fit_unending(acquisition->run, scan, field, error) < 0 ? "bad_value" : NULL;
}

void acquisition_set_geometry(struct acquisition *acquisition,
                              const struct geometry_request *request, int64_t nudge,
                              acquisition_answer_fn answer, void *data)
{
    struct scan_geometry scan;
    struct error error = {0};
    const char *field;
    const char *code = new_geometry(acquisition, request, nudge, &scan, &field, &error);
    if (!code && !scan_geometry_equal(&scan, run_scan(acquisition->run)) &&
        acquisition_see_as(acquisition, &scan, nudge ? "nudge" : "request", &error) < 0)
        code = "internal";
    if (code)
        answer(data, NULL, code, strcmp(code, "bad_value") == 0 ? field : NULL, &error);
    else
        answer_geometry(acquisition->run, answer, data);
}
