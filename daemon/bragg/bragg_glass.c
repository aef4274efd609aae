#include "daemon/bragg/bragg_glass.h"

#include <errno.h>

#include "daemon/bragg/headline_json.h"

json_t *bragg_glass_json(const struct run *run, double confidence)
{
    const struct run_glass *const glass = run_glass(run);
    if (!glass)
        return json_null();
    const struct run_glass_area *const area = &glass->area;
    const struct found_rate alarms = run_glass_alarms(run, 0);
    return json_pack("{s:[I, I, I, I], s:I, s:o}", "area", (json_int_t)area->from_y,
                     (json_int_t)area->from_x, (json_int_t)area->to_y, (json_int_t)area->to_x,
                     "pass", (json_int_t)area->pass, "false_positive",
                     false_rate_json(&alarms, confidence));
}

int bragg_glass_take(struct run *run, const json_t *glass, struct error *error)
{
    const struct run_map_shape shape = run_map_shape(run, run_scan(run));
    const json_t *const corners = json_object_get(glass, "area");
    json_int_t at[4];
    if (!json_is_object(glass))
        return 0;
    for (size_t i = 0; i < 4; i++)
        at[i] = json_integer_value(json_array_get(corners, i));
    const json_int_t pass = json_integer_value(json_object_get(glass, "pass"));
    if (pass < 0 || at[0] < 0 || at[1] < 0 || at[2] <= at[0] || at[3] <= at[1] ||
        (uint64_t)at[2] > shape.ny || (uint64_t)at[3] > shape.nx)
        return error_set(error, -EINVAL, "the area of glass does not lie in the scan");
    const struct run_glass_area area = {
        .pass = (uint64_t)pass,
        .ny = (uint32_t)shape.ny,
        .nx = (uint32_t)shape.nx,
        .from_y = (uint32_t)at[0],
        .from_x = (uint32_t)at[1],
        .to_y = (uint32_t)at[2],
        .to_x = (uint32_t)at[3],
    };
    return run_name_glass(run, &area) < 0
               ? error_set(error, -ENOMEM, "no memory for the area of glass")
               : 0;
}
