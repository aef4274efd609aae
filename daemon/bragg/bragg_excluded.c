#include "daemon/bragg/bragg_excluded.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/results/region_spans.h"

#define REGIONS_MAX 255
/* The statistics of a file, a text of fixed length, have them too. */
#define TEXT_MAX 32768

/* false: one of the regions is none, or does not lie in the scan. */
static bool draw(uint8_t *mask, const json_t *regions, const struct run_map_shape *shape)
{
    const size_t n = json_array_size(regions);
    bool good = n <= REGIONS_MAX;
    for (size_t i = 0; i < n && good; i++)
        good = region_spans_take(json_array_get(regions, i), (uint32_t)shape->ny,
                                 (uint32_t)shape->nx, 1, mask);
    return good;
}

static int exclude(struct run *run, const json_t *regions, const char *text, struct error *error)
{
    const struct run_map_shape shape = run_map_shape(run, run_scan(run));
    const uint64_t n = shape.ny * shape.nx;
    uint8_t *const mask = calloc(n + 1, 1);
    int r = -ENOMEM;
    if (mask && !draw(mask, regions, &shape))
        r = error_set(error, -EINVAL,
                      "regions must be at most %d lists of [y, x0, x1] with x0 < x1, whole numbers "
                      "within a scan of %llu x %llu positions; x1 is not in it",
                      REGIONS_MAX, (unsigned long long)shape.ny, (unsigned long long)shape.nx);
    else if (mask)
        r = run_exclude(run, json_array_size(regions) > 0 ? mask : NULL, n, text);
    free(mask);
    return r == -ENOMEM ? error_set(error, r, "no memory for what is excluded") : r;
}

int bragg_exclude(struct run *run, const json_t *regions, struct error *error)
{
    if (!json_is_array(regions))
        return error_set(error, -EINVAL, "regions must be a list of regions, [] for none");
    char *const text = json_dumps(regions, JSON_COMPACT);
    if (!text)
        return error_set(error, -ENOMEM, "no memory for what is excluded");
    const int r =
        strlen(text) > TEXT_MAX
            ? error_set(error, -EFBIG,
                        "these regions take %zu bytes of text, and the file has room for %d: draw "
                        "fewer, or simpler ones",
                        strlen(text), TEXT_MAX)
            : exclude(run, regions, text, error);
    free(text);
    return r;
}

json_t *bragg_excluded_json(const struct run *run)
{
    const struct run_excluded *const excluded = run_excluded(run);
    json_t *const regions = excluded ? json_loads(excluded->regions, 0, NULL) : NULL;
    return regions ? regions : json_array();
}
