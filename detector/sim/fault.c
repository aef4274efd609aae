#include "detector/sim/fault.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "detector/sim/fault_table.h"
#include "detector/sim/random.h"

#define FIRST_BEFORE_WRAP 999990

/* Reads a number that is all of `text`. */
static bool read_real(const char *text, double low, double high, double *value)
{
    char *end;
    *value = strtod(text, &end);
    return end != text && *end == '\0' && *value >= low && *value <= high;
}

static bool read_whole(const char *text, uint64_t *value)
{
    char *end;
    if (text[0] < '0' || text[0] > '9')
        return false;
    errno = 0;
    *value = strtoull(text, &end, 10);
    return *end == '\0' && errno == 0;
}

/* KEY=VALUE: VALUE where the key is `key`, else NULL. */
static const char *value_of(const char *argument, const char *key)
{
    const size_t size = key ? strlen(key) : 0;
    return size && strncmp(argument, key, size) == 0 && argument[size] == '=' ? argument + size + 1
                                                                              : NULL;
}

static bool read_argument(struct fault *fault, const char *argument)
{
    const struct fault_description *known = &fault_table[fault->kind];
    const char *value;
    if ((value = value_of(argument, known->amount)))
        return read_real(value, known->amount_low, known->amount_high, &fault->amount);
    if (known->takes_probability && (value = value_of(argument, "p")))
        return read_real(value, 0, 1, &fault->probability);
    if (fault->kind == FAULT_NUMBER_WRAP && (value = value_of(argument, "first")))
        return read_whole(value, &fault->first);
    if (fault->kind == FAULT_REFUSE && (value = value_of(argument, "times")))
        return read_whole(value, &fault->times);
    if (fault->kind == FAULT_REFUSE && !fault->name[0] && strlen(argument) < sizeof fault->name) {
        snprintf(fault->name, sizeof fault->name, "%s", argument);
        return fault->name[0] != '\0';
    }
    return known->takes_frames && fault->frame_count < FAULT_FRAMES_MAX &&
           read_whole(argument, &fault->frames[fault->frame_count++]);
}

static int wrong(const char *text, const struct fault_description *known, struct error *error)
{
    return error_set(error, -EINVAL, "--fault %s: %s%s%s[@RUN] is wanted", text, known->name,
                     known->arguments[0] ? ":" : "", known->arguments);
}

static bool find_kind(struct fault *fault, const char *name)
{
    for (unsigned kind = 0; kind < FAULT_KINDS; kind++)
        if (strcmp(fault_table[kind].name, name) == 0) {
            *fault = (struct fault){.kind = (enum fault_kind)kind,
                                    .amount = fault_table[kind].amount_default,
                                    .first = FIRST_BEFORE_WRAP};
            return true;
        }
    return false;
}

static bool read_arguments(struct fault *fault, char *arguments)
{
    char *rest = NULL;
    for (char *argument = strtok_r(arguments, ",", &rest); argument;
         argument = strtok_r(NULL, ",", &rest))
        if (!read_argument(fault, argument))
            return false;
    const struct fault_description *known = &fault_table[fault->kind];
    return (!known->needs_frames || fault->frame_count || fault->probability > 0) &&
           (fault->kind != FAULT_REFUSE || fault->name[0]);
}

int fault_set_add(struct fault_set *set, const char *text, struct error *error)
{
    struct fault fault;
    char copy[400];
    if (set->count == FAULTS_MAX)
        return error_set(error, -EINVAL, "--fault %s: more than %d faults", text, FAULTS_MAX);
    if ((size_t)snprintf(copy, sizeof copy, "%s", text) >= sizeof copy)
        return error_set(error, -EINVAL, "--fault: too long");
    char *run = strchr(copy, '@');
    if (run)
        *run++ = '\0';
    char *arguments = strchr(copy, ':');
    if (arguments)
        *arguments++ = '\0';
    if (!find_kind(&fault, copy))
        return error_set(error, -EINVAL, "--fault %s: there is no fault %s; see --list-faults",
                         text, copy);
    if (run && (!read_whole(run, &fault.run) || fault.run == 0))
        return wrong(text, &fault_table[fault.kind], error);
    if (!read_arguments(&fault, arguments ? arguments : copy + strlen(copy)))
        return wrong(text, &fault_table[fault.kind], error);
    set->faults[set->count++] = fault;
    return 0;
}

static bool in_force(const struct fault *fault, uint64_t run)
{
    return fault->run == 0 || fault->run == run;
}

const struct fault *fault_find(const struct fault_set *set, enum fault_kind kind, uint64_t run)
{
    for (unsigned i = 0; i < set->count; i++)
        if (set->faults[i].kind == kind && in_force(&set->faults[i], run))
            return &set->faults[i];
    return NULL;
}

static bool hits(const struct fault *fault, uint64_t seed, uint64_t run, uint64_t number)
{
    for (unsigned i = 0; i < fault->frame_count; i++)
        if (fault->frames[i] == number)
            return true;
    if (fault->probability == 0)
        return false;
    const uint64_t key = random_hash(seed, 100 + (uint64_t)fault->kind, run);
    return random_unit_of(random_hash(key, 0, number)) < fault->probability;
}

const struct fault *fault_hits(const struct fault_set *set, enum fault_kind kind, uint64_t run,
                               uint64_t number)
{
    for (unsigned i = 0; i < set->count; i++)
        if (set->faults[i].kind == kind && in_force(&set->faults[i], run) &&
            hits(&set->faults[i], set->seed, run, number))
            return &set->faults[i];
    return NULL;
}

bool fault_set_disturbs_data(const struct fault_set *set, uint64_t run)
{
    for (unsigned i = 0; i < set->count; i++)
        if (fault_table[set->faults[i].kind].disturbs_data && in_force(&set->faults[i], run))
            return true;
    return false;
}

void fault_print_list(void)
{
    printf("--fault KIND[:ARGUMENTS][@RUN], which may be repeated; @RUN: only in that acquisition, "
           "from "
           "1.\nN is a frame number, from 1; p=P hits each frame with probability P, by --seed.\n");
    for (unsigned kind = 0; kind < FAULT_KINDS; kind++) {
        const struct fault_description *known = &fault_table[kind];
        printf("\n%s%s%s\n    %s\n    receiver: %s\n", known->name, known->arguments[0] ? ":" : "",
               known->arguments, known->what, known->expected);
    }
}
