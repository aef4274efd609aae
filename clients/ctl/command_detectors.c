#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "clients/ctl/arguments.h"
#include "clients/ctl/commands.h"
#include "clients/ctl/image_file.h"
#include "clients/ctl/output.h"

/* Virtual detectors that are added, moved and removed while runs go on, and recompute. */

#define POLL_MS 200

/* One line that could stand in the configuration's list: JSON is YAML too. What was at full scale
 * is told behind it, as a comment. */
static void print_detector(const json_t *detector)
{
    json_t *const settings = json_deep_copy(detector);
    json_object_del(settings, "saturation");
    char *const text = json_dumps(settings, JSON_REAL_PRECISION(9) | JSON_PRESERVE_ORDER);
    const json_t *const saturation = json_object_get(detector, "saturation");
    printf("%s", text ? text : "");
    if (member_count(saturation, "pixel_frames") > 0)
        printf("  # %.3g %% of its pixels at full scale",
               100 * json_number_value(json_object_get(saturation, "fraction")));
    putchar('\n');
    free(text);
    json_decref(settings);
}

static void print_detectors(const json_t *result)
{
    size_t i;
    const json_t *detector;
    json_array_foreach(json_object_get(result, "detectors"), i, detector) print_detector(detector);
}

int command_detectors(const struct options *options, struct client *client)
{
    return command_ask(options, client, "virtual_detectors", NULL, print_detectors);
}

static void print_changed(const json_t *result)
{
    print_detector(json_object_get(result, "detector"));
}

static json_t *rows_of(const struct image_file *file)
{
    const struct npy_file *const read = &file->array;
    const struct array array = {
        .kind = read->kind, .item_size = read->item_size, .data = file->bytes};
    json_t *const rows = json_array();
    for (size_t y = 0; y < read->shape[0]; y++) {
        json_t *const row = json_array();
        for (size_t x = 0; x < read->shape[1]; x++)
            json_array_append_new(row, json_real(array_value(&array, y * read->shape[1] + x)));
        json_array_append_new(rows, row);
    }
    return rows;
}

/* weights=FILE is read here and sent; mask=FILE is read by the daemon. */
static int send_weights(json_t *arguments, struct error *error)
{
    const char *const path = json_string_value(json_object_get(arguments, "weights"));
    struct image_file file;
    if (!path)
        return 0;
    const int r = image_file_read(&file, path, &(struct image_choice){0}, error);
    if (r < 0)
        return r;
    const bool image = file.array.n_dims == 2;
    if (image)
        json_object_set_new(arguments, "weights", rows_of(&file));
    else
        error_set(error, -EINVAL, "%s has not two axes: weights are [height, width] of a frame",
                  path);
    image_file_finish(&file);
    return image ? 0 : -EINVAL;
}

int command_detector(const struct options *options, struct client *client)
{
    struct error error = {0};
    json_t *const arguments = json_pack("{s:s}", "name", options->words[0]);
    if (arguments_add_words(arguments, options, 1,
                            ", such as shape=disk, radius=20 or centre=[127.5,120]", &error) == 0 &&
        send_weights(arguments, &error) == 0)
        return command_ask(options, client, "virtual_detector", arguments, print_changed);
    json_decref(arguments);
    return command_failed(options, &(struct reply){0}, error.code, &error);
}

static void print_removed(const json_t *result)
{
    printf("%s: removed\n", member_text(result, "name"));
}

int command_remove_detector(const struct options *options, struct client *client)
{
    return command_ask(options, client, "virtual_detector_remove",
                       json_pack("{s:s}", "name", options->words[0]), print_removed);
}

/* ---- recompute ---- */

/* What could not be computed again is told; 0: all was. */
static int recompute_exit(const struct options *options, const struct reply *reply)
{
    const char *const text = member_text(json_object_get(reply->result, "recompute"), "error");
    if (!text[0])
        return 0;
    struct error error = {0};
    error_set(&error, -EIO, "%s", text);
    return command_failed(options, reply, -EIO, &error);
}

/* Looks at the status until nothing is computed again any more. */
static int wait_until_recomputed(const struct options *options, struct client *client)
{
    const struct timespec pause = {.tv_nsec = POLL_MS * 1000000L};
    for (;;) {
        struct reply reply;
        struct error error = {0};
        const int r = client_request(client, "status", NULL, &reply, &error);
        if (r < 0) {
            const int code = command_failed(options, &reply, r, &error);
            reply_finish(&reply);
            return code;
        }
        const json_t *const recompute = json_object_get(reply.result, "recompute");
        const bool over = !json_is_false(json_object_get(recompute, "finished"));
        const int code = over ? recompute_exit(options, &reply) : 0;
        reply_finish(&reply);
        if (over)
            return code;
        nanosleep(&pause, NULL);
    }
}

static void print_recompute(const json_t *result)
{
    printf("computing again over %llu chunks of frames\n",
           (unsigned long long)member_count(json_object_get(result, "recompute"), "total"));
}

int command_recompute(const struct options *options, struct client *client)
{
    json_t *const arguments =
        options->n_words ? json_pack("{s:s}", "name", options->words[0]) : json_object();
    const int code = command_ask(options, client, "recompute", arguments, print_recompute);
    return code == 0 && (options->given & OPTION_WAIT) ? wait_until_recomputed(options, client)
                                                       : code;
}
