#include "daemon/hooks.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/log.h"
#include "daemon/hook_process.h"

/* Runs that are over while the program is at an earlier one. */
#define WAITING_MAX 1000
/* From SIGTERM to SIGKILL, at most; no longer than the program was given itself. */
#define GRACE_MS 5000

/* Of one end: what the event and the log tell. */
struct hook_end {
    int exit_code;      /* -1: none */
    int signal;         /* 0: none */
    const char *detail; /* a sentence's end: "ended with exit code 3" */
};

static void start_next(struct hooks *hooks);

static double seconds_since(uint64_t began_ns)
{
    return began_ns ? (double)(clock_monotonic_ns() - began_ns) / NS_PER_S : 0;
}

static json_t *number_or_null(int number, bool given)
{
    return given ? json_integer(number) : json_null();
}

/* How it went, to the log and to whoever listens. */
static void tell(struct hooks *hooks, const json_t *summary, const struct hook_end *end)
{
    const json_t *const id = json_object_get(summary, "id");
    const bool good = end->exit_code == 0;
    char text[700];
    snprintf(text, sizeof text, "hooks.on_scan_end of run %s %s", json_string_value(id),
             end->detail);
    const enum log_level level = good ? LOG_LEVEL_INFO : LOG_LEVEL_WARNING;
    log_write(&(const struct log_about){.level = level}, "hooks", "%s", text);
    json_t *const hook = json_pack("{s:s, s:s, s:o, s:o, s:f}", "name", "on_scan_end", "program",
                                   hooks->settings->on_scan_end.text, "exit_code",
                                   number_or_null(end->exit_code, end->exit_code >= 0), "signal",
                                   number_or_null(end->signal, end->signal > 0), "seconds",
                                   seconds_since(hooks->began_ns));
    hooks->event(
        hooks->data, "hook",
        json_pack("{s:s, s:O, s:s, s:o}", "event", "hook", "run", id, "text", text, "hook", hook));
}

/* ---- its end ---- */

static void describe_end(const struct hooks *hooks, const siginfo_t *info, char *detail,
                         size_t size, struct hook_end *end)
{
    *end = (struct hook_end){.exit_code = -1, .detail = detail};
    if (info->si_code == CLD_EXITED)
        end->exit_code = info->si_status;
    else
        end->signal = info->si_status;
    const int n = snprintf(detail, size, "ended with %s %d after %.1f s",
                           end->signal ? "signal" : "exit code", info->si_status,
                           seconds_since(hooks->began_ns));
    if (hooks->too_long && n > 0 && (size_t)n < size)
        snprintf(detail + n, size - (size_t)n, ": it took longer than hooks.time_limit, %g s",
                 hooks->settings->time_limit_s);
}

static void forget_process(struct hooks *hooks)
{
    uv_poll_stop(&hooks->watch);
    uv_timer_stop(&hooks->limit);
    close(hooks->descriptor);
    hooks->process = 0;
}

static void on_watch_closed(uv_handle_t *handle)
{
    struct hooks *const hooks = handle->data;
    json_decref(hooks->summary);
    hooks->summary = NULL;
    start_next(hooks);
}

/* The process stays a zombie until it is known what to do with its group, whose number it holds.
 * What a program has left running on purpose may go on, but not what it could not end in time. */
static void on_ended(uv_poll_t *watch, int status, int events)
{
    struct hooks *const hooks = watch->data;
    const id_t descriptor = (id_t)hooks->descriptor;
    siginfo_t info = {0};
    struct hook_end end;
    char detail[200];
    (void)status;
    (void)events;
    if (waitid(P_PIDFD, descriptor, &info, WEXITED | WNOHANG | WNOWAIT) < 0 || !info.si_pid)
        return;
    if (hooks->too_long)
        kill(-hooks->process, SIGKILL);
    waitid(P_PIDFD, descriptor, &info, WEXITED | WNOHANG);
    describe_end(hooks, &info, detail, sizeof detail, &end);
    forget_process(hooks);
    tell(hooks, hooks->summary, &end);
    uv_close((uv_handle_t *)&hooks->watch, on_watch_closed);
}

static uint64_t limit_ms(const struct hooks *hooks)
{
    return (uint64_t)(hooks->settings->time_limit_s * 1000);
}

