#include "clients/ctl/image_reply.h"

#include <errno.h>
#include <string.h>

#include "clients/ctl/commands.h"
#include "clients/ctl/npy.h"
#include "clients/ctl/output.h"
#include "clients/ctl/output_file.h"
#include "clients/ctl/picture.h"

struct image {
    struct array data;
    struct array measured;
    bool has_measured;
    struct array_statistics statistics;
};

/* One item of the first axis in place of the array. */
static int take_slice(struct array *array, const struct image_slice *slice, struct error *error)
{
    if (array->n_dims < 2 || slice->index >= array->shape[0])
        return error_set(error, -EPROTO, "the part %s has no item %zu", slice->part, slice->index);
    array->count /= array->shape[0];
    array->data += slice->index * array->count * array->item_size;
    array->n_dims--;
    memmove(array->shape, array->shape + 1, array->n_dims * sizeof *array->shape);
    return 0;
}

static int image_from_reply(struct image *image, struct reply *reply,
                            const struct image_slice *slice, struct error *error)
{
    int result = array_from_reply(&image->data, reply, slice ? slice->part : "data", error);
    if (result)
        return result == -ENOENT ? -EPROTO : result;
    if (slice && (result = take_slice(&image->data, slice, error)) < 0)
        return result;
    struct error without;
    result = array_from_reply(&image->measured, reply, "measured", &without);
    if (result && result != -ENOENT) {
        *error = without;
        return result;
    }
    image->has_measured = result == 0;
    if (image->has_measured && image->measured.count != image->data.count)
        return error_set(error, -EPROTO, "\"data\" and \"measured\" differ in size");
    if (array_statistics(&image->statistics, &image->data,
                         image->has_measured ? &image->measured : NULL) != 0)
        return error_set(error, -ENOMEM, "no memory for the image");
    return 0;
}

static json_t *describe_image(const struct image *image, const json_t *result, const char *path)
{
    const struct array *const data = &image->data;
    const struct array_statistics *const s = &image->statistics;
    json_t *const shape = json_array();
    for (size_t i = 0; i < data->n_dims; i++)
        json_array_append_new(shape, json_integer((json_int_t)data->shape[i]));
    json_t *const object = json_pack(
        "{s:s, s:O?, s:o, s:s, s:f}", "name", member_text(result, "name"), "run",
        json_object_get(result, "run"), "shape", shape, "units", member_text(result, "units"),
        "measured_fraction", data->count ? (double)s->measured / (double)data->count : 0.0);
    const struct {
        const char *name;
        double value;
    } numbers[] = {
        {"min", s->min}, {"max", s->max}, {"mean", s->mean}, {"low", s->low}, {"high", s->high}};
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) /* JSON has no NaN */
        json_object_set_new(object, numbers[i].name,
                            s->measured ? json_real(numbers[i].value) : json_null());
    json_object_set_new(object, "file", path ? json_string(path) : json_null());
    json_object_set(object, "frames", json_object_get(result, "frames"));
    return object;
}

static void print_image(const struct image *image, const json_t *result, const char *path)
{
    const struct array *const data = &image->data;
    const struct array_statistics *const s = &image->statistics;
    printf("%s", member_text(result, "name"));
    for (size_t i = 0; i < data->n_dims; i++)
        printf("%s%zu", i == 0 ? "  " : " x ", data->shape[i]);
    printf("  %s\n", member_text(result, "units"));
    if (*member_text(result, "description"))
        printf("  %s\n", member_text(result, "description"));
    printf("  measured  %.1f %%\n",
           data->count ? 100.0 * (double)s->measured / (double)data->count : 0.0);
    if (json_is_integer(json_object_get(result, "frames")))
        printf("  frames    %llu\n", (unsigned long long)member_count(result, "frames"));
    if (s->measured > 0)
        printf("  min       %.10g\n  max       %.10g\n  mean      %.10g\n", s->min, s->max,
               s->mean);
    if (path && output_file_kind(path) == OUTPUT_FILE_PNG && s->measured > 0)
        printf("  contrast  black %.10g, white %.10g\n", s->low, s->high);
    if (path)
        printf("  file      %s\n", path);
}

static int save_image(const struct image *image, const char *path, struct error *error)
{
    if (output_file_kind(path) == OUTPUT_FILE_NPY)
        return npy_write(path, &image->data, error);
    return picture_write(path, &image->data, image->has_measured ? &image->measured : NULL,
                         &image->statistics, error);
}

int image_deliver(const struct options *options, struct reply *reply,
                  const struct image_slice *slice)
{
    struct image image;
    struct error error = {0};
    const int result = image_from_reply(&image, reply, slice, &error);
    if (result)
        return command_failed(options, reply, result, &error);
    if (options->output && save_image(&image, options->output, &error) != 0) {
        fprintf(stderr, "merlinctl: %s\n", error.text);
        output_error(options, "output", error.text, NULL);
        return EXIT_NO_OUTPUT;
    }
    if (options->json) {
        json_t *const object = describe_image(&image, reply->result, options->output);
        output_json(object);
        json_decref(object);
    } else {
        print_image(&image, reply->result, options->output);
    }
    return 0;
}

int image_fetch(const struct options *options, struct client *client, const char *command,
                json_t *arguments)
{
    struct reply reply;
    struct error error = {0};
    const int result = client_request(client, command, arguments, &reply, &error);
    const int exit_code = result ? command_failed(options, &reply, result, &error)
                                 : image_deliver(options, &reply, NULL);
    reply_finish(&reply);
    return exit_code;
}
