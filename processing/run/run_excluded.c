#include "processing/run/run_excluded.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static void destroy(struct run_excluded *excluded)
{
    scan_list_unref(excluded->scan.list);
    free(excluded->mask);
    free(excluded->regions);
    free(excluded);
}

int run_exclude(struct run *run, const uint8_t *mask, uint64_t n, const char *regions)
{
    struct run_excluded *const made = calloc(1, sizeof *made);
    if (!made)
        return -ENOMEM;
    made->scan = *run_scan(run);
    scan_list_ref(made->scan.list);
    made->n = mask ? n : 0;
    made->mask = malloc(made->n + 1);
    made->regions = strdup(mask ? regions : "[]");
    if (!made->mask || !made->regions) {
        destroy(made);
        return -ENOMEM;
    }
    if (mask)
        memcpy(made->mask, mask, n);
    made->older = atomic_load_explicit(&run->excluded, memory_order_relaxed);
    atomic_store_explicit(&run->excluded, made, memory_order_release);
    return 0;
}

const struct run_excluded *run_excluded(const struct run *run)
{
    const struct run_excluded *const newest =
        atomic_load_explicit(&run->excluded, memory_order_acquire);
    return newest && newest->n > 0 ? newest : NULL;
}

bool run_excludes(const struct run *run, uint64_t frame)
{
    const struct run_excluded *const excluded = run_excluded(run);
    if (!excluded)
        return false;
    int64_t position = scan_geometry_position(&excluded->scan, frame);
    if (position >= 0 && excluded->scan.ny > 0)
        position %= (int64_t)excluded->n;
    return position >= 0 && (uint64_t)position < excluded->n && excluded->mask[position];
}

bool run_bragg_look(const struct run *run, const struct product *product, uint64_t exposure,
                    struct bragg_found *found)
{
    if (!bragg_product_look(product, exposure, found))
        return false;
    if (run_excludes(run, exposure)) {
        found->class = BRAGG_EXCLUDED;
        found->flags = 0;
        found->n_reflections = 0;
        found->strongest = 0;
        found->reflections = NULL;
    }
    return true;
}

void run_excluded_finish(struct run *run)
{
    struct run_excluded *excluded = atomic_load_explicit(&run->excluded, memory_order_acquire);
    while (excluded) {
        struct run_excluded *const older = excluded->older;
        destroy(excluded);
        excluded = older;
    }
}
