#include "daemon/notify.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/clock.h"

/* A path, or the name of an abstract socket behind '@'. */
static int find_socket(struct sockaddr_un *address, socklen_t *size)
{
    const char *const name = getenv("NOTIFY_SOCKET");
    if (!name)
        return -ENOENT;
    const size_t length = strlen(name);
    if ((name[0] != '/' && name[0] != '@') || length < 2)
        return -EAFNOSUPPORT;
    if (length >= sizeof address->sun_path)
        return -E2BIG;
    *address = (struct sockaddr_un){.sun_family = AF_UNIX};
    memcpy(address->sun_path, name, length);
    if (name[0] == '@')
        address->sun_path[0] = 0;
    *size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length + (name[0] == '/'));
    return 0;
}

static int send_message(const char *message)
{
    struct sockaddr_un address;
    socklen_t size;
    int result = find_socket(&address, &size);
    if (result)
        return result == -ENOENT ? 0 : result;
    const int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -errno;
    if (sendto(fd, message, strlen(message), MSG_NOSIGNAL | MSG_DONTWAIT,
               (const struct sockaddr *)&address, size) < 0)
        result = -errno;
    close(fd);
    return result;
}

/* A newline would begin another assignment. */
static void end_at_newline(char *text)
{
    text[strcspn(text, "\r\n")] = 0;
}

int notify_ready(const char *status)
{
    if (!status)
        return send_message("READY=1");
    char line[500], message[600];
    snprintf(line, sizeof line, "%s", status);
    end_at_newline(line);
    snprintf(message, sizeof message, "READY=1\nSTATUS=%s", line);
    return send_message(message);
}

int notify_status(const char *format, ...)
{
    char line[500], message[600];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    end_at_newline(line);
    snprintf(message, sizeof message, "STATUS=%s", line);
    return send_message(message);
}

int notify_stopping(void)
{
    return send_message("STOPPING=1");
}

/* systemd 253 and later never finishes a reload that does not tell its time. */
int notify_reloading(void)
{
    char message[100];
    snprintf(message, sizeof message, "RELOADING=1\nMONOTONIC_USEC=%" PRIu64,
             clock_monotonic_ns() / NS_PER_US);
    return send_message(message);
}

int notify_watchdog(void)
{
    return send_message("WATCHDOG=1");
}

/* WATCHDOG_PID tells whom it is meant for: a child inherits the variables. */
uint64_t notify_watchdog_interval_us(void)
{
    const char *const pid = getenv("WATCHDOG_PID");
    const char *const interval = getenv("WATCHDOG_USEC");
    if (!interval || (pid && strtoull(pid, NULL, 10) != (unsigned long long)getpid()))
        return 0;
    return strtoull(interval, NULL, 10);
}

int notify_extend_timeout(unsigned seconds)
{
    char message[100];
    snprintf(message, sizeof message, "EXTEND_TIMEOUT_USEC=%" PRIu64, (uint64_t)seconds * 1000000);
    return send_message(message);
}
