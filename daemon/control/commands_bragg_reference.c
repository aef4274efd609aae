#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/bragg/bragg_reference_json.h"
#include "daemon/bragg/bragg_references.h"
#include "daemon/control/commands.h"
#include "daemon/control/commands_bragg.h"
#include "daemon/control/commands_calibration.h"
#include "processing/bragg_run/bragg_measure.h"
#include "processing/products/bragg_product.h"
#include "processing/run/run_bragg.h"
#include "processing/run/run_products.h"

/* bragg_reference: named references are measured, listed, used and removed. */

/* Rows and columns [from, to) of the scan. */
struct area {
    bool given;
    uint32_t from_y, from_x, to_y, to_x;
};

/* A measurement on its way to its reply. Between the two it belongs to the job's thread. */
struct measuring_job {
    const struct control_service *service;
    struct request *request;
    struct run *run; /* with a reference */
    struct scan_geometry scan;
    struct area area;
    struct bragg_measuring measuring;
    char name[KEPT_NAME_SIZE];
    bool use;
    struct bragg_reference *reference; /* what was measured */
    struct error error;
};

static void job_destroy(struct measuring_job *job)
{
    bragg_reference_unref(job->reference);
    scan_list_unref(job->scan.list);
    run_unref(job->run);
    free(job);
}

/* ---- the measurement ---- */

static bool is_in_area(void *data, uint64_t exposure)
{
    const struct measuring_job *const job = data;
    const struct area *const area = &job->area;
    const int64_t position = scan_geometry_position(&job->scan, exposure);
    if (position < 0)
        return false;
    const uint64_t of_pass = (uint64_t)position % ((uint64_t)job->scan.ny * job->scan.nx);
    const uint64_t y = of_pass / job->scan.nx, x = of_pass % job->scan.nx;
    return y >= area->from_y && y < area->to_y && x >= area->from_x && x < area->to_x;
}

static void measure(void *data)
{
    struct measuring_job *const job = data;
    (void)bragg_measure(&job->measuring, &job->reference, &job->error);
}

/* ---- the answer ---- */

static json_t *origin_json(const struct measuring_job *job)
{
    const struct area *const area = &job->area;
    json_t *const origin = json_pack("{s:s}", "run", job->run->plan->id);
    json_object_set_new(origin, "area",
                        area->given ? json_pack("[I, I, I, I]", (json_int_t)area->from_y,
                                                (json_int_t)area->from_x, (json_int_t)area->to_y,
                                                (json_int_t)area->to_x)
                                    : json_null());
    return origin;
}

static json_t *one_json(const struct control_service *service, const char *name)
{
    const struct kept *const kept =
        kept_store_find(acquisition_kept(service->acquisition), BRAGG_REFERENCES_KIND, name);
    json_t *const json = kept ? json_copy(kept->document) : json_object();
    json_object_set_new(json, "name", json_string(name));
    return json;
}

static void refuse(struct request *request, const struct error *error, const char *field)
{
    const char *const code = error->code == -ENODATA || error->code == -ENOENT ? "no_data"
                             : error->code == -EBUSY                           ? "busy"
                             : error->code == -ENOMEM                          ? "internal"
                                                                               : "bad_value";
    request_fail(request, code, field, "%s", error->text);
}

/* Of the measured reference; true: it is kept. */
static bool keep(struct measuring_job *job)
{
    if (!job->error.code &&
        bragg_references_put(acquisition_kept(job->service->acquisition), job->name, job->reference,
                             origin_json(job), &job->error) == 0)
        return true;
    refuse(job->request, &job->error, NULL);
    return false;
}

static void answer_measured(struct measuring_job *job)
{
    struct bragg_plan plan;
    struct error error = {0};
    bragg_plan_copy(&plan, acquisition_bragg(job->service->acquisition));
    bool good = keep(job);
    if (good && job->use) {
        good = bragg_use_reference(job->service, job->request, job->name, "args.name", &plan);
        plan.enabled = true;
        if (good && acquisition_set_bragg(job->service->acquisition, &plan, NULL, &error) < 0) {
            refuse(job->request, &error, NULL);
            good = false;
        }
    }
    bragg_plan_finish(&plan);
    if (good)
        request_succeed(job->request,
                        json_pack("{s:o}", "reference", one_json(job->service, job->name)), NULL,
                        0);
}

static void done(void *data, bool cancelled)
{
    struct measuring_job *const job = data;
    if (cancelled)
        request_abandon(job->request);
    else
        answer_measured(job);
    job_destroy(job);
}

/* ---- asking for it ---- */

