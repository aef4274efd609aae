#include "daemon/record/geometry_datasets.h"

#include <stdlib.h>
#include <string.h>

#include "daemon/record/geometry_text.h"
#include "daemon/record/nexus.h"
#include "daemon/record/positions_dataset.h"

/* Room for the text of some two hundred geometries: a person nudges a scan a few dozen times. */
#define HISTORY_CAPACITY ((size_t)48 << 10)

static int fill_group(struct geometry_datasets *geometry, hid_t group, const struct run *run)
{
    geometry->history = nexus_text_create(group, "history", HISTORY_CAPACITY);
    if (geometry->history < 0 || geometry_datasets_update(geometry, run) < 0)
        return -1;
    if (run->scan.order != SCAN_ORDER_LIST || run->scan.ny == 0)
        return 0;
    /* The frames of a list are a stack: nobody else has axes for its map. */
    if (nexus_scan_axes(group, &run->scan,
                        calibration_number(&run->plan->calibration, CALIBRATION_SCAN_STEP, 0)) < 0)
        return -1;
    return positions_dataset_write(group, "positions", run->scan.list);
}

int geometry_datasets_create(struct geometry_datasets *geometry, hid_t entry, const struct run *run)
{
    *geometry = (struct geometry_datasets){.history = -1};
    const hid_t group = nexus_group(entry, "geometry", "NXcollection");
    if (group < 0)
        return -1;
    const int r = fill_group(geometry, group, run);
    H5Gclose(group);
    return r;
}

int geometry_datasets_update(struct geometry_datasets *geometry, const struct run *run)
{
    const uint32_t version = run_view(run)->version;
    if (version == geometry->version)
        return 0;
    char *const text = geometry_text(run, HISTORY_CAPACITY);
    const int r = text ? nexus_text_write(geometry->history, text, strlen(text)) : -1;
    free(text);
    if (r >= 0)
        geometry->version = version;
    return r;
}

/* ---- lists that came later ---- */

static bool is_first_with_its_list(const struct run *run, const struct run_view *view)
{
    const struct scan_list *const list = view->scan.list;
    if (view->scan.order != SCAN_ORDER_LIST || !list || list == run->scan.list)
        return false;
    for (const struct run_view *older = view->older; older; older = older->older) {
        if (older->scan.list == list)
            return false;
    }
    return true;
}

bool geometry_late_lists_are_there(const struct run *run)
{
    for (const struct run_view *view = run_view(run); view; view = view->older) {
        if (is_first_with_its_list(run, view))
            return true;
    }
    return false;
}

int geometry_late_lists_write(hid_t file, const struct run *run)
{
    const hid_t group = H5Gopen2(file, "/entry/geometry", H5P_DEFAULT);
    int r = group < 0 ? -1 : 0;
    for (const struct run_view *view = run_view(run); r >= 0 && view; view = view->older) {
        char name[POSITIONS_NAME_SIZE];
        geometry_positions_name(name, run, view);
        if (is_first_with_its_list(run, view))
            r = positions_dataset_write(group, name, view->scan.list);
    }
    if (group >= 0)
        H5Gclose(group);
    return r;
}
