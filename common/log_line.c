#include "common/log_line.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "common/clock.h"

/* Everything but text and component is short. */
#define ENTRY_SIZE (LOG_TEXT_SIZE + LOG_COMPONENT_SIZE + 600)

/* Of syslog. */
static const int priorities[] = {
    [LOG_LEVEL_ERROR] = 3, [LOG_LEVEL_WARNING] = 4, [LOG_LEVEL_NOTICE] = 5,
    [LOG_LEVEL_INFO] = 6,  [LOG_LEVEL_DEBUG] = 7,
};

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

static int connect_to(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (strlen(path) >= sizeof address.sun_path)
        return -1;
    memcpy(address.sun_path, path, strlen(path));
    const int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd >= 0 && connect(fd, (const struct sockaddr *)&address, sizeof address) < 0) {
        close(fd);
        return -1;
    }
    return fd;
}

void log_outlet_open(struct log_outlet *outlet, const char *journal_socket,
                     const _Atomic uint64_t *give_up_ns)
{
    outlet->journal = stderr_is_journal();
    outlet->socket = outlet->journal ? connect_to(journal_socket) : -1;
    outlet->give_up_ns = give_up_ns;
}

void log_outlet_close(struct log_outlet *outlet)
{
    if (outlet->socket >= 0)
        close(outlet->socket);
    outlet->socket = -1;
}

/* Polls before it writes, so that a reader who has stopped reading cannot hold up the daemon's end
 * for longer than log_finish allows: a pipe that polls writable has room for a whole line. */
static bool wait_writable(const struct log_outlet *outlet, int fd)
{
    struct pollfd wait = {.fd = fd, .events = POLLOUT};
    for (;;) {
        const uint64_t give_up_ns = atomic_load_explicit(outlet->give_up_ns, memory_order_relaxed);
        const bool last_time = clock_monotonic_ns() >= give_up_ns;
        if (poll(&wait, 1, last_time ? 0 : 100) > 0)
            return true;
        if (last_time)
            return false;
    }
}

static bool write_all(const struct log_outlet *outlet, const char *data, size_t size)
{
    while (size > 0) {
        if (!wait_writable(outlet, STDERR_FILENO))
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

static bool send_all(const struct log_outlet *outlet, const char *data, size_t size)
{
    while (wait_writable(outlet, outlet->socket)) {
        if (send(outlet->socket, data, size, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0)
            return true;
        if (errno != EINTR && errno != EAGAIN)
            return false;
    }
    return false;
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

static bool write_text(const struct log_outlet *outlet, const struct log_line *line)
{
    char text[ENTRY_SIZE];
    size_t length = 0;
    if (outlet->journal) {
        length = (size_t)snprintf(text, sizeof text, "<%d>", priorities[line->about.level]);
    } else {
        length = format_time(line->time_ns, text, sizeof text);
        length += (size_t)snprintf(text + length, sizeof text - length, " %s ",
                                   log_level_name(line->about.level));
    }
    length += (size_t)snprintf(text + length, sizeof text - length, "%s: %s\n", line->component,
                               line->text);
    return write_all(outlet, text, length);
}

/* No value has a newline in it: those of text and component were replaced (log.c). */
static bool write_entry(const struct log_outlet *outlet, const struct log_line *line)
{
    const struct log_about *const about = &line->about;
    char text[ENTRY_SIZE];
    FILE *const out = fmemopen(text, sizeof text, "w");
    if (!out)
        return write_text(outlet, line);
    fprintf(out, "MESSAGE=%s: %s\nPRIORITY=%d\nSYSLOG_IDENTIFIER=%s\nMERLIND_COMPONENT=%s\n",
            line->component, line->text, priorities[about->level], program_invocation_short_name,
            line->component);
    if (about->message_id)
        fprintf(out, "MESSAGE_ID=%s\n", about->message_id);
    if (about->file)
        fprintf(out, "CODE_FILE=%s\nCODE_LINE=%u\n", about->file, about->line);
    if (line->run[0])
        fprintf(out, "MERLIND_RUN=%s\n", line->run);
    if (about->frame > 0)
        fprintf(out, "MERLIND_FRAME=%" PRIu64 "\n", about->frame);
    if (about->lost > 0)
        fprintf(out, "MERLIND_LOST=%" PRIu64 "\n", about->lost);
    fflush(out);
    const long length = ftell(out);
    fclose(out);
    return length > 0 && send_all(outlet, text, (size_t)length);
}

/* What the journal's socket does not take may still go the way of text. */
bool log_outlet_write(const struct log_outlet *outlet, const struct log_line *line)
{
    return (outlet->socket >= 0 && write_entry(outlet, line)) || write_text(outlet, line);
}
