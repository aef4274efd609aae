#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clients/ctl/commands.h"
#include "clients/ctl/image_file.h"
#include "clients/ctl/output.h"

/* put: a map or an image from a file becomes a map of the newest run. */

/* What the words after the file ask for beside the arguments. */
struct put_words {
    struct image_choice choice;
    bool image;
};

/* The value of KEY=VALUE; NULL: the word is another. */
static const char *value_of(const char *word, const char *key)
{
    const size_t length = strlen(key);
    return strncmp(word, key, length) == 0 && word[length] == '=' ? word + length + 1 : NULL;
}

/* Texts, and pass, a number. */
static bool add_text(json_t *arguments, const char *word)
{
    static const char *const keys[] = {"units", "description", "run", "user", "source", "pass"};
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        const char *const value = value_of(word, keys[i]);
        if (!value)
            continue;
        char *end;
        const long long pass = strtoll(value, &end, 10);
        const bool number = strcmp(keys[i], "pass") == 0 && end != value && !*end;
        return json_object_set_new(arguments, keys[i],
                                   number ? json_integer(pass) : json_string(value)) == 0;
    }
    return false;
}

/* Where an image lies on the scan. */
static bool add_place(json_t *arguments, struct put_words *words, const char *word)
{
    const char *const map = value_of(word, "register"), *const shift = value_of(word, "shift");
    json_t *const value = map ? json_string(map) : shift ? json_loads(shift, 0, NULL) : NULL;
    if (!value)
        return false;
    words->image = true;
    json_object_set_new(arguments, "image", json_pack("{s:o}", map ? "register" : "shift", value));
    return true;
}

/* Which one of the file. */
static bool take_choice(struct put_words *words, const char *word)
{
    const char *const dataset = value_of(word, "dataset"), *const page = value_of(word, "page");
    char *end;
    if (dataset)
        words->choice.dataset = dataset;
    if (!page)
        return dataset != NULL;
    const long number = strtol(page, &end, 10);
    words->choice.page = (unsigned)number;
    return end != page && !*end && number >= 0 && number <= 65535;
}

static int take_words(json_t *arguments, struct put_words *words, const struct options *options,
                      struct error *error)
{
    for (unsigned i = 2; i < options->n_words; i++) {
        const char *const word = options->words[i];
        if (!add_text(arguments, word) && !add_place(arguments, words, word) &&
            !take_choice(words, word))
            return error_set(error, -EINVAL,
                             "\"%s\" is not KEY=VALUE, KEY being units, description, run, user, "
                             "source, pass, register, shift ([dy,dx]), dataset or page",
                             word);
    }
    return 0;
}

/* What the daemon is told of the array. */
static void describe(json_t *arguments, const struct options *options,
                     const struct image_file *file, bool image)
{
    const struct npy_file *const array = &file->array;
    char dtype[8];
    snprintf(dtype, sizeof dtype, "%c%c%zu", array->item_size == 1 ? '|' : '<', array->kind,
             array->item_size);
    json_t *const shape = json_array();
    for (size_t i = 0; i < array->n_dims; i++)
        json_array_append_new(shape, json_integer((json_int_t)array->shape[i]));
    json_object_set_new(arguments, "name", json_string(options->words[0]));
    json_object_set_new(arguments, "dtype", json_string(dtype));
    json_object_set_new(arguments, "shape", shape);
    json_object_set_new(arguments, "program", json_string("merlinctl put"));
    if ((image || file->is_image) && !json_object_get(arguments, "image"))
        json_object_set_new(arguments, "image", json_object());
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
    const json_t *const image = json_object_get(result, "image");
    const json_t *const shift = json_object_get(image, "shift");
    if (*member_text(image, "register"))
        printf("found in %s, shifted by [%.2f, %.2f] positions\n", member_text(image, "register"),
               number_or_nan(json_array_get(shift, 0)), number_or_nan(json_array_get(shift, 1)));
}

static int send(const struct options *options, struct client *client, json_t *arguments,
                const struct image_file *file)
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
    struct image_file file = {0};
    struct put_words words = {0};
    struct error error = {0};
    const char *const user = getenv("USER");
    json_t *const arguments = json_pack("{s:s}", "source", options->words[1]);
    if (user)
        json_object_set_new(arguments, "user", json_string(user));
    int r = take_words(arguments, &words, options, &error);
    if (r == 0)
        r = image_file_read(&file, options->words[1], &words.choice, &error);
    if (r == 0)
        describe(arguments, options, &file, words.image);
    else
        json_decref(arguments);
    const int code = r == 0 ? send(options, client, arguments, &file)
                            : command_failed(options, &(struct reply){0}, error.code, &error);
    image_file_finish(&file);
    return code;
}
