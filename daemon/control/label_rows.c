#include "daemon/control/label_rows.h"

#include "daemon/results/region_spans.h"

/* ---- rows ---- */

static bool take_row(const json_t *row, uint32_t nx, uint8_t *labels)
{
    if (json_array_size(row) != nx)
        return false;
    for (uint32_t x = 0; x < nx; x++) {
        const json_t *const value = json_array_get(row, x);
        const json_int_t label = json_integer_value(value);
        if (!json_is_integer(value) || label < 0 || label > LABEL_MAX)
            return false;
        labels[x] = (uint8_t)label;
    }
    return true;
}

bool label_rows_take(const json_t *rows, uint32_t ny, uint32_t nx, uint8_t *labels)
{
    bool good = ny > 0 && json_array_size(rows) == ny;
    for (uint32_t y = 0; y < ny && good; y++)
        good = take_row(json_array_get(rows, y), nx, labels + (size_t)y * nx);
    return good;
}

/* ---- regions ---- */

int label_regions_take(struct analysis *analysis, uint32_t ny, uint32_t nx, uint8_t *labels)
{
    const json_t *const regions = json_object_get(analysis->args, "regions");
    const size_t n = json_array_size(regions);
    bool good = n > 0 && n <= LABEL_MAX;
    for (size_t i = 0; i < n && good; i++)
        good = region_spans_take(json_array_get(regions, i), ny, nx, (uint8_t)(i + 1), labels);
    return good
               ? 0
               : analysis_refuse(analysis, "bad_value", "args.regions",
                                 "regions must be 1 to %d lists of [y, x0, x1] with x0 < x1, whole "
                                 "numbers within a scan of %u x %u positions; x1 is not in it",
                                 LABEL_MAX, ny, nx);
}

int label_excluded_take(struct analysis *analysis, uint32_t ny, uint32_t nx, uint8_t *mask)
{
    return region_spans_take(json_object_get(analysis->args, "excluded"), ny, nx, 1, mask)
               ? 0
               : analysis_refuse(analysis, "bad_value", "args.excluded",
                                 "excluded must be a list of [y, x0, x1] with x0 < x1, whole "
                                 "numbers within a scan of %u x %u positions; x1 is not in it",
                                 ny, nx);
}
