#include "daemon/host_check.h"

#include <errno.h>
#include <fcntl.h>
#include <ifaddrs.h>
#include <inttypes.h>
#include <net/if.h>
#include <netdb.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/statvfs.h>
#include <sys/timex.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/cpu.h"
#include "daemon/memory_limit.h"

#define MIB (UINT64_C(1) << 20)
#define GIB (UINT64_C(1) << 30)
#define DISK_PROBE_SIZE (256 * MIB)
/* Compressed frames of a fast scan: 1 GB/s of pixels that pack to a quarter. */
#define DISK_MB_PER_S 250
#define RECEIVE_BUFFER (4 * MIB)
#define JUMBO_MTU 9000

/* Everything that is looked at needs only this. */
struct host {
    const struct config *config;
    FILE *out;
    unsigned n_looks;
};

__attribute__((format(printf, 3, 4))) static void say(struct host *host, bool good,
                                                      const char *format, ...)
{
    va_list arguments;
    fputs(good ? "ok    " : "look  ", host->out);
    va_start(arguments, format);
    vfprintf(host->out, format, arguments);
    va_end(arguments);
    fputc('\n', host->out);
    host->n_looks += !good;
}

/* The first line of a file of the kernel's; false: it is not there, or not for us. */
static bool read_line(const char *path, char *line, size_t size)
{
    FILE *const file = fopen(path, "re");
    if (!file)
        return false;
    const bool read = fgets(line, (int)size, file) != NULL;
    fclose(file);
    if (read)
        line[strcspn(line, "\n")] = '\0';
    return read;
}

/* ---- memory and CPUs ---- */

static void check_memory(struct host *host)
{
    const uint64_t ring =
        host->config->ring_size ? host->config->ring_size : memory_limit_ring_size();
    const uint64_t free_now = (uint64_t)sysconf(_SC_AVPHYS_PAGES) * (uint64_t)sysconf(_SC_PAGESIZE);
    say(host, ring >= GIB, "ring %.1f GiB: takes up %.1f s of 1 GB/s while the disk is busy%s",
        (double)ring / GIB, (double)ring / 1e9,
        ring >= GIB ? "" : "; give it 1 GiB at least (ring.size)");
    if (free_now < ring)
        say(host, false,
            "memory: %.1f GiB are free at once, the ring wants %.1f GiB; what caches hold is given "
            "back, what programs hold is not",
            (double)free_now / GIB, (double)ring / GIB);
}

static void check_huge_pages(struct host *host)
{
    char line[128];
    if (!read_line("/sys/kernel/mm/transparent_hugepage/enabled", line, sizeof line))
        return;
    const bool never = strstr(line, "[never]") != NULL;
    say(host, !never, "transparent huge pages: %s%s", line,
        never ? "; echo madvise > /sys/kernel/mm/transparent_hugepage/enabled" : "");
}

static void check_locking(struct host *host)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_MEMLOCK, &limit) < 0)
        return;
    if (limit.rlim_cur == RLIM_INFINITY)
        say(host, true, "memory may be locked");
    else
        say(host, false,
            "memory: %" PRIu64 " MiB may be locked here (ulimit -l); the service's unit has no "
            "limit (LimitMEMLOCK=infinity)",
            (uint64_t)limit.rlim_cur / MIB);
}

static void check_cpus(struct host *host)
{
    char governor[64];
    const unsigned n = cpu_count_available();
    say(host, n >= 4, "CPUs: %u, %s kernels%s", n, cpu_isa_name(cpu_isa_best()),
        n >= 4 ? "" : "; ingest, writer and two workers want one each");
    if (!read_line("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor", governor,
                   sizeof governor))
        return;
    const bool good = strcmp(governor, "performance") == 0;
    say(host, good, "frequency governor: %s%s", governor,
        good ? "" : "; cpupower frequency-set -g performance (package linux-cpupower)");
}

/* ---- network ---- */

static void check_receive_buffer(struct host *host)
{
    char line[64];
    if (!read_line("/proc/sys/net/ipv4/tcp_rmem", line, sizeof line))
        return;
    unsigned long least = 0, usual = 0, most = 0;
    if (sscanf(line, "%lu %lu %lu", &least, &usual, &most) != 3)
        return;
    say(host, most >= RECEIVE_BUFFER, "TCP receive buffer: up to %.1f MiB%s", (double)most / MIB,
        most >= RECEIVE_BUFFER ? "" : "; sysctl -w net.ipv4.tcp_rmem=\"4096 131072 16777216\"");
}

