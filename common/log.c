#include "common/log.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/queue.h"

enum {
    LINES = 512,
    TEXT_SIZE = 700, /* a struct error, and what was being done when it happened */
    COMPONENT_SIZE = 24,
};

#define FINISH_TIMEOUT_NS (2 * NS_PER_S)

/* One line, formatted but for its time: gmtime_r takes a lock, so that is left to the writing
 * thread. */
struct log_line {
    uint64_t time_ns;
    enum log_level level;
    char component[COMPONENT_SIZE];
    char text[TEXT_SIZE];
};

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

static const struct {
    const char *name;
    int priority; /* of syslog */
} levels[] = {
    [LOG_LEVEL_ERROR] = {"error", 3},   [LOG_LEVEL_WARNING] = {"warning", 4},
    [LOG_LEVEL_NOTICE] = {"notice", 5}, [LOG_LEVEL_INFO] = {"info", 6},
    [LOG_LEVEL_DEBUG] = {"debug", 7},
};

bool log_level_from_name(const char *name, enum log_level *level)
{
    for (size_t i = 0; i < sizeof levels / sizeof levels[0]; i++) {
        if (strcmp(name, levels[i].name) == 0) {
            *level = (enum log_level)i;
            return true;
        }
    }
    return false;
}

const char *log_level_name(enum log_level level)
{
    return levels[level].name;
}

void log_set_level(enum log_level level)
{
    atomic_store_explicit(&state.level, (int)level, memory_order_relaxed);
}

uint64_t log_dropped(void)
{
    return atomic_load_explicit(&state.dropped, memory_order_relaxed);
}

/* JOURNAL_STREAM is inherited by everything a service starts; it only counts while stderr still is
 * that very stream. */
static bool stderr_is_journal(void)
{
    const char *const stream = getenv("JOURNAL_STREAM");
    if (!stream)
        return false;
    char *end;
    const unsigned long long device = strtoull(stream, &end, 10);
    if (*end != ':')
        return false;
    const unsigned long long inode = strtoull(end + 1, NULL, 10);
    struct stat status;
    return fstat(STDERR_FILENO, &status) == 0 && status.st_dev == device && status.st_ino == inode;
}

/* Polls before it writes, so that a reader of stderr who has stopped reading cannot hold up the
 * daemon's end for longer than log_finish allows: a pipe that polls writable has room for a whole
 * line. */
static bool wait_writable(void)
{
    struct pollfd wait = {.fd = STDERR_FILENO, .events = POLLOUT};
    for (;;) {
        const uint64_t give_up_ns = atomic_load_explicit(&state.give_up_ns, memory_order_relaxed);
        const bool last_time = clock_monotonic_ns() >= give_up_ns;
        if (poll(&wait, 1, last_time ? 0 : 100) > 0)
            return true;
        if (last_time)
            return false;
    }
}

static bool write_all(const char *data, size_t size)
{
    while (size > 0) {
        if (!wait_writable())
            return false;
        const ssize_t written = write(STDERR_FILENO, data, size);
        if (written >= 0) {
            data += written;
            size -= (size_t)written;
        } else if (errno != EINTR && errno != EAGAIN) {
            return false;
        }
    }
    return true;
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

static size_t format_time(uint64_t time_ns, char *text, size_t size)
{
    const time_t seconds = (time_t)(time_ns / NS_PER_S);
    struct tm utc;
    gmtime_r(&seconds, &utc);
    const size_t length = strftime(text, size, "%Y-%m-%dT%H:%M:%S", &utc);
    const unsigned ms = (unsigned)(time_ns % NS_PER_S / NS_PER_MS);
    return length + (size_t)snprintf(text + length, size - length, ".%03uZ", ms);
}

static void write_line(const struct log_line *line, bool journal)
{
    char text[TEXT_SIZE + COMPONENT_SIZE + 64];
    size_t length = 0;
    if (journal) {
        length = (size_t)snprintf(text, sizeof text, "<%d>", levels[line->level].priority);
    } else {
        length = format_time(line->time_ns, text, sizeof text);
        length +=
            (size_t)snprintf(text + length, sizeof text - length, " %s ", levels[line->level].name);
    }
    length += (size_t)snprintf(text + length, sizeof text - length, "%s: %s\n", line->component,
                               line->text);
    if (!write_all(text, length))
        atomic_fetch_add_explicit(&state.dropped, 1, memory_order_relaxed);
}

static void fill_line(struct log_line *line, enum log_level level, const char *component,
                      const char *format, va_list arguments)
{
    line->time_ns = clock_realtime_ns();
    line->level = level;
    snprintf(line->component, sizeof line->component, "%s", component);
    if (vsnprintf(line->text, sizeof line->text, format, arguments) < 0)
        snprintf(line->text, sizeof line->text, "(a message that cannot be formatted: %s)", format);
    replace_control_characters(line->text);
}

__attribute__((format(printf, 2, 3))) static void write_own_line(bool journal, const char *format,
                                                                 ...)
{
    struct log_line line;
    va_list arguments;
    va_start(arguments, format);
    fill_line(&line, LOG_LEVEL_WARNING, "log", format, arguments);
    va_end(arguments);
    write_line(&line, journal);
}

static void report_lost(bool journal)
{
    const uint64_t dropped = log_dropped();
    if (dropped == state.reported)
        return;
    write_own_line(journal, "%llu log lines lost: they came faster than stderr takes them",
                   (unsigned long long)(dropped - state.reported));
    state.reported = dropped;
}

static void write_and_reuse(struct log_line *line, bool journal)
{
    write_line(line, journal);
    queue_push_always(&state.unused, line);
}

static void *writing_thread(void *data)
{
    const bool journal = stderr_is_journal();
    uint64_t last_report = clock_monotonic_ns();
    for (;;) {
        struct log_line *line = queue_pop(&state.filled);
        const uint64_t now = clock_monotonic_ns();
        if (!line || now - last_report > NS_PER_S) {
            report_lost(journal);
            last_report = now;
        }
        if (!line)
            line = queue_wait(&state.filled, UINT64_MAX);
        if (line == &stop_mark)
            break;
        if (line)
            write_and_reuse(line, journal);
    }
    for (struct log_line *line; (line = queue_pop(&state.filled));)
        write_and_reuse(line, journal);
    report_lost(journal);
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

static void write_directly(enum log_level level, const char *component, const char *format,
                           va_list arguments)
{
    struct log_line line;
    fill_line(&line, level, component, format, arguments);
    write_line(&line, stderr_is_journal());
}

static void enqueue(enum log_level level, const char *component, const char *format,
                    va_list arguments)
{
    struct log_line *const line = queue_pop(&state.unused);
    if (!line) {
        atomic_fetch_add_explicit(&state.dropped, 1, memory_order_relaxed);
        return;
    }
    fill_line(line, level, component, format, arguments);
    queue_push(&state.filled, line); /* has room for every line, and one consumer only */
}

void log_write(enum log_level level, const char *component, const char *format, ...)
{
    if ((int)level > atomic_load_explicit(&state.level, memory_order_relaxed))
        return;
    const int saved = errno;
    va_list arguments;
    va_start(arguments, format);
    if (atomic_load_explicit(&state.running, memory_order_acquire))
        enqueue(level, component, format, arguments);
    else
        write_directly(level, component, format, arguments);
    va_end(arguments);
    errno = saved;
}
