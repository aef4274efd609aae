#include "common/log.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "common/clock.h"
#include "common/log_line.h"
#include "common/queue.h"

enum { LINES = 512 };

#define FINISH_TIMEOUT_NS (2 * NS_PER_S)

/*
 * The log is global because whatever reports trouble must not need a handle for it.
 *
 * A line belongs to whoever popped it from `unused` until it is pushed on `filled`, then to the
 * writing thread, which puts it back. Both queues are lock-free and live as long as the process: a
 * thread may be inside log_write while log_finish runs. `dropped` is added to by anybody;
 * `reported` belongs to the writing thread. After a fork the child has no writing thread, so
 * `running` is cleared there and the child writes its lines directly; `forked` makes a log_init of
 * the child start from fresh queues.
 */
static struct {
    struct queue unused, filled;
    struct log_line lines[LINES];
    bool prepared, forked;
    pthread_t thread;
    _Atomic bool running;
    _Atomic int level;
    _Atomic uint64_t dropped;
    _Atomic uint64_t
        give_up_ns; /* monotonic: from then on a stderr that takes nothing loses lines */
    uint64_t reported;
} state = {.level = LOG_LEVEL_INFO, .give_up_ns = UINT64_MAX};

static struct log_line stop_mark;

static const char *journal_socket = "/run/systemd/journal/socket";

static const char *const levels[] = {
    [LOG_LEVEL_ERROR] = "error", [LOG_LEVEL_WARNING] = "warning", [LOG_LEVEL_NOTICE] = "notice",
    [LOG_LEVEL_INFO] = "info",   [LOG_LEVEL_DEBUG] = "debug",
};

bool log_level_from_name(const char *name, enum log_level *level)
{
    for (size_t i = 0; i < sizeof levels / sizeof levels[0]; i++) {
        if (strcmp(name, levels[i]) == 0) {
            *level = (enum log_level)i;
            return true;
        }
    }
    return false;
}

const char *log_level_name(enum log_level level)
{
    return levels[level];
}

void log_set_level(enum log_level level)
{
    atomic_store_explicit(&state.level, (int)level, memory_order_relaxed);
}

uint64_t log_dropped(void)
{
    return atomic_load_explicit(&state.dropped, memory_order_relaxed);
}

/* What a detector or a client sent may be quoted in a line; it must not be able to forge a second
 * one. */
static void replace_control_characters(char *text)
{
    for (; *text; text++) {
        if ((unsigned char)*text < 0x20 || *text == 0x7f)
            *text = *text == '\n' || *text == '\t' ? ' ' : '?';
    }
}

static void write_line(const struct log_line *line, const struct log_outlet *outlet)
{
    if (!log_outlet_write(outlet, line))
        atomic_fetch_add_explicit(&state.dropped, 1, memory_order_relaxed);
}

static void fill_line(struct log_line *line, const struct log_about *about, const char *component,
                      const char *format, va_list arguments)
{
    line->time_ns = clock_realtime_ns();
    line->about = *about;
    line->about.run = NULL;
    snprintf(line->run, sizeof line->run, "%s", about->run ? about->run : "");
    replace_control_characters(line->run);
    snprintf(line->component, sizeof line->component, "%s", component);
    if (vsnprintf(line->text, sizeof line->text, format, arguments) < 0)
        snprintf(line->text, sizeof line->text, "(a message that cannot be formatted: %s)", format);
    replace_control_characters(line->text);
    replace_control_characters(line->component);
}

__attribute__((format(printf, 2, 3))) static void write_own_line(const struct log_outlet *outlet,
                                                                 const char *format, ...)
{
    struct log_line line;
    va_list arguments;
    va_start(arguments, format);
    fill_line(&line, LOG_ABOUT(WARNING), "log", format, arguments);
    va_end(arguments);
    write_line(&line, outlet);
}

static void report_lost(const struct log_outlet *outlet)
{
    const uint64_t dropped = log_dropped();
    if (dropped == state.reported)
        return;
    write_own_line(outlet, "%llu log lines lost: they came faster than stderr takes them",
                   (unsigned long long)(dropped - state.reported));
    state.reported = dropped;
}

static void write_and_reuse(struct log_line *line, const struct log_outlet *outlet)
{
    write_line(line, outlet);
    queue_push_always(&state.unused, line);
}

