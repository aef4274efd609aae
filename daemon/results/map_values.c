#include "daemon/results/map_values.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/results/result_list.h"

static uint64_t positions_of(const struct map_pass *pass)
{
    return (uint64_t)pass->ny * pass->nx;
}

/* The pass that the newest frame belongs to, or a later one. */
static uint64_t newest_begun(const struct run *run, const struct scan_geometry *scan,
                             uint64_t passes)
{
    const uint64_t frames = scan_geometry_pass_frames(scan);
    const int64_t first = (int64_t)scan->skip_start + scan->shift;
    const int64_t seen = (int64_t)frame_table_end(run->frames) - first;
    const uint64_t pass = seen > 0 && frames > 0 ? (uint64_t)(seen - 1) / frames : 0;
    return pass < passes ? pass : passes - 1;
}

static bool has_data(const struct run *run, const struct map_pass *pass, uint64_t number)
{
    const uint64_t n = positions_of(pass);
    return run_measured(run, &pass->view->scan, 0, number * n, n, NULL) > 0;
}

/* Of a pass that has begun. */
static int choose_newest(struct map_pass *chosen, const struct run *run, struct error *error)
{
    const uint64_t begun = chosen->pass;
    /* The newest frame may not be analysed yet, which costs a step or two back. Where all of a long
     * stretch is missing we do not search for what came before it. */
    enum { STEPS_BACK = 4 };
    for (uint64_t back = 0; back <= begun && back < STEPS_BACK; back++) {
        chosen->pass = begun - back;
        if (has_data(run, chosen, chosen->pass))
            return 0;
    }
    return error_set(error, -ENODATA,
                     "no frame with a position in the scan was analysed yet: wait for some, or "
                     "name a pass that has data");
}

int map_pass_begun(struct map_pass *chosen, const struct run *run, const struct run_view *view,
                   int64_t wanted, struct error *error)
{
    if (!view)
        view = run_view(run);
    const struct run_map_shape shape = run_map_shape(run, &view->scan);
    *chosen = (struct map_pass){
        .view = view, .passes = shape.passes, .ny = (uint32_t)shape.ny, .nx = (uint32_t)shape.nx};
    if (positions_of(chosen) == 0)
        return error_set(error, -ENODATA, "no frame came yet: wait for some");
    if (wanted != MAP_PASS_NEWEST && (wanted < 0 || (uint64_t)wanted >= shape.passes))
        return error_set(error, -ERANGE,
                         "there is no pass %" PRId64 ": they are counted from 0 to %" PRIu64,
                         wanted, shape.passes - 1);
    chosen->pass = wanted != MAP_PASS_NEWEST ? (uint64_t)wanted
                   : run->recycle            ? 0
                                             : newest_begun(run, &view->scan, shape.passes);
    return 0;
}

int map_pass_choose(struct map_pass *chosen, const struct run *run, const struct run_view *view,
                    int64_t wanted, struct error *error)
{
    const int r = map_pass_begun(chosen, run, view, wanted, error);
    if (r < 0)
        return r;
    if (positions_of(chosen) > MAP_VALUES_MAX_POSITIONS)
        return error_set(error, -EFBIG,
                         "a map of %" PRIu32 " x %" PRIu32 " is larger than the 2^20 positions "
                         "that are analysed on request: see the run as a smaller scan (geometry), "
                         "or take the map from the file",
                         chosen->ny, chosen->nx);
    if (wanted == MAP_PASS_NEWEST)
        return choose_newest(chosen, run, error);
    if (!has_data(run, chosen, chosen->pass))
        return error_set(error, -ENODATA, "nothing of pass %" PRId64 " was analysed yet", wanted);
    return 0;
}

/* In place, from the end: no value is larger than a double. */
static void to_doubles(double *values, const uint8_t *measured, enum map_dtype dtype, uint64_t n)
{
    for (uint64_t i = n; i-- > 0;) {
        uint64_t count;
        if (dtype == MAP_DTYPE_U8)
            count = ((const uint8_t *)values)[i];
        else
            memcpy(&count, &values[i], sizeof count);
        if (!measured[i])
            values[i] = NAN;
        else if (dtype != MAP_DTYPE_F64)
            values[i] = (double)count;
    }
}

int map_values_read(double **values, const struct run *run, const struct map_pass *pass,
                    const char *name, struct error *error)
{
    unsigned map;
    const struct product *const product = run_find_map(run, name, &map);
    if (!product) {
        char there[300];
        result_list_tell(result_list_maps(run), there, sizeof there);
        return error_set(error, -ENOENT, "no map %.60s: there are %s", name, there);
    }
    const uint64_t n = positions_of(pass);
    uint8_t *const measured = malloc(n + 1);
    *values = malloc((n + 1) * sizeof **values);
    if (!measured || !*values) {
        free(measured);
        free(*values);
        *values = NULL;
        return error_set(error, -ENOMEM, "no memory for a map of %" PRIu64 " positions", n);
    }
    run_map_positions(run, &pass->view->scan, product, map, pass->pass * n, n, *values, measured);
    to_doubles(*values, measured, product->maps[map].dtype, n);
    free(measured);
    return 0;
}