/* The name of the interface that has this address. */
static bool find_interface(const struct sockaddr *own, char name[IFNAMSIZ])
{
    struct ifaddrs *all = NULL;
    bool found = false;
    if (own->sa_family != AF_INET || getifaddrs(&all) < 0)
        return false;
    const struct sockaddr_in *const wanted = (const struct sockaddr_in *)own;
    for (const struct ifaddrs *one = all; one && !found; one = one->ifa_next) {
        if (!one->ifa_addr || one->ifa_addr->sa_family != AF_INET)
            continue;
        const struct sockaddr_in *const address = (const struct sockaddr_in *)one->ifa_addr;
        found = address->sin_addr.s_addr == wanted->sin_addr.s_addr;
        if (found)
            snprintf(name, IFNAMSIZ, "%s", one->ifa_name);
    }
    freeifaddrs(all);
    return found;
}

/* Nothing is sent: a datagram socket that is connected knows its own address. */
static bool way_to_detector(const struct config *config, char name[IFNAMSIZ], int *mtu)
{
    const struct addrinfo hints = {.ai_family = AF_INET, .ai_socktype = SOCK_DGRAM};
    struct addrinfo *address;
    struct sockaddr_storage own = {0};
    socklen_t size = sizeof own;
    if (getaddrinfo(config->detector_host, "9", &hints, &address) != 0)
        return false;
    const int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    struct ifreq request = {0};
    bool found = fd >= 0 && connect(fd, address->ai_addr, address->ai_addrlen) == 0 &&
                 getsockname(fd, (struct sockaddr *)&own, &size) == 0 &&
                 find_interface((const struct sockaddr *)&own, name);
    if (found) {
        snprintf(request.ifr_name, sizeof request.ifr_name, "%s", name);
        found = ioctl(fd, SIOCGIFMTU, &request) == 0;
        *mtu = request.ifr_mtu;
    }
    if (fd >= 0)
        close(fd);
    freeaddrinfo(address);
    return found;
}

static void check_way(struct host *host)
{
    char name[IFNAMSIZ];
    int mtu = 0;
    if (!way_to_detector(host->config, name, &mtu)) {
        say(host, false, "detector %s: no way to it from here; detector.host, the network",
            host->config->detector_host);
        return;
    }
    const bool good = mtu >= JUMBO_MTU;
    say(host, good, "way to the detector %s: interface %s, packets of up to %d bytes%s",
        host->config->detector_host, name, mtu,
        good ? "" : "; ip link set dev INTERFACE mtu 9000, at the detector's computer too");
}

/* ---- disk and clock ---- */

static int write_probe(int fd, uint8_t *block)
{
    for (uint64_t done = 0; done < DISK_PROBE_SIZE; done += MIB) {
        const ssize_t n = write(fd, block, MIB);
        if (n != (ssize_t)MIB)
            return n < 0 ? -errno : -ENOSPC;
    }
    return fdatasync(fd) < 0 ? -errno : 0;
}

/* An unnamed file: nothing is left, whatever happens. */
static int measure_disk(const char *directory, double *mb_per_s)
{
    const int fd = open(directory, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (fd < 0)
        return -errno;
    uint8_t *const block = malloc(MIB);
    int r = block ? 0 : -ENOMEM;
    if (r == 0) {
        memset(block, 0x5a, MIB);
        const uint64_t began = clock_monotonic_ns();
        r = write_probe(fd, block);
        *mb_per_s = (double)DISK_PROBE_SIZE / 1e6 /
                    ((double)(clock_monotonic_ns() - began) / (double)NS_PER_S);
    }
    free(block);
    close(fd);
    return r;
}

static void check_disk(struct host *host)
{
    const char *const directory = host->config->recording.directory;
    struct statvfs room;
    double mb_per_s = 0;
    const int r = measure_disk(directory, &mb_per_s);
    if (r < 0) {
        say(host, false, "recordings in %s: cannot be written: %s", directory, strerror(-r));
        return;
    }
    const bool good = mb_per_s >= DISK_MB_PER_S;
    say(host, good, "recordings in %s: %.0f MB/s onto the disk%s", directory, mb_per_s,
        good ? ""
             : "; a fast detector writes up to 250 MB/s packed: a faster disk, or a stronger "
               "recording.compression");
    if (statvfs(directory, &room) == 0)
        say(host, room.f_bavail * room.f_frsize >= 100 * GIB, "recordings in %s: %.0f GB free",
            directory, (double)room.f_bavail * (double)room.f_frsize / 1e9);
}

static void check_clock(struct host *host)
{
    struct timex state = {0};
    const int r = adjtimex(&state);
    const bool good = r >= 0 && r != TIME_ERROR && !(state.status & STA_UNSYNC);
    say(host, good, "clock: %s",
        good ? "kept by a time server"
             : "nobody keeps it right; install systemd-timesyncd or "
               "chrony, times of frames and files are compared later");
}

unsigned host_check(const struct config *config, FILE *out)
{
    struct host host = {.config = config, .out = out};
    check_memory(&host);
    check_huge_pages(&host);
    check_locking(&host);
    check_cpus(&host);
    check_receive_buffer(&host);
    check_way(&host);
    check_disk(&host);
    check_clock(&host);
    return host.n_looks;
}
