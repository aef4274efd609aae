#include "processing/run/run_glass.h"

#include <errno.h>
#include <stdlib.h>

#include "processing/run/run_excluded.h"
#include "processing/run/run_products.h"

int run_name_glass(struct run *run, const struct run_glass_area *area)
{
    struct run_glass *const made = calloc(1, sizeof *made);
    if (!made)
        return -ENOMEM;
    made->scan = *run_scan(run);
    scan_list_ref(made->scan.list);
    if (area)
        made->area = *area;
    made->older = atomic_load_explicit(&run->glass, memory_order_relaxed);
    atomic_store_explicit(&run->glass, made, memory_order_release);
    return 0;
}

const struct run_glass *run_glass(const struct run *run)
{
    const struct run_glass *const newest = atomic_load_explicit(&run->glass, memory_order_acquire);
    return newest && newest->area.to_y > 0 ? newest : NULL;
}

static void count(struct found_rate *alarms, const struct run *run, const struct product *product,
                  int64_t frame)
{
    struct bragg_found found;
    if (frame < 0 || !run_bragg_look(run, product, (uint64_t)frame, &found) ||
        found.class > BRAGG_MULTIPLE)
        return;
    alarms->n++;
    alarms->found += found.class != BRAGG_NONE && found.strongest >= alarms->contrast;
}

struct found_rate run_glass_alarms(const struct run *run, double contrast)
{
    const struct run_glass *const glass = run_glass(run);
    const struct product *const product = run_bragg(run);
    struct found_rate alarms = {.contrast = contrast};
    if (!glass || !product)
        return alarms;
    const struct run_glass_area *const area = &glass->area;
    const uint64_t first = area->pass * area->ny * area->nx;
    for (uint64_t y = area->from_y; y < area->to_y; y++) {
        for (uint64_t x = area->from_x; x < area->to_x; x++)
            count(&alarms, run, product,
                  scan_geometry_frame_index(&glass->scan, first + y * area->nx + x));
    }
    return alarms;
}

void run_glass_finish(struct run *run)
{
    struct run_glass *glass = atomic_load_explicit(&run->glass, memory_order_acquire);
    while (glass) {
        struct run_glass *const older = glass->older;
        scan_list_unref(glass->scan.list);
        free(glass);
        glass = older;
    }
}
