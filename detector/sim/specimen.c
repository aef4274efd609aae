#include "detector/sim/specimen.h"

#include <math.h>
#include <string.h>

#define FRAME_SIDE 256
#define HOT_COUNTS 30
#define STOP_ARM 0.5 /* width of the beam stop's arm, in its radius */

struct specimen_options specimen_options_default(void)
{
    const struct glass_optics optics = glass_optics_default(FRAME_SIDE);
    const struct glass_map_settings map = glass_map_default(1, 1, optics.ring_radius[0]);
    struct specimen_options options = {
        .counts = 0.3,
        .ring_radius = {optics.ring_radius[0], optics.ring_radius[1]},
        .phase_intensity = map.phase_intensity,
        .thickness = map.thickness,
        .disk_radius = optics.disk_radius,
    };
    memcpy(options.br_fraction, map.fraction, sizeof options.br_fraction);
    memcpy(options.br_contrast, map.range.contrast, sizeof options.br_contrast);
    memcpy(options.br_classes, map.classes, sizeof options.br_classes);
    return options;
}

static struct glass_optics optics_of(const struct specimen_options *options, uint32_t side)
{
    const double scale = (double)side / FRAME_SIDE;
    struct glass_optics optics = glass_optics_default(side);
    for (unsigned i = 0; i < 2; i++) {
        optics.centre[i] += scale * options->centre_offset[i];
        optics.ring_radius[i] = scale * options->ring_radius[i];
    }
    optics.ellipticity = options->ellipticity;
    optics.disk_radius = scale * options->disk_radius;
    optics.counts = options->counts;
    optics.speckle = options->speckle > 0 ? (uint32_t)lrint(fmax(1, 1 / options->speckle)) : 0;
    optics.friedel = options->friedel;
    optics.disk_gradient = options->br_gradient;
    optics.disk_blur = scale * options->br_blur;
    return optics;
}

static struct glass_sensor_settings sensor_of(const struct specimen_options *options, uint32_t side)
{
    const double stop = options->beam_stop * side / FRAME_SIDE;
    return (struct glass_sensor_settings){.charge_sharing = options->charge_sharing,
                                          .flat_field = options->flat_field,
                                          .dead = options->dead,
                                          .hot = options->hot,
                                          .hot_counts = HOT_COUNTS,
                                          .stop_radius = stop,
                                          .stop_centre = {side / 2.0, side / 2.0},
                                          .arm_width = STOP_ARM * stop};
}

static struct glass_map_settings map_of(const struct specimen_options *options, uint32_t side,
                                        uint32_t ny, uint32_t nx)
{
    const double scale = (double)side / FRAME_SIDE;
    struct glass_map_settings map = glass_map_default(ny, nx, scale * options->ring_radius[0]);
    memcpy(map.fraction, options->br_fraction, sizeof map.fraction);
    memcpy(map.range.contrast, options->br_contrast, sizeof map.range.contrast);
    memcpy(map.classes, options->br_classes, sizeof map.classes);
    map.range.distance = 2 * scale * options->disk_radius; /* disks that can be told apart */
    map.phase_intensity = options->phase_intensity;
    map.thickness = options->thickness;
    map.descan = scale * options->descan;
    map.overlap = options->overlap;
    return map;
}

int specimen_init(struct glass_map *map, struct glass_pattern *pattern,
                  const struct specimen_options *options, uint64_t seed, uint32_t side, uint32_t ny,
                  uint32_t nx)
{
    const struct glass_optics optics = optics_of(options, side);
    const struct glass_sensor_settings sensor = sensor_of(options, side);
    struct glass_map_settings settings = map_of(options, side, ny, nx);
    settings.seed = seed;
    const int result = glass_map_init(map, &settings);
    return result ? result : glass_pattern_init(pattern, side, seed, &optics, &sensor);
}
