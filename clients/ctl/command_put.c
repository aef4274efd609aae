#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clients/ctl/commands.h"
#include "clients/ctl/npy.h"
#include "clients/ctl/output.h"

/* put: a map from a .npy file becomes one of the newest run. */

/* As schemas/protocol.md says. */
#define PUT_MAX_BYTES ((size_t)1 << 26)

struct put_file {
    struct npy_file array;
    uint8_t *bytes;
    size_t size;
};

static int array_size(const struct npy_file *array, size_t *size)
{
    *size = array->item_size;
    for (size_t i = 0; i < array->n_dims; i++) {
        if (__builtin_mul_overflow(*size, array->shape[i], size))
            return -EFBIG;
    }
    return *size <= PUT_MAX_BYTES ? 0 : -EFBIG;
}

static int read_items(struct put_file *file, FILE *in, const char *path, struct error *error)
{
    const int r = npy_read_header(&file->array, in, path, error);
    if (r < 0)
        return r;
    if (file->array.fortran_order && file->array.n_dims > 1)
        return error_set(error, -EINVAL,
                         "%s is in Fortran order: save numpy.ascontiguousarray of it", path);
    if (array_size(&file->array, &file->size) < 0)
        return error_set(error, -EINVAL, "%s is too large: a map of at most %zu bytes can be put",
                         path, PUT_MAX_BYTES);
    file->bytes = malloc(file->size + 1);
    if (!file->bytes)
        return error_set(error, -ENOMEM, "no memory for %s", path);
    if (fread(file->bytes, 1, file->size, in) != file->size)
        return error_set(error, -EINVAL, "%s ends before its array does", path);
    return 0;
}

static int read_file(struct put_file *file, const char *path, struct error *error)
{
    FILE *const in = fopen(path, "rb");
    if (!in)
        return error_set(error, -EINVAL, "%s: %s", path, strerror(errno));
    const int r = read_items(file, in, path, error);
    fclose(in);
    return r;
}

/* KEY=VALUE: all are texts but pass. */
static bool add_word(json_t *arguments, const char *word)
{
    static const char *const keys[] = {"units", "description", "run", "user", "source", "pass"};
    const char *const equals = strchr(word, '=');
    for (size_t i = 0; equals && i < sizeof keys / sizeof *keys; i++) {
        if (strlen(keys[i]) != (size_t)(equals - word) ||
            strncmp(word, keys[i], strlen(keys[i])) != 0)
            continue;
        char *end;
        const long long pass = strtoll(equals + 1, &end, 10);
        const bool number = strcmp(keys[i], "pass") == 0 && end != equals + 1 && !*end;
        return json_object_set_new(arguments, keys[i],
                                   number ? json_integer(pass) : json_string(equals + 1)) == 0;
    }
    return false;
}

static json_t *arguments_of(const struct options *options, const struct npy_file *array,
                            struct error *error)
{
    char dtype[8];
    snprintf(dtype, sizeof dtype, "%c%c%zu", array->item_size == 1 ? '|' : '<', array->kind,
             array->item_size);
    json_t *const shape = json_array();
    for (size_t i = 0; i < array->n_dims; i++)
        json_array_append_new(shape, json_integer((json_int_t)array->shape[i]));
    json_t *const arguments =
        json_pack("{s:s, s:s, s:o, s:s, s:s}", "name", options->words[0], "dtype", dtype, "shape",
                  shape, "program", "merlinctl put", "source", options->words[1]);
    const char *const user = getenv("USER");
    if (user)
        json_object_set_new(arguments, "user", json_string(user));
    for (unsigned i = 2; i < options->n_words; i++) {
        if (add_word(arguments, options->words[i]))
            continue;
        error_set(
            error, -EINVAL,
            "\"%s\" is not KEY=VALUE, KEY being units, description, run, user, source or pass",
            options->words[i]);
        json_decref(arguments);
        return NULL;
    }
    return arguments;
}

static void print_put(const json_t *result)
{
    const char *const recorded = member_text(result, "recorded");
    printf("%s: %llu values%s in run %s, %s\n", member_text(result, "name"),
           (unsigned long long)member_count(result, "values"),
           json_is_true(json_object_get(result, "replaced")) ? " in place of those before" : "",
           member_text(result, "run"),
           strcmp(recorded, "off") == 0   ? "not recorded: the run has no file"
           : strcmp(recorded, "now") == 0 ? "added to its file"
                                          : "recorded when the run ends");
}

static int send(const struct options *options, struct client *client, json_t *arguments,
                const struct put_file *file)
{
    struct reply reply;
    struct error error = {0};
    const struct request_part part = {file->bytes, file->size};
    const int r = client_request_part(client, "maps_put", arguments, &part, &reply, &error);
    int code = 0;
    if (r)
        code = command_failed(options, &reply, r, &error);
    else if (options->json)
        output_json(reply.result);
    else
        print_put(reply.result);
    reply_finish(&reply);
    return code;
}

int command_put(const struct options *options, struct client *client)
{
    struct put_file file = {0};
    struct error error = {0};
    json_t *arguments = NULL;
    if (read_file(&file, options->words[1], &error) == 0)
        arguments = arguments_of(options, &file.array, &error);
    const int code = arguments ? send(options, client, arguments, &file)
                               : command_failed(options, &(struct reply){0}, error.code, &error);
    free(file.bytes);
    return code;
}
