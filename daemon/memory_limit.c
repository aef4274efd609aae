#include "daemon/memory_limit.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define MAX_RING (UINT64_C(8) << 30)

/* The limit of the cgroup at `path` (cgroup v2, below /sys/fs/cgroup), UINT64_MAX when it has none.
 */
static uint64_t limit_of_cgroup(const char *path)
{
    char name[512];
    uint64_t limit = UINT64_MAX;
    if ((size_t)snprintf(name, sizeof name, "/sys/fs/cgroup%s/memory.max", path) >= sizeof name)
        return limit;
    FILE *const file = fopen(name, "re");
    if (!file)
        return limit;
    if (fscanf(file, "%" SCNu64, &limit) != 1)
        limit = UINT64_MAX;
    fclose(file);
    return limit;
}

/* The tightest limit from this process's cgroup up to the root. */
static uint64_t cgroup_limit(void)
{
    char line[512];
    char path[512] = "";
    FILE *const file = fopen("/proc/self/cgroup", "re");
    if (!file)
        return UINT64_MAX;
    while (fgets(line, sizeof line, file)) {
        if (strncmp(line, "0::", 3) == 0) {
            line[strcspn(line, "\n")] = '\0';
            snprintf(path, sizeof path, "%s", line + 3);
        }
    }
    fclose(file);
    uint64_t limit = limit_of_cgroup(path);
    for (char *slash = strrchr(path, '/'); slash; slash = strrchr(path, '/')) {
        *slash = '\0';
        const uint64_t outer = limit_of_cgroup(path);
        if (outer < limit)
            limit = outer;
    }
    return limit;
}

uint64_t memory_limit(void)
{
    const uint64_t memory = (uint64_t)sysconf(_SC_PHYS_PAGES) * (uint64_t)sysconf(_SC_PAGESIZE);
    const uint64_t limit = cgroup_limit();
    return limit < memory ? limit : memory;
}

uint64_t memory_limit_ring_size(void)
{
    const uint64_t memory = memory_limit();
    return memory / 4 < MAX_RING ? memory / 4 : MAX_RING;
}
