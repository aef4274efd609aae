#include "daemon/record/positions_dataset.h"

#include <stdlib.h>

#include "daemon/record/nexus.h"

static int write_pairs(hid_t dataset, const struct scan_list *list)
{
    uint32_t(*const pairs)[2] = malloc(list->n * sizeof *pairs);
    if (!pairs)
        return -1;
    for (uint64_t i = 0; i < list->n; i++) {
        pairs[i][0] = list->positions[i] / list->nx;
        pairs[i][1] = list->positions[i] % list->nx;
    }
    const herr_t r = H5Dwrite(dataset, H5T_NATIVE_UINT32, H5S_ALL, H5S_ALL, H5P_DEFAULT, pairs);
    free(pairs);
    return r < 0 ? -1 : 0;
}

int positions_dataset_write(hid_t group, const char *name, const struct scan_list *list)
{
    const hsize_t extent[] = {list->n, 2};
    const hid_t space = H5Screate_simple(2, extent, NULL);
    if (space < 0)
        return -1;
    const hid_t dataset =
        H5Dcreate2(group, name, H5T_STD_U32LE, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
    H5Sclose(space);
    if (dataset < 0)
        return -1;
    int r = write_pairs(dataset, list);
    if (r == 0)
        r = nexus_attribute(dataset, "description",
                            "scan_y and scan_x of the positions of a pass, in the order of time");
    H5Dclose(dataset);
    return r < 0 ? -1 : 0;
}
