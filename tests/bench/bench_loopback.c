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
#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/clock.h"
#include "tests/bench/detector_start.h"

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

static uint8_t *map_buffer(size_t size)
{
    uint8_t *buffer = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (buffer == MAP_FAILED)
        bench_die("memory for the buffer");
    madvise(buffer, size, MADV_HUGEPAGE);
    memset(buffer, 0, size);
    return buffer;
}

/* The last bytes of the stream are fewer than the low-water mark: nobody would wake us for them. */
static void set_low_water(int fd, int bytes)
{
    if (setsockopt(fd, SOL_SOCKET, SO_RCVLOWAT, &bytes, sizeof bytes) < 0)
        bench_die("SO_RCVLOWAT");
}

static size_t read_some(int fd, uint8_t *to, size_t room, bool wait)
{
    if (wait) {
        struct pollfd readable = {.fd = fd, .events = POLLIN};
        poll(&readable, 1, -1);
    }
    const ssize_t got = read(fd, to, room < READ_SIZE ? room : READ_SIZE);
    if (got <= 0)
        bench_die("the stream ended early");
    return (size_t)got;
}

static void read_exactly(int fd, uint8_t *to, size_t size)
{
    while (size) {
        const ssize_t got = read(fd, to, size);
        if (got <= 0)
            bench_die("the stream ended early");
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
    const double cpu_before = bench_cpu_seconds();
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
    result.cpu_seconds = bench_cpu_seconds() - cpu_before;
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
    const int data = detector_connect(settings.data_port);
    const int control = detector_connect(settings.command_port);
    detector_start(control, settings.frames);
    const struct measurement result = measure(data, &settings, buffer);
    printf("{\"bytes\": %llu, \"seconds\": %.6f, \"cpu_seconds\": %.6f, \"reads\": %llu}\n",
           (unsigned long long)result.bytes, result.seconds, result.cpu_seconds,
           (unsigned long long)result.reads);
    close(control);
    close(data);
    munmap(buffer, settings.buffer_size);
    return 0;
}