static void *writing_thread(void *data)
{
    struct log_outlet outlet;
    log_outlet_open(&outlet, journal_socket, &state.give_up_ns);
    uint64_t last_report = clock_monotonic_ns();
    for (;;) {
        struct log_line *line = queue_pop(&state.filled);
        const uint64_t now = clock_monotonic_ns();
        if (!line || now - last_report > NS_PER_S) {
            report_lost(&outlet);
            last_report = now;
        }
        if (!line)
            line = queue_wait(&state.filled, UINT64_MAX);
        if (line == &stop_mark)
            break;
        if (line)
            write_and_reuse(line, &outlet);
    }
    for (struct log_line *line; (line = queue_pop(&state.filled));)
        write_and_reuse(line, &outlet);
    report_lost(&outlet);
    log_outlet_close(&outlet);
    return NULL;
}

static void become_forked_child(void)
{
    atomic_store(&state.running, false);
    state.forked = true;
}

static int prepare_queues(void)
{
    if (state.forked) {
        queue_finish(&state.unused);
        queue_finish(&state.filled);
        state.prepared = state.forked = false;
    }
    if (state.prepared)
        return 0;
    if (queue_init(&state.unused, LINES) != 0)
        return -ENOMEM;
    /* One more than there are lines, so that the stop mark always fits. */
    if (queue_init(&state.filled, LINES + 1) != 0) {
        queue_finish(&state.unused);
        return -ENOMEM;
    }
    for (size_t i = 0; i < LINES; i++)
        queue_push(&state.unused, &state.lines[i]);
    state.prepared = true;
    return 0;
}

/* Signals are the main thread's business, and with SIGPIPE blocked here a closed stderr costs lines
 * and not the daemon. */
static int start_thread(void)
{
    sigset_t all, previous;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &previous);
    const int failure = pthread_create(&state.thread, NULL, writing_thread, NULL);
    pthread_sigmask(SIG_SETMASK, &previous, NULL);
    if (failure)
        return -failure;
    pthread_setname_np(state.thread, "log");
    return 0;
}

int log_init(enum log_level level)
{
    static bool watching_forks;
    log_set_level(level);
    if (atomic_load(&state.running))
        return 0;
    if (!watching_forks) {
        const int failure = pthread_atfork(NULL, NULL, become_forked_child);
        if (failure)
            return -failure;
        watching_forks = true;
    }
    int result = prepare_queues();
    atomic_store(&state.give_up_ns, UINT64_MAX);
    if (result == 0)
        result = start_thread();
    atomic_store(&state.running, result == 0);
    return result;
}

void log_finish(void)
{
    if (!atomic_exchange(&state.running, false))
        return;
    atomic_store(&state.give_up_ns, clock_monotonic_ns() + FINISH_TIMEOUT_NS);
    queue_push(&state.filled, &stop_mark);
    pthread_join(state.thread, NULL);
}

static void write_directly(const struct log_about *about, const char *component, const char *format,
                           va_list arguments)
{
    struct log_line line;
    struct log_outlet outlet;
    fill_line(&line, about, component, format, arguments);
    log_outlet_open(&outlet, journal_socket, &state.give_up_ns);
    write_line(&line, &outlet);
    log_outlet_close(&outlet);
}

static void enqueue(const struct log_about *about, const char *component, const char *format,
                    va_list arguments)
{
    struct log_line *const line = queue_pop(&state.unused);
    if (!line) {
        atomic_fetch_add_explicit(&state.dropped, 1, memory_order_relaxed);
        return;
    }
    fill_line(line, about, component, format, arguments);
    queue_push(&state.filled, line); /* has room for every line, and one consumer only */
}

void log_set_journal(const char *socket_path)
{
    journal_socket = socket_path;
}

void log_write(const struct log_about *about, const char *component, const char *format, ...)
{
    if ((int)about->level > atomic_load_explicit(&state.level, memory_order_relaxed))
        return;
    const int saved = errno;
    va_list arguments;
    va_start(arguments, format);
    if (atomic_load_explicit(&state.running, memory_order_acquire))
        enqueue(about, component, format, arguments);
    else
        write_directly(about, component, format, arguments);
    va_end(arguments);
    errno = saved;
}
