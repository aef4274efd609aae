#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "clients/ctl/arguments.h"
#include "clients/ctl/commands.h"
#include "clients/ctl/output.h"

/* What is known of the instrument: shown, set, measured; mask of bad pixels and gain saved. */

/* ---- showing ---- */

/* "0.1112", "[127.3, 128.1]", or "ratio 1.012, angle 30.2" */
static struct text text_of_value(const json_t *value)
{
    struct text text = {""};
    if (json_is_array(value))
        snprintf(text.text, sizeof text.text, "[%.6g, %.6g]",
                 json_number_value(json_array_get(value, 0)),
                 json_number_value(json_array_get(value, 1)));
    else if (json_is_object(value))
        snprintf(text.text, sizeof text.text, "ratio %.6g, angle %.6g",
                 member_number(value, "ratio"), member_number(value, "angle"));
    else
        snprintf(text.text, sizeof text.text, "%.8g", json_number_value(value));
    return text;
}

/* The units of an ellipse are named where its numbers are. */
static void print_value(const char *name, const json_t *item)
{
    const json_t *const value = json_object_get(item, "value");
    const json_t *const error = json_object_get(item, "error");
    const char *const unit = json_is_object(value) ? "degrees" : member_text(item, "unit");
    printf("%-20s  %s", name, text_of_value(value).text);
    if (error)
        printf(" +- %s", text_of_value(error).text);
    printf(" %s (%s, %s)\n", unit, member_text(item, "source"),
           text_of_time(json_object_get(item, "time")).text);
}

static void print_shape(const json_t *item)
{
    const json_t *const shape = json_object_get(item, "shape");
    printf(" of %lld x %lld pixels (%s, %s)\n",
           (long long)json_integer_value(json_array_get(shape, 0)),
           (long long)json_integer_value(json_array_get(shape, 1)), member_text(item, "source"),
           text_of_time(json_object_get(item, "time")).text);
}

static void print_item(const char *name, const json_t *item)
{
    if (!json_is_object(item))
        return;
    if (strcmp(name, "bad_pixels") == 0) {
        printf("%-20s  %s", name, text_of_count(member_count(item, "n")).text);
        print_shape(item);
    } else if (strcmp(name, "gain") == 0) {
        printf("%-20s  %.4g to %.4g, mean %.4g", name, member_number(item, "least"),
               member_number(item, "most"), member_number(item, "mean"));
        print_shape(item);
    } else {
        print_value(name, item);
    }
}

static void print_unknown(json_t *calibration)
{
    const char *name;
    json_t *item;
    unsigned n = 0;
    json_object_foreach(calibration, name, item)
    {
        if (json_is_null(item))
            printf("%s%s", n++ == 0 ? "not known             " : ", ", name);
    }
    if (n > 0)
        putchar('\n');
}

static void print_attached(const json_t *references)
{
    size_t i;
    const json_t *one;
    json_array_foreach(references, i, one)
        printf("%-20s  %s %s (%s)\n", "reference", member_text(one, "kind"),
               member_text(one, "name"), text_of_time(json_object_get(one, "time")).text);
}

static void print_calibration(const json_t *result)
{
    json_t *const calibration = json_object_get(result, "calibration");
    const char *name;
    json_t *item;
    json_object_foreach(calibration, name, item) print_item(name, item);
    print_attached(json_object_get(calibration, "references"));
    print_unknown(calibration);
}

int command_calibration(const struct options *options, struct client *client)
{
    struct error error = {0};
    json_t *const arguments = json_object();
    if (arguments_add_words(arguments, options, 0,
                            ", such as kv=200, centre=[127.5,128] or gain=null", &error) == 0)
        return command_ask(options, client, "calibration", arguments, print_calibration);
    json_decref(arguments);
    return command_failed(options, &(struct reply){0}, error.code, &error);
}

/* ---- measuring ---- */

static void print_measured(const json_t *result)
{
    const char *const what = member_text(result, "what");
    const json_t *const measured = json_object_get(result, what);
    printf("%s of %s frames, run %s: %s\n", what,
           text_of_count(member_count(result, "frames")).text, member_text(result, "run"),
           json_is_true(json_object_get(result, "applied"))
               ? "in the calibration from now on"
               : "only measured (apply=true puts it into the calibration)");
    json_dumpf(measured, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(9) | JSON_PRESERVE_ORDER);
    putchar('\n');
}

int command_measure(const struct options *options, struct client *client)
{
    struct error error = {0};
    json_t *const arguments = json_pack("{s:s}", "what", options->words[0]);
    if (arguments_add_words(arguments, options, 1,
                            ", such as apply=true, save_as=monday or d=[0.2,0.14]", &error) == 0)
        return command_ask(options, client, "calibration_measure", arguments, print_measured);
    json_decref(arguments);
    return command_failed(options, &(struct reply){0}, error.code, &error);
}

/* ---- saving ---- */

static void print_saved_mask(const json_t *result)
{
    printf("%s bad pixels in %s\n", text_of_count(member_count(result, "n")).text,
           member_text(result, "path"));
}

static void print_saved_gain(const json_t *result)
{
    printf("gain in %s\n", member_text(result, "path"));
}

int command_save_bad_pixels(const struct options *options, struct client *client)
{
    return command_ask(options, client, "bad_pixels_save", arguments_of_path(options->words[0]),
                       print_saved_mask);
}

int command_save_gain(const struct options *options, struct client *client)
{
    return command_ask(options, client, "gain_save", arguments_of_path(options->words[0]),
                       print_saved_gain);
}
