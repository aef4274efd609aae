#include <errno.h>
#include <stdlib.h>

#include "daemon/bragg/headline_json.h"
#include "daemon/bragg/statistics_json.h"
#include "daemon/control/commands.h"
#include "daemon/control/commands_calibration.h"
#include "processing/bragg_run/bragg_injection.h"

/* bragg_injection_test: how often reflections of known contrast are found in the newest run. */

#define FRAMES 2000
#define CONFIDENCE 0.95

/* Between request and reply it belongs to the job's thread. */
struct injection_job {
    struct request *request;
    struct bragg_injection injection; /* its run with a reference */
    struct error error;
};

static void job_destroy(struct injection_job *job)
{
    run_unref(job->injection.run);
    free(job);
}

static void work(void *data)
{
    struct injection_job *const job = data;
    (void)bragg_injection_test(&job->injection, &job->error);
}

static void refuse(struct request *request, const struct error *error)
{
    const char *const code = error->code == -ENODATA || error->code == -ENOENT ? "no_data"
                             : error->code == -EBUSY                           ? "busy"
                                                                               : "internal";
    request_fail(request, code, NULL, "%s", error->text);
}

static void answer(void *data, bool cancelled)
{
    struct injection_job *const job = data;
    const struct bragg_injection *const injection = &job->injection;
    if (cancelled) {
        request_abandon(job->request);
    } else if (job->error.code) {
        refuse(job->request, &job->error);
    } else {
        json_t *const rates = json_array();
        for (unsigned i = 0; i < injection->n_contrasts; i++)
            json_array_append_new(rates, found_rate_json(&injection->rates[i], CONFIDENCE));
        request_succeed(job->request,
                        json_pack("{s:s, s:f, s:o, s:o}", "run", injection->run->plan->id,
                                  "confidence", CONFIDENCE, "overdispersion",
                                  number_json(injection->overdispersion), "rates", rates),
                        NULL, 0);
    }
    job_destroy(job);
}

static bool take_contrasts(struct request *request, const json_t *args,
                           struct bragg_injection *injection)
{
    static const double usual[] = {0.5, 1, 1.5, 2, 3, 4, 6, 8, 12, 16};
    const json_t *const given = json_object_get(args, "contrasts");
    const size_t n = given ? json_array_size(given) : sizeof usual / sizeof usual[0];
    bool good = n > 0 && n <= BRAGG_INJECTIONS_MAX;
    for (size_t i = 0; i < n && good; i++) {
        const json_t *const one = json_array_get(given, i);
        injection->rates[i].contrast = given ? json_number_value(one) : usual[i];
        good = !given || (json_is_number(one) && json_number_value(one) >= 0 &&
                          json_number_value(one) <= 1000);
    }
    injection->n_contrasts = (unsigned)n;
    if (!good)
        request_fail(request, "bad_value", "args.contrasts",
                     "contrasts must be 1 to %d numbers from 0 to 1000", BRAGG_INJECTIONS_MAX);
    return good;
}

void command_bragg_injection_test(const struct control_service *service, struct request *request,
                                  json_t *args)
{
    struct run *const run = command_take_run(service, request, args);
    double frames = FRAMES;
    if (!run)
        return;
    struct injection_job *const job = calloc(1, sizeof *job);
    if (!job) {
        request_fail(request, "internal", NULL, "no memory");
        return;
    }
    job->request = request;
    job->injection.run = run_ref(run);
    job->injection.n_threads = run->n_workers;
    if (!take_contrasts(request, args, &job->injection) ||
        !calibration_take_number(request, args, "frames", 1, 1e9, &frames)) {
        job_destroy(job);
        return;
    }
    job->injection.max_frames = (uint64_t)frames;
    struct error error = {0};
    if (jobs_start_long(service->jobs, work, answer, job, &error) < 0) {
        refuse(request, &error);
        job_destroy(job);
    }
}
