#include "tests/bench/detector_start.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

void bench_die(const char *what)
{
    fprintf(stderr, "%s: %s\n", what, strerror(errno));
    exit(1);
}

int detector_connect(uint16_t port)
{
    const struct sockaddr_in address = {
        .sin_family = AF_INET,
        .sin_port = htons(port),
        .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
    };
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || connect(fd, (const struct sockaddr *)&address, sizeof address) < 0)
        bench_die("connection to the detector");
    return fd;
}

static void command(int fd, const char *text)
{
    char message[256], reply[256];
    const int size = snprintf(message, sizeof message, "MPX,%010zu,%s", strlen(text) + 1, text);
    if (write(fd, message, (size_t)size) != size)
        bench_die(text);
    const ssize_t got = read(fd, reply, sizeof reply - 1);
    if (got < 2)
        bench_die(text);
    reply[got] = '\0';
    if (strcmp(reply + got - 2, ",0") != 0) {
        fprintf(stderr, "the detector refuses %s: %s\n", text, reply);
        exit(1);
    }
}

void detector_start(int command_fd, unsigned long frames)
{
    char text[64];
    snprintf(text, sizeof text, "SET,NUMFRAMESTOACQUIRE,%lu", frames);
    command(command_fd, "SET,TRIGGERSTART,0");
    command(command_fd, text);
    command(command_fd, "CMD,STARTACQUISITION");
}

double bench_cpu_seconds(void)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
           1e-6 * (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec);
}
