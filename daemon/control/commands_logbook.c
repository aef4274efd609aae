#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "daemon/control/commands.h"
#include "daemon/json_time.h"

/* note, series_put and series: the logbook. */

/* [s, ns]; left out: now. */
static bool take_time(const json_t *time, uint64_t *ns)
{
    if (!time) {
        *ns = clock_realtime_ns();
        return true;
    }
    const json_t *const s = json_array_get(time, 0), *const rest = json_array_get(time, 1);
    if (json_array_size(time) != 2 || !json_is_integer(s) || !json_is_integer(rest) ||
        json_integer_value(s) < 0 || json_integer_value(s) > 9000000000 ||
        json_integer_value(rest) < 0 || json_integer_value(rest) >= (json_int_t)NS_PER_S)
        return false;
    *ns = (uint64_t)json_integer_value(s) * NS_PER_S + (uint64_t)json_integer_value(rest);
    return true;
}

/* The run whose file gets it, null: the next one that is recorded. */
static json_t *run_of(const struct control_service *service)
{
    const struct run *const run = acquisition_run(service->acquisition);
    const bool goes_on = run && run->plan->recording.enabled &&
                         atomic_load_explicit(&run->phase, memory_order_acquire) == RUN_ACQUIRING;
    return goes_on ? json_string(run->plan->id) : json_null();
}

void command_note(const struct control_service *service, struct request *request, json_t *args)
{
    const char *const text = json_string_value(json_object_get(args, "text"));
    const json_t *const author = json_object_get(args, "author");
    struct error error = {0};
    uint64_t time_ns;
    if (!text) {
        request_fail(request, "bad_value", "args.text", "text must be the note");
    } else if (author && !json_is_string(author)) {
        request_fail(request, "bad_value", "args.author", "author must be a text");
    } else if (!take_time(json_object_get(args, "time"), &time_ns)) {
        request_fail(request, "bad_value", "args.time", "time must be [s, ns], UNIX time");
    } else if (logbook_add_note(acquisition_logbook(service->acquisition), time_ns,
                                author ? json_string_value(author) : "", text, &error) < 0) {
        request_fail(request, "bad_value", "args.text", "%s", error.text);
    } else {
        request_succeed(request,
                        json_pack("{s:o, s:o}", "time", json_time(time_ns), "run", run_of(service)),
                        NULL, 0);
    }
}

/* One value, or a list of them with as many times. */
static size_t count_samples(const json_t *value)
{
    return json_is_array(value) ? json_array_size(value) : 1;
}

static bool take_sample(const json_t *value, const json_t *time, struct logbook_sample *sample)
{
    sample->value = json_is_null(value) ? NAN : json_number_value(value);
    return (json_is_number(value) || json_is_null(value)) && take_time(time, &sample->time_ns);
}

static bool take_samples(const json_t *args, struct logbook_sample *samples, size_t n)
{
    const json_t *const value = json_object_get(args, "value");
    const json_t *const time = json_object_get(args, "time");
    if (!json_is_array(value))
        return take_sample(value, time, samples);
    if (json_array_size(time) != n)
        return false;
    for (size_t i = 0; i < n; i++) {
        if (!take_sample(json_array_get(value, i), json_array_get(time, i), &samples[i]))
            return false;
    }
    return true;
}

static void put_samples(const struct control_service *service, struct request *request,
                        const char *name, const char *unit, const struct logbook_sample *samples,
                        size_t n)
{
    struct error error = {0};
    const int r = logbook_add_samples(acquisition_logbook(service->acquisition), name, unit,
                                      samples, n, &error);
    if (r < 0)
        request_fail(request, r == -ENOMEM ? "internal" : "bad_value", "args.name", "%s",
                     error.text);
    else
        request_succeed(request,
                        json_pack("{s:s, s:I, s:o}", "name", name, "samples", (json_int_t)n, "run",
                                  run_of(service)),
                        NULL, 0);
}

void command_series_put(const struct control_service *service, struct request *request,
                        json_t *args)
{
    const char *const name = json_string_value(json_object_get(args, "name"));
    const char *const unit = json_string_value(json_object_get(args, "unit"));
    const size_t n = count_samples(json_object_get(args, "value"));
    struct logbook_sample *const samples = calloc(n + 1, sizeof *samples);
    if (!samples)
        request_fail(request, "internal", NULL, "no memory");
    else if (!name || !unit)
        request_fail(request, "bad_value", name ? "args.unit" : "args.name",
                     "name and unit must be texts");
    else if (!take_samples(args, samples, n))
        request_fail(request, "bad_value", "args.value",
                     "value must be a number, with a time [s, ns] or now, or a list of numbers "
                     "with a list of as many times");
    else
        put_samples(service, request, name, unit, samples, n);
    free(samples);
}

void command_series(const struct control_service *service, struct request *request, json_t *args)
{
    (void)args;
    request_succeed(request,
                    json_pack("{s:o}", "series",
                              logbook_series_json(acquisition_logbook(service->acquisition))),
                    NULL, 0);
}
