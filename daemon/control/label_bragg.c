#include "daemon/control/label_bragg.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "daemon/bragg/bragg_phase.h"
#include "daemon/bragg/statistics_json.h"
#include "processing/bragg_run/bragg_scan.h"

/* What follows is taken with the label 1 everywhere; positions that belong to nothing get 0. */

static int take_classes(struct label_map *map, struct analysis *analysis)
{
    struct bragg_scan_part part;
    struct bragg_scan scan = {0};
    int r = bragg_scan_whole(&part, analysis->run, &analysis->pass.view->scan, &analysis->error);
    if (r == 0)
        r = bragg_scan_init(&scan, analysis->run, &part, &analysis->error);
    for (uint64_t i = 0; r == 0 && i < map->n; i++)
        map->labels[i] = scan.classes[i] < SCAN_CLASSES ? (uint8_t)(scan.classes[i] + 1) : 0;
    bragg_scan_finish(&scan);
    return r < 0 ? analysis_refuse_error(analysis, r, "args.classes") : 0;
}

/* Adds `step` to the labels in the phase. */
static void add_phase(uint8_t *labels, const uint8_t *phase, uint64_t n, uint8_t step)
{
    for (uint64_t i = 0; i < n; i++) {
        if (phase[i] > 1)
            labels[i] = 0;
        else if (labels[i] && phase[i])
            labels[i] += step;
    }
}

static int take_phase(struct label_map *map, struct analysis *analysis, uint8_t step)
{
    struct bragg_phase_wanted wanted;
    struct map_pass pass = analysis->pass;
    const uint64_t of_pass = (uint64_t)pass.ny * pass.nx;
    const char *field;
    int r = bragg_phase_take(&wanted, json_object_get(analysis->args, "phase"), &field,
                             &analysis->error);
    for (pass.pass = 0; r == 0 && pass.pass < pass.passes; pass.pass++) {
        struct threshold threshold;
        uint8_t *phase = NULL;
        r = bragg_phase_make(&phase, &threshold, &wanted, analysis->run, &pass, &analysis->error);
        if (r == 0)
            add_phase(map->labels + pass.pass * of_pass, phase, of_pass, step);
        free(phase);
    }
    return r < 0 ? analysis_refuse_error(analysis, r == -EDOM ? -EINVAL : r, field) : 0;
}

static json_t *names_of(bool classes, bool phase)
{
    static const char *const sides[] = {"outside", "in"};
    json_t *const names = json_pack("[s]", "");
    for (unsigned side = 0; side < (phase ? 2 : 1); side++) {
        for (unsigned class = 0; class < (classes ? SCAN_CLASSES : 1); class ++) {
            char name[40];
            snprintf(name, sizeof name, "%s%s%s", phase ? sides[side] : "",
                     phase && classes ? "/" : "", classes ? class_names[class] : "");
            json_array_append_new(names, json_string(name));
        }
    }
    return names;
}

int label_bragg_take(struct label_map *map, struct analysis *analysis)
{
    const bool classes = json_is_true(json_object_get(analysis->args, "classes"));
    const bool phase = json_object_get(analysis->args, "phase") != NULL;
    for (uint64_t i = 0; i < map->n; i++)
        map->labels[i] = 1;
    if ((classes && take_classes(map, analysis) < 0) ||
        (phase && take_phase(map, analysis, classes ? SCAN_CLASSES : 1) < 0))
        return -1;
    map->names = names_of(classes, phase);
    return map->names ? 0 : analysis_refuse(analysis, "internal", NULL, "no memory for the labels");
}
