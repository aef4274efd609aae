#include "detector/sim/parameters.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define MEDIPIX_CLOCK_MHZ 180.0

void parameters_reset(struct parameters *parameters)
{
    for (size_t i = 0; i < parameter_count; i++) {
        const struct parameter_row *row = &parameter_table[i];
        struct parameter_value *value = &parameters->values[i];
        memset(value, 0, sizeof *value);
        if (row->kind == PARAMETER_TEXT)
            snprintf(value->text, sizeof value->text, "%s", row->initial);
        else
            value->number = strtod(row->initial, NULL);
    }
}

double parameters_number(const struct parameters *parameters, enum parameter_id id)
{
    return parameters->values[id].number;
}

bool parameters_set_by_client(const struct parameters *parameters, enum parameter_id id)
{
    return parameters->values[id].set;
}

void parameters_preset(struct parameters *parameters, enum parameter_id id, double value)
{
    parameters->values[id].number = value;
}

/* Returns parameter_count when there is no such name. */
static size_t find(const char *name)
{
    size_t i = 0;
    while (i < parameter_count && strcasecmp(parameter_table[i].name, name) != 0)
        i++;
    return i;
}

enum reply_code parameters_get(const struct parameters *parameters, const char *name, char *text,
                               size_t room)
{
    const size_t index = find(name);
    text[0] = '\0';
    if (index == parameter_count)
        return REPLY_NOT_RECOGNISED;
    const struct parameter_value *value = &parameters->values[index];
    if (parameter_table[index].kind == PARAMETER_TEXT)
        snprintf(text, room, "%s", value->text);
    else if (parameter_table[index].kind == PARAMETER_REAL)
        snprintf(text, room, "%.6f", value->number);
    else
        snprintf(text, room, "%.0f", value->number);
    return REPLY_OK;
}

static bool parse_number(const char *text, double *number)
{
    char *end;
    *number = strtod(text, &end);
    return end != text && *end == '\0' && isfinite(*number);
}

static enum reply_code store(const struct parameter_row *row, struct parameter_value *value,
                             const char *text)
{
    if (row->kind == PARAMETER_TEXT) {
        if (strlen(text) > PARAMETER_TEXT_MAX)
            return REPLY_OUT_OF_RANGE;
        snprintf(value->text, sizeof value->text, "%s", text);
        return REPLY_OK;
    }
    double number;
    if (!parse_number(text, &number) || number < row->low || number > row->high)
        return REPLY_OUT_OF_RANGE;
    if (row->kind != PARAMETER_REAL && number != floor(number))
        return REPLY_OUT_OF_RANGE;
    if (row->kind == PARAMETER_DEPTH && number != 1 && number != 6 && number != 12 && number != 24)
        return REPLY_OUT_OF_RANGE;
    value->number = number;
    return REPLY_OK;
}

/* Of two settings that exclude each other the one that was set last wins, except where only one of
 * them can give way. */
static void resolve_modes(struct parameters *parameters, enum parameter_id set)
{
    struct parameter_value *const values = parameters->values;
    const bool both_counters = values[PARAMETER_ENABLECOUNTER1].number == 2;
    const bool deep = values[PARAMETER_COUNTERDEPTH].number == 24;
    if (both_counters && deep)
        values[PARAMETER_ENABLECOUNTER1].number = 0;
    else if (both_counters && set == PARAMETER_CONTINUOUSRW && values[set].number == 1)
        values[PARAMETER_ENABLECOUNTER1].number = 0;
    else if (both_counters && set == PARAMETER_CHARGESUMMING && values[set].number == 1)
        values[PARAMETER_ENABLECOUNTER1].number = 0;
    else if (both_counters)
        values[PARAMETER_CONTINUOUSRW].number = values[PARAMETER_CHARGESUMMING].number = 0;
    if (deep)
        values[PARAMETER_CONTINUOUSRW].number = 0;
}

/* A frame takes at least its readout in continuous read-write, and a period at least its exposure
 * otherwise. */
static void resolve_times(struct parameters *parameters, enum parameter_id set)
{
    struct parameter_value *const values = parameters->values;
    const double readout_ms =
        65536 * values[PARAMETER_COUNTERDEPTH].number / (8 * MEDIPIX_CLOCK_MHZ * 1000);
    double shortest = readout_ms;
    if (parameters->shortest_frame_ms > 0 && parameters->shortest_frame_ms < shortest)
        shortest = parameters->shortest_frame_ms;
    if (values[PARAMETER_CONTINUOUSRW].number == 1) {
        if (values[PARAMETER_ACQUISITIONTIME].set &&
            values[PARAMETER_ACQUISITIONTIME].number < shortest)
            values[PARAMETER_ACQUISITIONTIME].number = shortest;
    } else if (set != PARAMETER_COUNTERDEPTH && values[PARAMETER_ACQUISITIONPERIOD].number <
                                                    values[PARAMETER_ACQUISITIONTIME].number) {
        values[PARAMETER_ACQUISITIONPERIOD].number = values[PARAMETER_ACQUISITIONTIME].number;
    }
}

enum reply_code parameters_set(struct parameters *parameters, const char *name, const char *text,
                               bool acquiring)
{
    const size_t index = find(name);
    if (index == parameter_count || parameter_table[index].read_only)
        return REPLY_NOT_RECOGNISED;
    if (acquiring && parameter_table[index].locked)
        return REPLY_BUSY;
    struct parameter_value *value = &parameters->values[index];
    const enum reply_code code = store(&parameter_table[index], value, text);
    if (code == REPLY_OK) {
        value->set = true;
        resolve_modes(parameters, (enum parameter_id)index);
        resolve_times(parameters, (enum parameter_id)index);
    }
    return code;
}
