#include "daemon/record/bragg_reflections.h"

#include <stdlib.h>

#include "daemon/record/grown_dataset.h"
#include "daemon/record/nexus.h"
#include "processing/products/bragg_row.h"
#include "processing/run/run_excluded.h"

#define ROWS_AT_ONCE 8192

static const char description[] =
    "Bragg reflections: frame (index), y and x (pixels), counts in the disk and background "
    "expected "
    "there, contrast (excess over background), log10_p (of one place), sigma of y and x, g from "
    "the "
    "centre (pixels), k (nm^-1, 1/d), d (nm), azimuth (degrees from +x towards +y), partner (row "
    "of "
    "-g among those of the frame, -1 none), width (0 matched disk, 1 wide), flags (1 partner, 2 "
    "lattice, 4 at the edge, 8 weak partner)";

/* ---- the type ---- */

static hid_t memory_type(void)
{
    static const struct {
        const char *name;
        size_t offset;
    } reals[] = {
        {"y", HOFFSET(struct bragg_row, y)},
        {"x", HOFFSET(struct bragg_row, x)},
        {"counts", HOFFSET(struct bragg_row, counts)},
        {"background", HOFFSET(struct bragg_row, background)},
        {"contrast", HOFFSET(struct bragg_row, contrast)},
        {"log10_p", HOFFSET(struct bragg_row, log10_p)},
        {"sigma", HOFFSET(struct bragg_row, sigma)},
        {"g_y", HOFFSET(struct bragg_row, g_y)},
        {"g_x", HOFFSET(struct bragg_row, g_x)},
        {"g", HOFFSET(struct bragg_row, g)},
        {"k", HOFFSET(struct bragg_row, k)},
        {"d", HOFFSET(struct bragg_row, d)},
        {"azimuth", HOFFSET(struct bragg_row, azimuth)},
    };
    const hid_t type = H5Tcreate(H5T_COMPOUND, sizeof(struct bragg_row));
    if (type < 0)
        return type;
    herr_t r = H5Tinsert(type, "frame", HOFFSET(struct bragg_row, frame), H5T_NATIVE_UINT64);
    for (size_t i = 0; i < sizeof reals / sizeof reals[0] && r >= 0; i++)
        r = H5Tinsert(type, reals[i].name, reals[i].offset, H5T_NATIVE_DOUBLE);
    if (r < 0 ||
        H5Tinsert(type, "partner", HOFFSET(struct bragg_row, partner), H5T_NATIVE_INT32) < 0 ||
        H5Tinsert(type, "width", HOFFSET(struct bragg_row, width), H5T_NATIVE_UINT8) < 0 ||
        H5Tinsert(type, "flags", HOFFSET(struct bragg_row, flags), H5T_NATIVE_UINT8) < 0) {
        H5Tclose(type);
        return -1;
    }
    return type;
}

/* Without the gaps of the struct. */
static hid_t file_type(hid_t memory)
{
    const hid_t type = H5Tcopy(memory);
    if (type >= 0 && H5Tpack(type) < 0) {
        H5Tclose(type);
        return -1;
    }
    return type;
}

hid_t bragg_reflections_create(hid_t group)
{
    static const struct bragg_row nothing;
    const hid_t memory = memory_type();
    const hid_t type = memory < 0 ? -1 : file_type(memory);
    hid_t dataset =
        type < 0 ? -1 : grown_dataset_create(group, "reflections", type, memory, &nothing);
    if (dataset >= 0 && nexus_attribute(dataset, "description", description) < 0)
        dataset = -1;
    if (type >= 0)
        H5Tclose(type);
    if (memory >= 0)
        H5Tclose(memory);
    return dataset;
}

/* ---- rows ---- */

struct batch {
    hid_t dataset, type;
    struct bragg_row *rows; /* [ROWS_AT_ONCE] */
    size_t n;
    uint64_t written;
};

static int flush(struct batch *batch)
{
    if (batch->n == 0)
        return 0;
    if (grown_dataset_extend(batch->dataset, batch->written + batch->n) < 0 ||
        grown_dataset_write(batch->dataset, batch->type, batch->written, batch->n, batch->rows) < 0)
        return -1;
    batch->written += batch->n;
    batch->n = 0;
    return 0;
}

static int add_frame(struct batch *batch, const struct bragg_rows *rows, uint64_t frame,
                     const struct bragg_found *found)
{
    for (unsigned i = 0; i < found->n_reflections; i++) {
        if (batch->n == ROWS_AT_ONCE && flush(batch) < 0)
            return -1;
        batch->rows[batch->n++] = bragg_row_of(rows, frame, &found->reflections[i]);
    }
    return 0;
}

static int write_all(struct batch *batch, const struct run *run, const struct product *product)
{
    const struct bragg_rows rows =
        bragg_rows_of(&bragg_product_setup(product)->settings, &run->plan->calibration);
    const uint64_t end = frame_table_end(run->frames);
    for (uint64_t frame = 0; frame < end; frame++) {
        struct bragg_found found;
        if (run_bragg_look(run, product, frame, &found) && found.reflections &&
            add_frame(batch, &rows, frame, &found) < 0)
            return -1;
    }
    return flush(batch);
}

int bragg_reflections_write(hid_t dataset, const struct run *run, const struct product *product)
{
    struct batch batch = {
        .dataset = dataset,
        .type = memory_type(),
        .rows = malloc(ROWS_AT_ONCE * sizeof(struct bragg_row)),
    };
    const int r = batch.type < 0 || !batch.rows ? -1 : write_all(&batch, run, product);
    if (batch.type >= 0)
        H5Tclose(batch.type);
    free(batch.rows);
    return r;
}