static void on_limit(uv_timer_t *timer)
{
    struct hooks *const hooks = timer->data;
    const uint64_t limit = limit_ms(hooks);
    kill(-hooks->process, hooks->too_long ? SIGKILL : SIGTERM);
    hooks->too_long = true;
    uv_timer_start(timer, on_limit, limit < GRACE_MS ? limit : GRACE_MS, 0);
}

/* ---- its beginning ---- */

static const char *text_of(const json_t *summary, const char *name)
{
    const char *const text = json_string_value(json_object_get(summary, name));
    return text ? text : "";
}

static int start(struct hooks *hooks, struct error *error)
{
    static const struct {
        const char *name, *member;
    } facts[] = {{"MERLIND_RUN", "id"}, {"MERLIND_REASON", "reason"}, {"MERLIND_FILE", "file"}};
    enum { N_FACTS = sizeof facts / sizeof *facts };
    char *environment[N_FACTS + 2] = {0};
    char *const input = json_dumps(hooks->summary, JSON_COMPACT);
    bool whole =
        input && asprintf(&environment[N_FACTS], "MERLIND_ENDPOINT=%s", hooks->endpoint) > 0;
    for (size_t i = 0; i < N_FACTS && whole; i++)
        whole = asprintf(&environment[i], "%s=%s", facts[i].name,
                         text_of(hooks->summary, facts[i].member)) > 0;
    const int r = whole ? hook_process_start(&hooks->settings->on_scan_end, input, environment,
                                             &hooks->process, &hooks->descriptor, error)
                        : error_set(error, -ENOMEM, "no memory");
    for (size_t i = 0; i <= N_FACTS; i++)
        free(environment[i]);
    free(input);
    return r;
}

static void watch_it(struct hooks *hooks)
{
    hooks->began_ns = clock_monotonic_ns();
    hooks->too_long = false;
    uv_poll_init(hooks->loop, &hooks->watch, hooks->descriptor);
    hooks->watch.data = hooks;
    uv_poll_start(&hooks->watch, UV_READABLE, on_ended);
    uv_timer_start(&hooks->limit, on_limit, limit_ms(hooks), 0);
}

static void start_next(struct hooks *hooks)
{
    while (!hooks->summary && json_array_size(hooks->waiting) > 0) {
        struct error error = {0};
        hooks->summary = json_incref(json_array_get(hooks->waiting, 0));
        json_array_remove(hooks->waiting, 0);
        hooks->began_ns = 0;
        if (start(hooks, &error) == 0) {
            watch_it(hooks);
            return;
        }
        tell(hooks, hooks->summary, &(struct hook_end){.exit_code = -1, .detail = error.text});
        json_decref(hooks->summary);
        hooks->summary = NULL;
    }
}

void hooks_scan_ended(struct hooks *hooks, const json_t *summary)
{
    static const struct hook_end left_out = {
        .exit_code = -1,
        .detail = "was not started: it is too many runs behind, see hooks.time_limit"};
    if (!hooks->waiting || hooks->settings->on_scan_end.n == 0)
        return;
    if (json_array_size(hooks->waiting) == WAITING_MAX) {
        tell(hooks, summary, &left_out);
        return;
    }
    json_array_append_new(hooks->waiting, json_pack("O", summary));
    start_next(hooks);
}

bool hooks_busy(const struct hooks *hooks)
{
    return hooks->summary || json_array_size(hooks->waiting) > 0;
}

/* ---- */

void hooks_init(struct hooks *hooks, uv_loop_t *loop, const struct hook_settings *settings,
                const char *endpoint)
{
    hooks->loop = loop;
    hooks->settings = settings;
    hooks->endpoint = endpoint;
    hooks->waiting = json_array();
    uv_timer_init(loop, &hooks->limit);
    hooks->limit.data = hooks;
}

void hooks_finish(struct hooks *hooks)
{
    if (!hooks->waiting)
        return;
    if (hooks->process) {
        log_warning("hooks", "hooks.on_scan_end was still at run %s when merlind ended",
                    text_of(hooks->summary, "id"));
        kill(-hooks->process, SIGKILL);
        waitid(P_PIDFD, (id_t)hooks->descriptor, &(siginfo_t){0}, WEXITED);
        forget_process(hooks);
        uv_close((uv_handle_t *)&hooks->watch, NULL);
    }
    json_decref(hooks->summary);
    json_decref(hooks->waiting);
    hooks->summary = hooks->waiting = NULL;
    uv_close((uv_handle_t *)&hooks->limit, NULL);
}
