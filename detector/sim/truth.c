#include "detector/sim/truth.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void write_head(FILE *file, const struct glass_pattern *pattern,
                       const struct options *options, uint64_t count)
{
    fprintf(file, "{\"schema\": \"merlin-sim-truth\", \"v\": 1, \"seed\": %" PRIu64 ",\n",
            options->seed);
    fprintf(file, " \"scan\": [%u, %u], \"shape\": [%u, %u], \"counter_depth\": %u,\n",
            options->path.ny, options->path.nx, pattern->side, pattern->side, options->depth);
    const struct scan_path *path = &options->path;
    fprintf(file,
            " \"order\": \"%s\", \"skip\": {\"start\": %" PRIu64 ", \"line\": %u, \"end\": %" PRIu64
            "}, \"drift\": [%d, %d],\n",
            path->serpentine ? "serpentine" : "raster", path->skip_start, path->flyback,
            path->skip_end, path->drift_y, path->drift_x);
    fprintf(file, " \"bank\": %" PRIu64 ",\n", count);
}

static void write_pair(FILE *file, const char *name, const double pair[2])
{
    fprintf(file, " \"%s\": [%g, %g],", name, pair[0], pair[1]);
}

/* Of two equal values only one is told, as a number. */
static void write_one_or_pair(FILE *file, const char *name, const double pair[2])
{
    if (pair[0] == pair[1])
        fprintf(file, " \"%s\": %g,", name, pair[0]);
    else
        write_pair(file, name, pair);
}

static void write_specimen(FILE *file, const struct specimen_options *specimen,
                           const struct glass_pattern *pattern)
{
    const struct glass_optics *optics = &pattern->optics;
    fprintf(file, " \"counts\": %g, \"thickness\": %g,", specimen->counts, specimen->thickness);
    write_one_or_pair(file, "br_fraction", specimen->br_fraction);
    write_one_or_pair(file, "br_contrast", specimen->br_contrast);
    fprintf(file, "\n \"br_gradient\": %g, \"br_blur\": %g,", optics->disk_gradient,
            optics->disk_blur);
    write_pair(file, "centre", optics->centre);
    write_one_or_pair(file, "ring_radius", optics->ring_radius);
    fprintf(file, "\n \"ring_fwhm\": %g, \"ellipticity\": %g, \"disk_radius\": %g,",
            optics->ring_fwhm, optics->ellipticity, optics->disk_radius);
    fprintf(file, " \"speckle\": %g, \"friedel\": %s, \"overlap\": %g,\n",
            optics->speckle ? 1.0 / optics->speckle : 0.0, optics->friedel ? "true" : "false",
            specimen->overlap);
}

/* Pixels as list of [y, x]. */
static void write_pixels(FILE *file, const char *name, const uint32_t *pixels, uint32_t count,
                         uint32_t side)
{
    fprintf(file, " \"%s\": [", name);
    for (uint32_t i = 0; i < count; i++)
        fprintf(file, "%s[%u, %u]", i ? ", " : "", pixels[i] / side, pixels[i] % side);
    fprintf(file, "],");
}

static void write_sensor(FILE *file, const struct glass_sensor *sensor, bool wrap)
{
    const struct glass_sensor_settings *settings = &sensor->settings;
    fprintf(
        file,
        " \"charge_sharing\": %s, \"flat_field\": %g, \"beam_stop\": %g, \"overflow\": \"%s\",\n",
        settings->charge_sharing ? "true" : "false", settings->flat_field, settings->stop_radius,
        wrap ? "wrap" : "clip");
    write_pixels(file, "dead", sensor->dead, sensor->dead_pixels, sensor->side);
    write_pixels(file, "hot", sensor->hot, sensor->hot_pixels, sensor->side);
    fprintf(file, "\n \"patterns\": [");
}

static double strongest(const struct glass_position *position)
{
    double contrast = 0;
    for (unsigned i = 0; i < position->reflections; i++)
        contrast = fmax(contrast, position->reflection[i].contrast);
    return contrast;
}

/* The lists g, contrasts and counts have an element for each reflection. */
static void write_reflections(FILE *file, const struct glass_position *position,
                              const uint32_t *disk_counts)
{
    fprintf(file, "\"contrast\": %g, \"g\": [", strongest(position));
    for (unsigned i = 0; i < position->reflections; i++)
        fprintf(file, "%s[%.4f, %.4f]", i ? ", " : "", position->reflection[i].g[0],
                position->reflection[i].g[1]);
    fprintf(file, "], \"contrasts\": [");
    for (unsigned i = 0; i < position->reflections; i++)
        fprintf(file, "%s%.4g", i ? ", " : "", position->reflection[i].contrast);
    fprintf(file, "], \"disk_counts\": [");
    for (unsigned i = 0; i < position->reflections; i++)
        fprintf(file, "%s%u", i ? ", " : "", disk_counts[i]);
    fprintf(file, "]}");
}

/* `room`: [side][side], for counts that nobody reads. */
static void write_pattern(FILE *file, const struct glass_pattern *pattern,
                          const struct glass_position *position, uint64_t index, uint32_t *room)
{
    const double *centre = pattern->optics.centre;
    uint32_t disk_counts[GLASS_REFLECTIONS];
    glass_pattern_draw_reflections(pattern, position, index, room, disk_counts);
    fprintf(file, "%s\n  {\"index\": %" PRIu64 ", \"class\": \"%s\", \"phase\": %u, ",
            index ? "," : "", index, glass_class_name(position->class), position->phase);
    fprintf(file, "\"intensity\": %g, \"centre\": [%g, %g], ", position->intensity,
            centre[0] + position->shift[0], centre[1] + position->shift[1]);
    write_reflections(file, position, disk_counts);
}

static void write_patterns(FILE *file, const struct glass_map *map,
                           const struct glass_pattern *pattern, uint64_t count, uint32_t *room)
{
    for (uint64_t index = 0; index < count; index++) {
        struct glass_position position;
        glass_map_position(map, index, &position);
        write_pattern(file, pattern, &position, index, room);
    }
    fprintf(file, "\n ]}\n");
}

int truth_write(const char *path, const struct glass_map *map, const struct glass_pattern *pattern,
                const struct options *options, uint64_t count, struct error *error)
{
    uint32_t *room = calloc((size_t)pattern->side * pattern->side, sizeof *room);
    if (!room)
        return error_set(error, -ENOMEM, "no memory for the truth");
    FILE *file = fopen(path, "we");
    if (!file) {
        free(room);
        return error_set(error, -errno, "truth file %s: %s", path, strerror(errno));
    }
    write_head(file, pattern, options, count);
    write_specimen(file, &options->specimen, pattern);
    write_sensor(file, &pattern->sensor, options->wrap);
    write_patterns(file, map, pattern, count, room);
    free(room);
    const bool written = !ferror(file);
    if (fclose(file) != 0 || !written)
        return error_set(error, -EIO, "truth file %s: cannot be written; is there room?", path);
    return 0;
}
