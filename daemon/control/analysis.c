#include "daemon/control/analysis.h"

#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "daemon/calibration/references.h"

int analysis_refuse(struct analysis *analysis, const char *code, const char *field,
                    const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(analysis->error.text, sizeof analysis->error.text, format, arguments);
    va_end(arguments);
    analysis->code = code;
    snprintf(analysis->field, sizeof analysis->field, "%s", field ? field : "");
    return -1;
}

int analysis_refuse_error(struct analysis *analysis, int error, const char *field)
{
    analysis->code = error == -ENOMEM                                          ? "internal"
                     : error == -ENODATA || error == -EDOM || error == -ENOENT ? "no_data"
                                                                               : "bad_value";
    snprintf(analysis->field, sizeof analysis->field, "%s", field ? field : "");
    return -1;
}

/* ---- begin and end ---- */

typedef int (*pass_fn)(struct map_pass *chosen, const struct run *run, const struct run_view *view,
                       int64_t wanted, struct error *error);

static int take_pass(struct analysis *analysis, pass_fn choose)
{
    int64_t wanted = MAP_PASS_NEWEST;
    if (analysis_take_integer(analysis, "pass", 0, UINT32_MAX, &wanted) < 0)
        return -1;
    const int r = choose(&analysis->pass, analysis->run, NULL, wanted, &analysis->error);
    if (r < 0)
        return analysis_refuse_error(analysis, r, wanted >= 0 && r != -EFBIG ? "args.pass" : NULL);
    return 0;
}

static void describe(struct analysis *analysis)
{
    const struct map_pass *const pass = &analysis->pass;
    json_t *const result = analysis->result;
    json_object_set_new(result, "run", json_string(analysis->run->plan->id));
    json_object_set_new(result, "geometry", json_integer((json_int_t)pass->view->version));
    json_object_set_new(result, "pass",
                        pass->passes > 1 ? json_integer((json_int_t)pass->pass) : json_null());
    json_object_set_new(result, "shape",
                        json_pack("[I, I]", (json_int_t)pass->ny, (json_int_t)pass->nx));
    json_object_set(result, "parts", analysis->described);
}

static void free_analysis(struct analysis *analysis)
{
    for (unsigned i = 0; i < analysis->n_parts; i++)
        free(analysis->values[i]);
    json_decref(analysis->result);
    json_decref(analysis->described);
    json_decref(analysis->args);
    json_decref(analysis->vacuum);
    run_unref(analysis->run);
    free(analysis->sweep);
    free(analysis);
}

static void reply(struct analysis *analysis)
{
    if (analysis->code) {
        request_fail(analysis->request, analysis->code, *analysis->field ? analysis->field : NULL,
                     "%s", analysis->error.text);
    } else {
        describe(analysis);
        request_succeed(analysis->request, json_incref(analysis->result), analysis->parts,
                        analysis->n_parts);
    }
}

static void on_work(void *data)
{
    struct analysis *const analysis = data;
    analysis->compute(analysis);
}

static void end(struct analysis *analysis, bool cancelled)
{
    if (analysis->finish)
        analysis->finish(analysis, cancelled);
    if (cancelled)
        request_abandon(analysis->request);
    else
        reply(analysis);
    free_analysis(analysis);
}

static void on_done(void *data, bool cancelled)
{
    struct analysis *const analysis = data;
    if (analysis->sweep && !cancelled)
        acquisition_sweep_end(analysis->service->acquisition,
                              analysis->code ? analysis->error.text : "");
    end(analysis, cancelled);
}

/* What is kept of the vacuum reference that args.descan names, as analysis->vacuum. */
static json_t *find_vacuum(const struct control_service *service, const json_t *args)
{
    const char *const name =
        json_string_value(json_object_get(json_object_get(args, "descan"), "reference"));
    const struct kept *const kept =
        name ? kept_store_find(acquisition_kept(service->acquisition), VACUUM_KIND, name) : NULL;
    return kept ? json_incref(json_object_get(kept->document, "vacuum")) : NULL;
}

/* The run that args.run names, else the newest, with a reference. */
static void take_run(struct analysis *analysis)
{
    const struct acquisition *const acquisition = analysis->service->acquisition;
    const json_t *const given = json_object_get(analysis->args, "run");
    struct run *run = acquisition_run(acquisition);
    if (given && !json_is_string(given)) {
        analysis_refuse(analysis, "bad_value", "args.run", "run must be the UUID of a run");
        return;
    }
    if (!run) {
        analysis_refuse(analysis, "no_data", NULL, "nothing was measured yet: start a scan first");
        return;
    }
    if (given)
        run = acquisition_find_run(acquisition, json_string_value(given), &analysis->error);
    if (run)
        analysis->run = run_ref(run);
    else
        analysis_refuse_error(analysis, -ENODATA, "args.run");
}

