#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/control/analysis.h"
#include "processing/analysis/map_correlation.h"

/* What a request says of an analysis: each argument is checked where it is taken, and an analysis
 * with one that is none is refused with its name. */

/* args.NAME; `field` has room for struct analysis.field. */
static const json_t *find(const struct analysis *analysis, const char *name, char field[32])
{
    snprintf(field, 32, "args.%s", name);
    return json_object_get(analysis->args, name);
}

/* Sets *given to the argument, NULL when there is none. -1: refused, not such a number. */
static int find_number(struct analysis *analysis, const char *name, bool whole, double low,
                       double high, const json_t **given)
{
    char field[32];
    *given = find(analysis, name, field);
    const double number = json_number_value(*given);
    const bool is_one = whole ? json_is_integer(*given) : json_is_number(*given);
    if (!*given || (is_one && number >= low && number <= high))
        return 0;
    return analysis_refuse(analysis, "bad_value", field,
                           "%s must be a %snumber from %.15g to %.15g", name, whole ? "whole " : "",
                           low, high);
}

int analysis_take_number(struct analysis *analysis, const char *name, double low, double high,
                         double *value)
{
    const json_t *given;
    if (find_number(analysis, name, false, low, high, &given) < 0)
        return -1;
    if (given)
        *value = json_number_value(given);
    return 0;
}

int analysis_take_integer(struct analysis *analysis, const char *name, int64_t low, int64_t high,
                          int64_t *value)
{
    const json_t *given;
    if (find_number(analysis, name, true, (double)low, (double)high, &given) < 0)
        return -1;
    if (given)
        *value = json_integer_value(given);
    return 0;
}

int analysis_take_word(struct analysis *analysis, const char *name, const char *const *words,
                       unsigned *index)
{
    char field[32], list[128] = "";
    const json_t *const given = find(analysis, name, field);
    if (!given)
        return 0;
    const char *const word = json_string_value(given);
    for (unsigned i = 0; words[i]; i++) {
        if (word && strcmp(word, words[i]) == 0) {
            *index = i;
            return 0;
        }
        const size_t used = strlen(list);
        snprintf(list + used, sizeof list - used, "%s%s", i ? ", " : "", words[i]);
    }
    return analysis_refuse(analysis, "bad_value", field, "%s must be one of %s", name, list);
}

int analysis_take_place(struct analysis *analysis, const char *name, double *y, double *x)
{
    char field[32];
    const json_t *const given = find(analysis, name, field);
    const json_t *const first = json_array_get(given, 0), *const second = json_array_get(given, 1);
    if (json_array_size(given) != 2 || !json_is_number(first) || !json_is_number(second))
        return analysis_refuse(analysis, "bad_value", field,
                               "%s must be [y, x], two numbers in scan positions", name);
    *y = json_number_value(first);
    *x = json_number_value(second);
    return 0;
}

int analysis_take_flag(struct analysis *analysis, const char *name, bool *value)
{
    char field[32];
    const json_t *const given = find(analysis, name, field);
    if (given && !json_is_boolean(given))
        return analysis_refuse(analysis, "bad_value", field, "%s must be true or false", name);
    *value = given ? json_is_true(given) : *value;
    return 0;
}

int analysis_take_layer(struct analysis *analysis, unsigned *layer)
{
    const struct run *const run = analysis->run;
    const json_t *const given = json_object_get(analysis->args, "layer");
    const char *const wanted = json_string_value(given);
    *layer = 0;
    if (!given)
        return 0;
    if (!wanted)
        return analysis_refuse(analysis, "bad_value", "args.layer",
                               "layer must be the name of a layer of the newest run");
    while (*layer < run->n_layers && strcmp(run_layer_name(run, *layer), wanted) != 0)
        ++*layer;
    if (*layer < run->n_layers)
        return 0;
    return analysis_refuse(analysis, "no_data", "args.layer",
                           "the newest run has no layer %.20s: its summary names those it has "
                           "(none in a run of one counter: leave layer out)",
                           wanted);
}

static int read_map(struct analysis *analysis, const char *field, const json_t *name,
                    const struct map_pass *pass, double **values)
{
    const char *const text = json_string_value(name);
    if (!text)
        return analysis_refuse(analysis, "bad_value", field,
                               "%s must be the name of a map of the newest run%s", field + 5,
                               strcmp(field, "args.name") == 0 ? "" : ", or a list of such names");
    const int r = map_values_read(values, analysis->run, pass, text, &analysis->error);
    return r < 0 ? analysis_refuse_error(analysis, r, field) : 0;
}

int analysis_read_map(struct analysis *analysis, const char *name, const struct map_pass *pass,
                      double **values)
{
    char field[32];
    const json_t *const given = find(analysis, name, field);
    *values = NULL;
    return read_map(analysis, field, given, pass, values);
}

/* The first is in `sum` already. */
static int add_maps(struct analysis *analysis, const char *field, const json_t *names,
                    const struct map_pass *pass, double *sum)
{
    for (size_t i = 1; i < json_array_size(names); i++) {
        double *more = NULL;
        if (read_map(analysis, field, json_array_get(names, i), pass, &more) < 0)
            return -1;
        map_add(sum, sum, more, (uint64_t)pass->ny * pass->nx);
        free(more);
    }
    return 0;
}

int analysis_read_maps(struct analysis *analysis, const char *name, const struct map_pass *pass,
                       double **values)
{
    enum { MOST = 16 };
    char field[32];
    const json_t *const given = find(analysis, name, field);
    const bool list = json_is_array(given) && strcmp(name, "name") != 0;
    *values = NULL;
    if (json_array_size(given) > MOST)
        return analysis_refuse(analysis, "bad_value", field, "at most %d maps can be summed", MOST);
    if (read_map(analysis, field, list ? json_array_get(given, 0) : given, pass, values) < 0)
        return -1;
    if (list && add_maps(analysis, field, given, pass, *values) < 0) {
        free(*values);
        *values = NULL;
        return -1;
    }
    return 0;
}
