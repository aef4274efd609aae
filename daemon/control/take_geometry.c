#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/acquisition/run_geometry.h"
#include "daemon/control/commands.h"

/* The members of args that tell a geometry, as start and geometry have them. */

static bool take_scan(struct request *request, const json_t *args,
                      struct geometry_request *geometry)
{
    const json_t *const scan = json_object_get(args, "scan");
    if (!scan)
        return true;
    const json_int_t ny = json_integer_value(json_array_get(scan, 0));
    const json_int_t nx = json_integer_value(json_array_get(scan, 1));
    if (json_array_size(scan) != 2 || ny < 1 || nx < 1 || ny > SCAN_SIDE_MAX ||
        nx > SCAN_SIDE_MAX) {
        request_fail(request, "bad_value", "args.scan",
                     "scan must be [ny, nx], each a whole number from 1 to %d", SCAN_SIDE_MAX);
        return false;
    }
    geometry->scan_given = true;
    geometry->scan.ny = (uint32_t)ny;
    geometry->scan.nx = (uint32_t)nx;
    return true;
}

static bool take_order(struct request *request, const json_t *args,
                       struct geometry_request *geometry)
{
    const json_t *const order = json_object_get(args, "order");
    if (!order)
        return true;
    const char *const text = json_is_string(order) ? json_string_value(order) : "";
    const bool serpentine = strcmp(text, "serpentine") == 0;
    if (!serpentine && strcmp(text, "raster") != 0) {
        request_fail(request, "bad_value", "args.order",
                     "order must be \"raster\" or \"serpentine\"; any other way over the specimen "
                     "is told as a list of positions");
        return false;
    }
    if (json_object_get(args, "positions")) {
        request_fail(request, "bad_value", "args.order",
                     "order and positions exclude each other: leave one of them out");
        return false;
    }
    geometry->order_given = true;
    geometry->scan.order = serpentine ? SCAN_ORDER_SERPENTINE : SCAN_ORDER_RASTER;
    return true;
}

/* A member that must be a whole number from `least` to `most`. Returns false after having refused
 * the request. */
static bool take_number(struct request *request, const json_t *object, const char *member,
                        const char *field, json_int_t least, json_int_t most, bool *given,
                        json_int_t *value)
{
    const json_t *const json = json_object_get(object, member);
    *given = json;
    if (!json)
        return true;
    *value = json_integer_value(json);
    if (json_is_integer(json) && *value >= least && *value <= most)
        return true;
    request_fail(request, "bad_value", field,
                 "%s must be a whole number from %" JSON_INTEGER_FORMAT " to %" JSON_INTEGER_FORMAT,
                 field, least, most);
    return false;
}

static bool take_skip(struct request *request, const json_t *args,
                      struct geometry_request *geometry)
{
    json_t *const skip = json_object_get(args, "skip");
    const char *member;
    json_t *value;
    if (!skip)
        return true;
    if (!json_is_object(skip)) {
        request_fail(request, "bad_value", "args.skip",
                     "skip must be an object with start, line and end");
        return false;
    }
    json_object_foreach(skip, member, value)
    {
        if (strcmp(member, "start") != 0 && strcmp(member, "line") != 0 &&
            strcmp(member, "end") != 0) {
            request_fail(request, "bad_request", "args.skip", "skip has no member %s", member);
            return false;
        }
    }
    json_int_t start = 0, line = 0, end = 0;
    if (!take_number(request, skip, "start", "args.skip.start", 0, UINT32_MAX,
                     &geometry->skip_start_given, &start) ||
        !take_number(request, skip, "line", "args.skip.line", 0, SCAN_SIDE_MAX,
                     &geometry->skip_line_given, &line) ||
        !take_number(request, skip, "end", "args.skip.end", 0, UINT32_MAX,
                     &geometry->skip_end_given, &end))
        return false;
    geometry->scan.skip_start = (uint64_t)start;
    geometry->scan.skip_line = (uint32_t)line;
    geometry->scan.skip_end = (uint64_t)end;
    return true;
}

