#include "detector/sim/truth.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

static void write_head(FILE *file, const struct glass_pattern *pattern,
                       const struct options *options, uint64_t count)
{
    const struct glass_optics *optics = &pattern->optics;
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
    fprintf(file, " \"counts\": %g, \"br_fraction\": %g, \"br_contrast\": %g,\n", options->counts,
            options->br_fraction, options->br_contrast);
    fprintf(file,
            " \"centre\": [%g, %g], \"ring_radius\": %g, \"ring_fwhm\": %g, \"disk_radius\": %g,\n",
            optics->centre, optics->centre, optics->ring_radius, optics->ring_fwhm,
            optics->disk_radius);
    fprintf(file, " \"bank\": %" PRIu64 ",\n \"patterns\": [", count);
}

static void write_pattern(FILE *file, const struct glass_pattern *pattern,
                          const struct glass_position *position, uint64_t index)
{
    const double scale = pattern->side / 256.0;
    fprintf(file, "%s\n  {\"index\": %" PRIu64 ", \"class\": \"%s\", \"phase\": %u, ",
            index ? "," : "", index, glass_class_name(position->class), position->phase);
    fprintf(file, "\"intensity\": %g, \"centre\": [%g, %g], \"contrast\": %g, \"g\": [",
            position->intensity, pattern->optics.centre, pattern->optics.centre,
            position->reflections ? pattern->optics.contrast : 0.0);
    for (unsigned i = 0; i < position->reflections; i++)
        fprintf(file, "%s[%.4f, %.4f]", i ? ", " : "", scale * position->g[i][0],
                scale * position->g[i][1]);
    fprintf(file, "]}");
}

int truth_write(const char *path, const struct glass_map *map, const struct glass_pattern *pattern,
                const struct options *options, uint64_t count, struct error *error)
{
    FILE *file = fopen(path, "we");
    if (!file)
        return error_set(error, -errno, "truth file %s: %s", path, strerror(errno));
    write_head(file, pattern, options, count);
    for (uint64_t index = 0; index < count; index++) {
        struct glass_position position;
        glass_map_position(map, index, &position);
        write_pattern(file, pattern, &position, index);
    }
    fprintf(file, "\n ]}\n");
    const bool written = !ferror(file);
    if (fclose(file) != 0 || !written)
        return error_set(error, -EIO, "truth file %s: cannot be written; is there room?", path);
    return 0;
}