static bool take_area(struct request *request, const json_t *args, const struct run *run,
                      struct area *area)
{
    const json_t *const given = json_object_get(args, "area");
    const struct scan_geometry *const scan = run_scan(run);
    json_int_t n[4] = {0};
    if (!given)
        return true;
    for (size_t i = 0; i < 4; i++)
        n[i] = json_integer_value(json_array_get(given, i));
    area->given = json_array_size(given) == 4 && n[0] >= 0 && n[1] >= 0 && n[2] > n[0] &&
                  n[3] > n[1] && n[2] <= scan->ny && n[3] <= scan->nx;
    area->from_y = (uint32_t)n[0];
    area->from_x = (uint32_t)n[1];
    area->to_y = (uint32_t)n[2];
    area->to_x = (uint32_t)n[3];
    if (!area->given)
        request_fail(request, "bad_value", "args.area",
                     "area must be [y0, x0, y1, x1], rows and columns of the scan of %u x %u "
                     "positions, those from y0 to y1 - 1 and x0 to x1 - 1",
                     scan->ny, scan->nx);
    return area->given;
}

/* The whole run has been measured in its end. */
static struct bragg_reference *found_already(const struct measuring_job *job)
{
    const struct product *const product = run_bragg(job->run);
    if (job->area.given || !product || bragg_product_is_provisional(product))
        return NULL;
    const struct bragg_product_setup *const setup = bragg_product_setup(product);
    return setup->in_template ? bragg_reference_ref(setup->reference) : NULL;
}

static int prepare(struct measuring_job *job, struct error *error)
{
    const struct bragg_plan *const plan = acquisition_bragg(job->service->acquisition);
    struct run *const run = job->run;
    job->measuring = (struct bragg_measuring){
        .run = run,
        .bad = run_bad_pixels(run),
        .counts_min = plan->counts_min,
        .counts_max = plan->counts_max,
        .wanted = job->area.given ? is_in_area : NULL,
        .data = job,
        .n_threads = run->n_workers,
    };
    return run_bragg_settings(plan, run, &job->measuring.settings, error);
}

static void begin(struct measuring_job *job)
{
    struct error error = {0};
    job->reference = found_already(job);
    if (job->reference) {
        done(job, false);
        return;
    }
    if (prepare(job, &error) < 0 ||
        jobs_start_long(job->service->jobs, measure, done, job, &error) < 0) {
        refuse(job->request, &error, NULL);
        job_destroy(job);
    }
}

static void take_measure(const struct control_service *service, struct request *request,
                         const json_t *args, const char *name)
{
    struct run *const run = command_take_run(service, request, args);
    if (!run)
        return;
    struct measuring_job *const job = calloc(1, sizeof *job);
    if (!job) {
        request_fail(request, "internal", NULL, "no memory");
        return;
    }
    job->service = service;
    job->request = request;
    job->run = run_ref(run);
    job->scan = *run_scan(run);
    scan_list_ref(job->scan.list);
    snprintf(job->name, sizeof job->name, "%s", name);
    job->use = json_is_true(json_object_get(args, "use"));
    if (take_area(request, args, run, &job->area))
        begin(job);
    else
        job_destroy(job);
}

/* ---- the others ---- */

static void use(const struct control_service *service, struct request *request, const char *name)
{
    struct bragg_plan plan;
    bragg_plan_copy(&plan, acquisition_bragg(service->acquisition));
    if (bragg_use_reference(service, request, name, "args.name", &plan)) {
        plan.enabled = true;
        bragg_change(service, request, &plan, false);
    }
    bragg_plan_finish(&plan);
}

static void remove_kept(const struct control_service *service, struct request *request,
                        const char *name)
{
    struct error error = {0};
    if (kept_store_remove(acquisition_kept(service->acquisition), BRAGG_REFERENCES_KIND, name,
                          &error) < 0)
        refuse(request, &error, "args.name");
    else
        request_succeed(request, json_pack("{s:s}", "removed", name), NULL, 0);
}

void command_bragg_reference(const struct control_service *service, struct request *request,
                             json_t *args)
{
    const json_t *const action = json_object_get(args, "action");
    const char *const word = action ? json_string_value(action) : "list";
    const char *name;
    if (!calibration_take_name(request, args, "name", &name))
        return;
    if (word && strcmp(word, "list") == 0)
        request_succeed(request,
                        json_pack("{s:o}", "references",
                                  bragg_references_list(acquisition_kept(service->acquisition))),
                        NULL, 0);
    else if (!word || (strcmp(word, "measure") != 0 && strcmp(word, "use") != 0 &&
                       strcmp(word, "remove") != 0))
        request_fail(request, "bad_value", "args.action",
                     "action must be list, measure, use or remove");
    else if (!name)
        request_fail(request, "bad_value", "args.name", "name must be that of a reference");
    else if (strcmp(word, "measure") == 0)
        take_measure(service, request, args, name);
    else if (strcmp(word, "use") == 0)
        use(service, request, name);
    else
        remove_kept(service, request, name);
}