static bool take_repeats_and_shift(struct request *request, const json_t *args,
                                   struct geometry_request *geometry)
{
    json_int_t repeats = 0, shift = 0;
    if (!take_number(request, args, "repeats", "args.repeats", 1, CONFIG_REPEATS_MAX,
                     &geometry->repeats_given, &repeats) ||
        !take_number(request, args, "shift", "args.shift", -SCAN_SHIFT_MAX, SCAN_SHIFT_MAX,
                     &geometry->shift_given, &shift))
        return false;
    geometry->scan.repeats = (uint32_t)repeats;
    geometry->scan.shift = shift;
    return true;
}

/* ---- positions ---- */

/* false: `pair` is no position. */
static bool read_position(const json_t *pair, uint32_t position[2])
{
    if (json_array_size(pair) != 2)
        return false;
    for (size_t i = 0; i < 2; i++) {
        const json_t *const number = json_array_get(pair, i);
        const json_int_t value = json_integer_value(number);
        if (!json_is_integer(number) || value < 0 || value >= SCAN_SIDE_MAX)
            return false;
        position[i] = (uint32_t)value;
    }
    return true;
}

/* The list's map is that of `scan`, or what its positions need. */
static int make_list(struct geometry_request *geometry, const uint32_t (*positions)[2], uint64_t n,
                     struct error *error)
{
    uint32_t ny = geometry->scan.ny, nx = geometry->scan.nx;
    for (uint64_t i = 0; !geometry->scan_given && i < n; i++) {
        ny = positions[i][0] >= ny ? positions[i][0] + 1 : ny;
        nx = positions[i][1] >= nx ? positions[i][1] + 1 : nx;
    }
    if ((uint64_t)ny * nx > SCAN_LIST_GRID_MAX)
        return error_set(error, -EINVAL,
                         "the map of a list of positions has at most %" PRIu64
                         " places, and this one has %" PRIu32 " x %" PRIu32,
                         SCAN_LIST_GRID_MAX, ny, nx);
    return scan_list_create(&geometry->scan.list, ny, nx, positions, n, error);
}

static int read_positions(const json_t *list, uint32_t (*positions)[2], struct error *error)
{
    size_t i;
    json_t *pair;
    json_array_foreach(list, i, pair)
    {
        if (!read_position(pair, positions[i]))
            return error_set(error, -EINVAL,
                             "position %zu of the list is not [y, x], two whole numbers from 0 to "
                             "%d",
                             i, SCAN_SIDE_MAX - 1);
    }
    return 0;
}

static bool take_positions(struct request *request, const json_t *args,
                           struct geometry_request *geometry)
{
    const json_t *const list = json_object_get(args, "positions");
    if (!list)
        return true;
    const size_t n = json_array_size(list);
    if (n == 0 || n > SCAN_LIST_MAX) {
        request_fail(request, "bad_value", "args.positions",
                     "positions must be a list of 1 to %" PRIu64 " positions [y, x]",
                     SCAN_LIST_MAX);
        return false;
    }
    struct error error = {0};
    uint32_t(*const positions)[2] = calloc(n, sizeof *positions);
    int r = positions ? read_positions(list, positions, &error)
                      : error_set(&error, -ENOMEM, "no memory for a list of positions");
    if (positions && r == 0)
        r = make_list(geometry, (const uint32_t(*)[2])positions, n, &error);
    free(positions);
    if (r < 0) {
        request_fail(request, r == -ENOMEM ? "internal" : "bad_value", "args.positions", "%s",
                     error.text);
        return false;
    }
    geometry->order_given = true;
    geometry->scan.order = SCAN_ORDER_LIST;
    return true;
}

bool command_take_geometry(struct request *request, const json_t *args,
                           struct geometry_request *geometry)
{
    *geometry = (struct geometry_request){0};
    return take_scan(request, args, geometry) && take_order(request, args, geometry) &&
           take_repeats_and_shift(request, args, geometry) && take_skip(request, args, geometry) &&
           take_positions(request, args, geometry);
}
