#include "daemon/control/commands_references.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/calibration/references.h"
#include "daemon/control/commands.h"
#include "daemon/control/commands_calibration.h"

/* References: listed, looked at, attached to the runs that follow, removed. */

/* Tries a change of what is attached: `kept` NULL detaches the kind. */
static int attach(const struct control_service *service, const char *kind, const struct kept *kept)
{
    struct calibration changed;
    calibration_copy(&changed, acquisition_calibration(service->acquisition));
    struct calibration_reference *const reference = kept ? reference_of(kept) : NULL;
    int r = kept && !reference ? -EINVAL : 0;
    if (reference)
        r = calibration_attach(&changed, reference);
    else if (r == 0)
        calibration_detach(&changed, kind);
    if (r == 0)
        acquisition_set_calibration(service->acquisition, &changed);
    calibration_finish(&changed);
    return r;
}

static bool is_attached(const struct control_service *service, const char *kind, const char *name)
{
    const struct calibration_reference *const attached =
        calibration_attached(acquisition_calibration(service->acquisition), kind);
    return attached && strcmp(attached->name, name) == 0;
}

void references_renew(const struct control_service *service, const char *kind, const char *name)
{
    const struct kept *const kept =
        kept_store_find(acquisition_kept(service->acquisition), kind, name);
    if (kept && is_attached(service, kind, name))
        (void)attach(service, kind, kept);
}

/* ---- listing ---- */

static json_t *list_json(const struct control_service *service)
{
    const struct calibration *const calibration = acquisition_calibration(service->acquisition);
    return json_pack("{s:o, s:o, s:s}", "references",
                     references_json(acquisition_kept(service->acquisition), calibration),
                     "warnings", reference_warnings(calibration, NULL), "directory",
                     kept_store_directory(acquisition_kept(service->acquisition)));
}

void command_references(const struct control_service *service, struct request *request,
                        json_t *args)
{
    request_succeed(request, list_json(service), NULL, 0);
}

/* The reference that kind and name say; NULL: the request was refused. */
static const struct kept *take_reference(const struct control_service *service,
                                         struct request *request, const json_t *args)
{
    const char *const kind = json_string_value(json_object_get(args, "kind"));
    const char *const name = json_string_value(json_object_get(args, "name"));
    if (!kind || !name) {
        request_fail(request, "bad_value", kind ? "args.name" : "args.kind",
                     "kind and name must be those of a reference: references lists them");
        return NULL;
    }
    const struct kept *const kept =
        kept_store_find(acquisition_kept(service->acquisition), kind, name);
    if (kept && json_object_get(kept->document, "settings"))
        return kept;
    request_fail(request, "no_data", "args.name",
                 "there is no %.20s reference %.50s: references lists those that are kept", kind,
                 name);
    return NULL;
}

/* ---- one of them ---- */

#define ARRAYS_MAX 4

struct arrays {
    unsigned n;
    struct reply_part parts[ARRAYS_MAX];
    void *bytes[ARRAYS_MAX];
    json_t *described;
};

static int read_arrays(struct arrays *arrays, const struct kept_store *store,
                       const struct kept *kept, struct error *error)
{
    const char *name;
    json_t *file;
    json_object_foreach(kept->arrays, name, file)
    {
        struct npy_array array;
        if (arrays->n == ARRAYS_MAX)
            break;
        const int r = kept_store_read(store, kept, name, &array, &arrays->bytes[arrays->n], error);
        if (r < 0)
            return r;
        const size_t size = (size_t)array.height * array.width * npy_value_size(array.type);
        arrays->parts[arrays->n++] = (struct reply_part){array.values, size};
        json_array_append_new(arrays->described,
                              json_pack("{s:s, s:s, s:[I, I], s:[s, s], s:s, s:I, s:s}", "name",
                                        name, "dtype", npy_descr(array.type), "shape",
                                        (json_int_t)array.height, (json_int_t)array.width, "dims",
                                        "y", "x", "units", "counts", "nbytes", (json_int_t)size,
                                        "encoding", "raw"));
    }
    return 0;
}

void command_reference(const struct control_service *service, struct request *request, json_t *args)
{
    const struct kept *const kept = take_reference(service, request, args);
    struct arrays arrays = {.described = json_array()};
    struct error error = {0};
    if (kept && read_arrays(&arrays, acquisition_kept(service->acquisition), kept, &error) < 0)
        request_fail(request, "internal", NULL, "%s", error.text);
    else if (kept)
        request_succeed(request,
                        json_pack("{s:s, s:s, s:O, s:O}", "kind", kept->kind, "name", kept->name,
                                  "document", kept->document, "parts", arrays.described),
                        arrays.parts, arrays.n);
    for (unsigned i = 0; i < arrays.n; i++)
        free(arrays.bytes[i]);
    json_decref(arrays.described);
}

/* ---- attaching and removing ---- */

void command_reference_attach(const struct control_service *service, struct request *request,
                              json_t *args)
{
    const char *const kind = json_string_value(json_object_get(args, "kind"));
    const bool detach = kind && json_is_null(json_object_get(args, "name"));
    const struct kept *const kept = detach ? NULL : take_reference(service, request, args);
    if (!detach && !kept)
        return;
    const int r = attach(service, kind, kept);
    if (r == 0)
        request_succeed(request, list_json(service), NULL, 0);
    else if (r == -ENOSPC)
        request_fail(request, "bad_value", "args.kind",
                     "%d references of other kinds are attached already: detach one of them (name "
                     "null)",
                     CALIBRATION_REFERENCES);
    else
        request_fail(request, "internal", "args.kind", "the reference could not be attached");
}

void command_reference_remove(const struct control_service *service, struct request *request,
                              json_t *args)
{
    const struct kept *const kept = take_reference(service, request, args);
    struct error error = {0};
    char kind[sizeof kept->kind], name[sizeof kept->name];
    if (!kept)
        return;
    memcpy(kind, kept->kind, sizeof kind);
    memcpy(name, kept->name, sizeof name);
    if (kept_store_remove(acquisition_kept(service->acquisition), kind, name, &error) < 0) {
        request_fail(request, "internal", NULL, "%s", error.text);
        return;
    }
    if (is_attached(service, kind, name))
        (void)attach(service, kind, NULL);
    request_succeed(request, list_json(service), NULL, 0);
}
