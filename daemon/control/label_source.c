#include "daemon/control/label_source.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/control/label_bragg.h"

/* A number for each position of every pass; more would take the memory that the scan needs. */
#define POSITIONS_MAX (UINT64_C(1) << 26)

/* ---- an array ---- */

/* The labels of the first pass are those of every pass. */
static void repeat_for_passes(struct label_map *map, uint64_t of_pass)
{
    for (uint64_t i = of_pass; i < map->n; i++)
        map->labels[i] = map->labels[i - of_pass];
}

static int take_array(struct label_map *map, struct analysis *analysis, const json_t *rows)
{
    const struct scan_geometry *const scan = &analysis->pass.view->scan;
    if (!label_rows_take(rows, scan->ny, scan->nx, map->labels))
        return analysis_refuse(analysis, "bad_value", "args.labels",
                               "labels must be a list of %u rows of %u whole numbers from 0 (none) "
                               "to %d, the shape of the scan",
                               scan->ny, scan->nx, LABEL_MAX);
    repeat_for_passes(map, (uint64_t)scan->ny * scan->nx);
    return 0;
}

static int take_regions(struct label_map *map, struct analysis *analysis)
{
    const struct scan_geometry *const scan = &analysis->pass.view->scan;
    memset(map->labels, 0, map->n);
    if (label_regions_take(analysis, scan->ny, scan->nx, map->labels) < 0)
        return -1;
    repeat_for_passes(map, (uint64_t)scan->ny * scan->nx);
    return 0;
}

/* ---- a map ---- */

struct thresholds {
    size_t n; /* 0: the values are the labels */
    double values[LABEL_MAX - 1];
};

static int take_thresholds(struct analysis *analysis, struct thresholds *thresholds)
{
    const json_t *const list = json_object_get(analysis->args, "thresholds");
    *thresholds = (struct thresholds){.n = json_array_size(list)};
    bool good = !list || (thresholds->n >= 1 && thresholds->n < LABEL_MAX);
    for (size_t i = 0; i < thresholds->n && good; i++) {
        const json_t *const value = json_array_get(list, i);
        thresholds->values[i] = json_number_value(value);
        good =
            json_is_number(value) && (i == 0 || thresholds->values[i] > thresholds->values[i - 1]);
    }
    return good ? 0
                : analysis_refuse(analysis, "bad_value", "args.thresholds",
                                  "thresholds must be a list of 1 to %d growing numbers",
                                  LABEL_MAX - 1);
}

/* -1: the value is no label. */
static int label_of(const struct thresholds *thresholds, double value)
{
    int label = 1;
    if (isnan(value))
        return 0;
    if (thresholds->n == 0)
        return value >= 0 && value <= LABEL_MAX && value == floor(value) ? (int)value : -1;
    for (size_t i = 0; i < thresholds->n && value >= thresholds->values[i]; i++)
        label++;
    return label;
}

static int take_values(struct analysis *analysis, const struct thresholds *thresholds,
                       const double *values, uint64_t n, uint8_t *labels)
{
    for (uint64_t i = 0; i < n; i++) {
        const int label = label_of(thresholds, values[i]);
        if (label < 0)
            return analysis_refuse(analysis, "bad_value", "args.map",
                                   "the map has the value %g, which is no label: whole numbers "
                                   "from 0 (none) to %d, or give thresholds",
                                   values[i], LABEL_MAX);
        labels[i] = (uint8_t)label;
    }
    return 0;
}

static int take_map(struct label_map *map, struct analysis *analysis)
{
    struct thresholds thresholds;
    struct map_pass pass = analysis->pass;
    const uint64_t of_pass = (uint64_t)pass.ny * pass.nx;
    int r = take_thresholds(analysis, &thresholds);
    for (pass.pass = 0; pass.pass < pass.passes && r == 0; pass.pass++) {
        double *values = NULL;
        r = analysis_read_map(analysis, "map", &pass, &values);
        if (r == 0)
            r = take_values(analysis, &thresholds, values, of_pass,
                            map->labels + pass.pass * of_pass);
        free(values);
    }
    return r;
}

/* ---- any of them ---- */

/* Exactly one source, and thresholds with a map only. */
static bool has_one_source(const json_t *args)
{
    const bool labels = json_object_get(args, "labels") != NULL;
    const bool regions = json_object_get(args, "regions") != NULL;
    const bool map = json_object_get(args, "map") != NULL;
    const bool bragg =
        json_is_true(json_object_get(args, "classes")) || json_object_get(args, "phase");
    return labels + regions + map + bragg == 1 && (map || !json_object_get(args, "thresholds"));
}

static int take_labels(struct label_map *map, struct analysis *analysis)
{
    const json_t *const rows = json_object_get(analysis->args, "labels");
    if (rows)
        return take_array(map, analysis, rows);
    if (json_object_get(analysis->args, "regions"))
        return take_regions(map, analysis);
    return json_object_get(analysis->args, "map") ? take_map(map, analysis)
                                                  : label_bragg_take(map, analysis);
}

int label_map_init(struct label_map *map, struct analysis *analysis)
{
    const struct map_pass *const pass = &analysis->pass;
    bool classes = false;
    *map = (struct label_map){.n = (uint64_t)pass->ny * pass->nx * pass->passes};
    if (analysis_take_flag(analysis, "classes", &classes) < 0)
        return -EINVAL;
    if (!has_one_source(analysis->args))
        return analysis_refuse(analysis, "bad_value", "args.labels",
                               "give either labels, or regions, or the name of a map (with or "
                               "without thresholds), or classes: true, phase or both of these");
    if (map->n > POSITIONS_MAX)
        return analysis_refuse(analysis, "bad_value", NULL,
                               "labels for at most 2^26 positions of all passes");
    map->labels = malloc(map->n + 1);
    if (!map->labels)
        return analysis_refuse(analysis, "internal", NULL, "no memory for the labels");
    const int r = take_labels(map, analysis);
    if (r < 0)
        label_map_finish(map);
    else if (map->names)
        json_object_set(analysis->result, "names", map->names);
    return r;
}

void label_map_finish(struct label_map *map)
{
    free(map->labels);
    json_decref(map->names);
    *map = (struct label_map){0};
}
