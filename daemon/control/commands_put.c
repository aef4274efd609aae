#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/log.h"
#include "daemon/control/commands.h"
#include "daemon/control/commands_calibration.h"
#include "daemon/control/put_image.h"
#include "daemon/json_time.h"
#include "daemon/results/put_map.h"

/* maps_put: a map that a client has becomes one of the run. */

/* A text of args, "" when it is not there. false: the request was refused. */
static bool take_text(struct request *request, const json_t *args, const char *name, size_t most,
                      const char **text)
{
    char field[64];
    const json_t *const given = json_object_get(args, name);
    *text = given ? json_string_value(given) : "";
    if (*text && strlen(*text) <= most)
        return true;
    snprintf(field, sizeof field, "args.%s", name);
    request_fail(request, "bad_value", field, "%s must be a text of at most %zu bytes", name, most);
    return false;
}

static bool take_shape(struct request *request, const json_t *args, struct put_map *map)
{
    const json_t *const shape = json_object_get(args, "shape");
    const size_t rank = json_array_size(shape);
    bool good = rank >= 1 && rank <= 3;
    for (size_t i = 0; i < rank && good; i++) {
        const json_t *const side = json_array_get(shape, i);
        good = json_is_integer(side) && json_integer_value(side) >= 1;
        map->shape[i] = (uint64_t)json_integer_value(side);
    }
    map->rank = (unsigned)rank;
    if (!good)
        request_fail(request, "bad_value", "args.shape",
                     "shape must be [ny, nx], with repeats also [passes, ny, nx], or [n] for the "
                     "values of n exposures");
    return good;
}

static bool take_pass(struct request *request, const json_t *args, struct put_map *map)
{
    const json_t *const pass = json_object_get(args, "pass");
    map->pass = pass ? json_integer_value(pass) : PUT_MAP_ALL_PASSES;
    if (!pass || (json_is_integer(pass) && map->pass >= 0 && map->rank == 2))
        return true;
    request_fail(request, "bad_value", "args.pass",
                 "pass must be a whole number from 0, and is only for a map of shape [ny, nx]");
    return false;
}

/* The newest run; NULL: the request was refused. */
static struct run *take_run(const struct control_service *service, struct request *request,
                            const json_t *args)
{
    struct run *const run = acquisition_run(service->acquisition);
    const json_t *const id = json_object_get(args, "run");
    if (!run) {
        request_fail(request, "no_data", NULL, "nothing was measured yet: start a scan first");
        return NULL;
    }
    if (!id || (json_is_string(id) && strcmp(json_string_value(id), run->plan->id) == 0))
        return run;
    request_fail(request, "no_data", "args.run",
                 "maps can be put into the newest run only, which is %s", run->plan->id);
    return NULL;
}

/* In the client's own words, and when. For free(); NULL: no memory. */
static char *provenance_of(const json_t *args, const char *program, const char *user,
                           const char *source, json_t *image, const struct run *run)
{
    json_t *const json = json_pack(
        "{s:s, s:o, s:s, s:s, s:s, s:O, s:O, s:I, s:O*}", "origin", "put", "time",
        json_time(clock_realtime_ns()), "program", program, "user", user, "source", source, "dtype",
        json_object_get(args, "dtype"), "shape", json_object_get(args, "shape"), "geometry",
        (json_int_t)run_view(run)->version, "image", image);
    char *const text = json ? json_dumps(json, JSON_COMPACT) : NULL;
    json_decref(json);
    return text;
}

static const char *code_of(int error)
{
    return error == -ENOMEM ? "internal" : error == -ENODATA ? "no_data" : "bad_value";
}

static void put(const struct control_service *service, struct request *request,
                const struct put_map *map, json_t *image, struct run *run)
{
    struct put_result result;
    struct error error = {0};
    const char *field;
    const int r = put_map(run, map, &result, &field, &error);
    if (r < 0) {
        request_fail(request, code_of(r), field, "%s", error.text);
        return;
    }
    log_info("control", "map %s was put into run %s", map->name, run->plan->id);
    const char *const recorded = acquisition_record_given(service->acquisition);
    request_succeed(request,
                    json_pack("{s:s, s:s, s:s, s:b, s:I, s:I, s:s, s:O*}", "name", map->name, "run",
                              run->plan->id, "dtype", result.dtype, "replaced", result.replaced,
                              "values", (json_int_t)result.values, "without_frame",
                              (json_int_t)result.without, "recorded", recorded, "image", image),
                    NULL, 0);
}

/* false: the request was refused. */
static bool take_image(struct request *request, const json_t *args, struct put_map *map,
                       const struct run *run, struct put_image *image)
{
    struct error error = {0};
    const char *field;
    const int r = put_image_init(image, map, args, run, &field, &error);
    if (r < 0)
        request_fail(request, code_of(r), field, "%s", error.text);
    return r == 0;
}

void command_maps_put(const struct control_service *service, struct request *request, json_t *args)
{
    struct put_map map = {0};
    const char *program, *user, *source;
    map.bytes = request_part(request, &map.size);
    if (!map.bytes || json_object_get(args, "shape") == NULL) {
        request_fail(request, "bad_request", map.bytes ? "args.shape" : NULL,
                     "maps_put is two frames: JSON with name, dtype and shape, and the array's "
                     "bytes in C order");
        return;
    }
    if (!calibration_take_name(request, args, "name", &map.name) ||
        !take_text(request, args, "dtype", 3, &map.dtype) || !take_shape(request, args, &map) ||
        !take_pass(request, args, &map) || !take_text(request, args, "units", 31, &map.units) ||
        !take_text(request, args, "description", 159, &map.description) ||
        !take_text(request, args, "program", 200, &program) ||
        !take_text(request, args, "user", 200, &user) ||
        !take_text(request, args, "source", 2000, &source))
        return;
    if (!map.name) {
        request_fail(request, "bad_value", "args.name", "the map needs a name");
        return;
    }
    struct run *const run = take_run(service, request, args);
    struct put_image image = {0};
    if (!run || (json_object_get(args, "image") && !take_image(request, args, &map, run, &image)))
        return;
    char *const provenance = provenance_of(args, program, user, source, image.told, run);
    map.provenance = provenance;
    if (provenance)
        put(service, request, &map, image.told, run);
    else
        request_fail(request, "internal", NULL, "no memory for a map");
    put_image_finish(&image);
    free(provenance);
}
