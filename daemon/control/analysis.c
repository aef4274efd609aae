#include "daemon/control/analysis.h"

#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/calibration/references.h"
#include "processing/analysis/map_correlation.h"

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

/* It is replied to now, or when the job is done. */
static void start(struct analysis *analysis)
{
    if (!analysis->code && jobs_start(analysis->service->jobs, on_work, on_done, analysis) == 0)
        return;
    if (!analysis->code)
        analysis_refuse(analysis, "internal", NULL, "no memory for an analysis");
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

/* ---- arguments ---- */

/* args.NAME; `field` has room for struct analysis.field. */
static const json_t *find(const struct analysis *analysis, const char *name, char field[32])
{
    snprintf(field, 32, "args.%s", name);
    return json_object_get(analysis->args, name);
}

int analysis_take_number(struct analysis *analysis, const char *name, double low, double high,
                         double *value)
{
    char field[32];
    const json_t *const given = find(analysis, name, field);
    if (!given)
        return 0;
    const double number = json_number_value(given);
    if (!json_is_number(given) || !(number >= low && number <= high))
        return analysis_refuse(analysis, "bad_value", field, "%s must be a number from %g to %g",
                               name, low, high);
    *value = number;
    return 0;
}

int analysis_take_integer(struct analysis *analysis, const char *name, int64_t low, int64_t high,
                          int64_t *value)
{
    char field[32];
    const json_t *const given = find(analysis, name, field);
    if (!given)
        return 0;
    const int64_t number = json_integer_value(given);
    if (!json_is_integer(given) || number < low || number > high)
        return analysis_refuse(analysis, "bad_value", field,
                               "%s must be a whole number from %lld to %lld", name, (long long)low,
                               (long long)high);
    *value = number;
    return 0;
}

int analysis_take_word(struct analysis *analysis, const char *name, const char *const *words,
                       unsigned *index)
{
    char field[32], list[128] = "";
    const json_t *const given = find(analysis, name, field);
    if (!given)
        return 0;
    const char *const word = json_string_value(given);
    for (unsigned i = 0; words[i]; i++) {
        if (word && strcmp(word, words[i]) == 0) {
            *index = i;
            return 0;
        }
        const size_t used = strlen(list);
        snprintf(list + used, sizeof list - used, "%s%s", i ? ", " : "", words[i]);
    }
    return analysis_refuse(analysis, "bad_value", field, "%s must be one of %s", name, list);
}

int analysis_take_place(struct analysis *analysis, const char *name, double *y, double *x)
{
    char field[32];
    const json_t *const given = find(analysis, name, field);
    const json_t *const first = json_array_get(given, 0), *const second = json_array_get(given, 1);
    if (json_array_size(given) != 2 || !json_is_number(first) || !json_is_number(second))
        return analysis_refuse(analysis, "bad_value", field,
                               "%s must be [y, x], two numbers in scan positions", name);
    *y = json_number_value(first);
    *x = json_number_value(second);
    return 0;
}

int analysis_take_flag(struct analysis *analysis, const char *name, bool *value)
{
    char field[32];
    const json_t *const given = json_object_get(analysis->args, name);
    snprintf(field, sizeof field, "args.%s", name);
    if (given && !json_is_boolean(given))
        return analysis_refuse(analysis, "bad_value", field, "%s must be true or false", name);
    *value = given ? json_is_true(given) : *value;
    return 0;
}

int analysis_take_layer(struct analysis *analysis, unsigned *layer)
{
    const struct run *const run = analysis->run;
    const json_t *const given = json_object_get(analysis->args, "layer");
    const char *const wanted = json_string_value(given);
    *layer = 0;
    if (!given)
        return 0;
    if (!wanted)
        return analysis_refuse(analysis, "bad_value", "args.layer",
                               "layer must be the name of a layer of the newest run");
    while (*layer < run->n_layers && strcmp(run_layer_name(run, *layer), wanted) != 0)
        ++*layer;
    if (*layer < run->n_layers)
        return 0;
    return analysis_refuse(analysis, "no_data", "args.layer",
                           "the newest run has no layer %.20s: its summary names those it has "
                           "(none in a run of one counter: leave layer out)",
                           wanted);
}

static int read_map(struct analysis *analysis, const char *field, const json_t *name,
                    const struct map_pass *pass, double **values)
{
    const char *const text = json_string_value(name);
    if (!text)
        return analysis_refuse(analysis, "bad_value", field,
                               "%s must be the name of a map of the newest run%s", field + 5,
                               strcmp(field, "args.name") == 0 ? "" : ", or a list of such names");
    const int r = map_values_read(values, analysis->run, pass, text, &analysis->error);
    return r < 0 ? analysis_refuse_error(analysis, r, field) : 0;
}

int analysis_read_map(struct analysis *analysis, const char *name, const struct map_pass *pass,
                      double **values)
{
    char field[32];
    const json_t *const given = find(analysis, name, field);
    *values = NULL;
    return read_map(analysis, field, given, pass, values);
}

/* The first is in `sum` already. */
static int add_maps(struct analysis *analysis, const char *field, const json_t *names,
                    const struct map_pass *pass, double *sum)
{
    for (size_t i = 1; i < json_array_size(names); i++) {
        double *more = NULL;
        if (read_map(analysis, field, json_array_get(names, i), pass, &more) < 0)
            return -1;
        map_add(sum, sum, more, (uint64_t)pass->ny * pass->nx);
        free(more);
    }
    return 0;
}

int analysis_read_maps(struct analysis *analysis, const char *name, const struct map_pass *pass,
                       double **values)
{
    enum { MOST = 16 };
    char field[32];
    const json_t *const given = find(analysis, name, field);
    const bool list = json_is_array(given) && strcmp(name, "name") != 0;
    *values = NULL;
    if (json_array_size(given) > MOST)
        return analysis_refuse(analysis, "bad_value", field, "at most %d maps can be summed", MOST);
    if (read_map(analysis, field, list ? json_array_get(given, 0) : given, pass, values) < 0)
        return -1;
    if (list && add_maps(analysis, field, given, pass, *values) < 0) {
        free(*values);
        *values = NULL;
        return -1;
    }
    return 0;
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