static struct analysis *create(const struct control_service *service, struct request *request,
                               json_t *args, pass_fn choose,
                               void (*compute)(struct analysis *analysis))
{
    struct analysis *const analysis = calloc(1, sizeof *analysis);
    if (!analysis) {
        request_fail(request, "internal", NULL, "no memory for an analysis");
        return NULL;
    }
    *analysis = (struct analysis){
        .request = request,
        .service = service,
        .compute = compute,
        .args = json_incref(args),
        .vacuum = find_vacuum(service, args),
        .result = json_object(),
        .described = json_array(),
    };
    take_run(analysis);
    if (analysis->run)
        take_pass(analysis, choose);
    return analysis;
}

static int start_job(struct analysis *analysis)
{
    struct jobs *const jobs = analysis->service->jobs;
    int r = 0;
    if (analysis->reads_frames)
        r = jobs_start_long(jobs, on_work, on_done, analysis, &analysis->error);
    else if ((r = jobs_start(jobs, on_work, on_done, analysis)) < 0)
        error_set(&analysis->error, r, "no memory for an analysis");
    if (r < 0)
        analysis->code = r == -EBUSY ? "busy" : "internal";
    return r;
}

/* It is replied to now, or when the job is done. */
static void start(struct analysis *analysis)
{
    if (!analysis->code && start_job(analysis) == 0)
        return;
    if (analysis->sweep)
        acquisition_sweep_end(analysis->service->acquisition, analysis->error.text);
    end(analysis, false);
}

void analysis_start(const struct control_service *service, struct request *request, json_t *args,
                    void (*compute)(struct analysis *analysis))
{
    struct analysis *const analysis = create(service, request, args, map_pass_choose, compute);
    if (analysis)
        start(analysis);
}

void analysis_start_long(const struct control_service *service, struct request *request,
                         json_t *args, void (*compute)(struct analysis *analysis))
{
    struct analysis *const analysis = create(service, request, args, map_pass_choose, compute);
    if (!analysis)
        return;
    analysis->reads_frames = true;
    start(analysis);
}

void analysis_start_frames(const struct control_service *service, struct request *request,
                           json_t *args, void (*compute)(struct analysis *analysis))
{
    struct analysis *const analysis = create(service, request, args, map_pass_begun, compute);
    if (analysis)
        start(analysis);
}

static void begin_sweep(struct analysis *analysis, const char *what)
{
    struct frame_sums_progress *const progress = calloc(1, sizeof *progress);
    if (!progress) {
        analysis_refuse(analysis, "internal", NULL, "no memory to read the frames again");
    } else if (acquisition_sweep_begin(analysis->service->acquisition, analysis->run, what,
                                       progress) < 0) {
        analysis_refuse(analysis, "busy", NULL,
                        "the frames are being read again already, for another request: wait for "
                        "its end");
        free(progress);
    } else {
        analysis->sweep = progress;
    }
}

void analysis_start_sweep(const struct control_service *service, struct request *request,
                          json_t *args, const char *what, void *data,
                          void (*compute)(struct analysis *analysis),
                          void (*finish)(struct analysis *analysis, bool cancelled))
{
    struct analysis *const analysis = create(service, request, args, map_pass_choose, compute);
    if (!analysis) {
        free(data);
        return;
    }
    analysis->data = data;
    analysis->finish = finish;
    if (!analysis->code)
        begin_sweep(analysis, what);
    start(analysis);
}

/* ---- results ---- */

void analysis_add_part(struct analysis *analysis, const char *name, const char *dtype,
                       json_t *shape, json_t *dims, const char *units, void *values, size_t size)
{
    const unsigned i = analysis->n_parts++;
    analysis->values[i] = values;
    analysis->parts[i] = (struct reply_part){values, size};
    json_array_append_new(analysis->described,
                          json_pack("{s:s, s:s, s:o, s:o, s:s, s:I, s:s}", "name", name, "dtype",
                                    dtype, "shape", shape, "dims", dims, "units", units, "nbytes",
                                    (json_int_t)size, "encoding", "raw"));
}

void analysis_add_map(struct analysis *analysis, const char *name, const char *units,
                      double *values)
{
    const struct map_pass *const pass = &analysis->pass;
    analysis_add_part(analysis, name, "<f8",
                      json_pack("[I, I]", (json_int_t)pass->ny, (json_int_t)pass->nx),
                      json_pack("[s, s]", "scan_y", "scan_x"), units, values,
                      (size_t)pass->ny * pass->nx * sizeof *values);
}

json_t *analysis_number(double value)
{
    return isfinite(value) ? json_real(value) : json_null();
}

json_t *analysis_numbers(const double *values, unsigned n)
{
    json_t *const array = json_array();
    for (unsigned i = 0; i < n; i++)
        json_array_append_new(array, analysis_number(values[i]));
    return array;
}
