/*
 * The loopback limit: reads the detector's stream from its data socket into memory, with no
 * parsing, as fast as the kernel gives it. What merlind reaches is measured against this.
 *
 *     bench_loopback COMMAND_PORT DATA_PORT FRAMES BYTES LOWAT_KIB BUFFER_MIB
 *
 * Starts an acquisition of FRAMES frames, reads BYTES bytes (the HDR message and all frame
 * messages) round and round into a buffer of BUFFER_MIB, with SO_RCVLOWAT of LOWAT_KIB (0: plain
 * reads), and prints one JSON object. The time is that from the first frame's first byte to the
 * last byte, for the HDR comes ahead of the frames.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/clock.h"

#define HDR_MESSAGE_SIZE 2063
#define READ_SIZE (1U << 20)

struct settings {
    uint16_t command_port, data_port;
    unsigned long frames;
    uint64_t bytes;
    int low_water; /* bytes; 0: plain reads */
    size_t buffer_size;
};

struct measurement {
    uint64_t bytes, reads;
    double seconds, cpu_seconds;
};

static _Noreturn void die(const char *what)
{
    fprintf(stderr, "bench_loopback: %s: %s\n", what, strerror(errno));
    exit(1);
}

static int connect_to(uint16_t port)
{
    const struct sockaddr_in address = {
        .sin_family = AF_INET,
        .sin_port = htons(port),
        .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
    };
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || connect(fd, (const struct sockaddr *)&address, sizeof address) < 0)
        die("connection to the detector");
    return fd;
}

static void command(int fd, const char *text)
{
    char message[256], reply[256];
    const int size = snprintf(message, sizeof message, "MPX,%010zu,%s", strlen(text) + 1, text);
    if (write(fd, message, (size_t)size) != size)
        die(text);
    const ssize_t got = read(fd, reply, sizeof reply - 1);
    if (got < 2)
        die(text);
    reply[got] = '\0';
    if (strcmp(reply + got - 2, ",0") != 0) {
        fprintf(stderr, "bench_loopback: the detector refuses %s: %s\n", text, reply);
        exit(1);
    }
}

static void start_acquisition(int fd, unsigned long frames)
{
    char text[64];
    snprintf(text, sizeof text, "SET,NUMFRAMESTOACQUIRE,%lu", frames);
    command(fd, "SET,TRIGGERSTART,0");
    command(fd, text);
    command(fd, "CMD,STARTACQUISITION");
}

static uint8_t *map_buffer(size_t size)
{
    uint8_t *buffer = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (buffer == MAP_FAILED)
        die("memory for the buffer");
    madvise(buffer, size, MADV_HUGEPAGE);
    memset(buffer, 0, size);
    return buffer;
}

static double cpu_seconds(void)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
           1e-6 * (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec);
}

/* The last bytes of the stream are fewer than the low-water mark: nobody would wake us for them. */
static void set_low_water(int fd, int bytes)
{
    if (setsockopt(fd, SOL_SOCKET, SO_RCVLOWAT, &bytes, sizeof bytes) < 0)
        die("SO_RCVLOWAT");
}

static size_t read_some(int fd, uint8_t *to, size_t room, bool wait)
{
    if (wait) {
        struct pollfd readable = {.fd = fd, .events = POLLIN};
        poll(&readable, 1, -1);
    }
    const ssize_t got = read(fd, to, room < READ_SIZE ? room : READ_SIZE);
    if (got <= 0)
        die("the stream ended early");
    return (size_t)got;
}

static void read_exactly(int fd, uint8_t *to, size_t size)
{
    while (size) {
        const ssize_t got = read(fd, to, size);
        if (got <= 0)
            die("the stream ended early");
        size -= (size_t)got;
        to += got;
    }
}

static struct measurement measure(int fd, const struct settings *settings, uint8_t *buffer)
{
    struct measurement result = {.bytes = settings->bytes - HDR_MESSAGE_SIZE};
    read_exactly(fd, buffer, HDR_MESSAGE_SIZE);
    read_exactly(fd, buffer, 1);
    const uint64_t began = clock_monotonic_ns();
    const double cpu_before = cpu_seconds();
    if (settings->low_water)
        set_low_water(fd, settings->low_water);

    bool wait = settings->low_water > 0;
    size_t at = 0;
    for (uint64_t left = result.bytes - 1; left;) {
        if (wait && left <= 2 * (uint64_t)settings->low_water) {
            set_low_water(fd, 1);
            wait = false;
        }
        const size_t got = read_some(fd, buffer + at, settings->buffer_size - at, wait);
        left -= got;
        at = at + got == settings->buffer_size ? 0 : at + got;
        result.reads++;
    }
    result.seconds = (double)(clock_monotonic_ns() - began) * 1e-9;
    result.cpu_seconds = cpu_seconds() - cpu_before;
    return result;
}

int main(int argc, char **argv)
{
    if (argc != 7) {
        fprintf(stderr,
                "usage: bench_loopback COMMAND_PORT DATA_PORT FRAMES BYTES LOWAT_KIB BUFFER_MIB\n");
        return 64;
    }
    const struct settings settings = {
        .command_port = (uint16_t)strtoul(argv[1], NULL, 10),
        .data_port = (uint16_t)strtoul(argv[2], NULL, 10),
        .frames = strtoul(argv[3], NULL, 10),
        .bytes = strtoull(argv[4], NULL, 10),
        .low_water = (int)strtol(argv[5], NULL, 10) * 1024,
        .buffer_size = strtoul(argv[6], NULL, 10) << 20,
    };
    uint8_t *const buffer = map_buffer(settings.buffer_size);
    const int data = connect_to(settings.data_port);
    const int control = connect_to(settings.command_port);
    start_acquisition(control, settings.frames);
    const struct measurement result = measure(data, &settings, buffer);
    printf("{\"bytes\": %llu, \"seconds\": %.6f, \"cpu_seconds\": %.6f, \"reads\": %llu}\n",
           (unsigned long long)result.bytes, result.seconds, result.cpu_seconds,
           (unsigned long long)result.reads);
    close(control);
    close(data);
    munmap(buffer, settings.buffer_size);
    return 0;
}
