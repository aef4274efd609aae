#include "tests/bench/bragg/cell.h"

#include <math.h>
#include <stdio.h>

static const double doses[CELL_DOSES] = {0.02, 0.05, 0.2, 1, 5, 27};
static const double radii[] = {1.5, 3.4, 12.8};
static const uint32_t intensities[] = {0, 30, 10};

static double contrast_of(uint32_t m)
{
    return m ? 1. / m : 0;
}

static struct cell standard(double counts, double disk_radius, uint32_t speckle,
                            bool charge_sharing)
{
    struct cell cell = {.seed = 20260101,
                        .optics = glass_optics_default(256),
                        .sensor = {.charge_sharing = charge_sharing},
                        .speckle = contrast_of(speckle),
                        .thickness = 1,
                        .depth = 16,
                        .reference_fraction = 0.1};
    cell.optics.centre[0] = cell.optics.centre[1] = CELL_SIDE / 2.0;
    cell.optics.direct_beam = 0;
    cell.optics.counts = counts;
    cell.optics.disk_radius = disk_radius;
    cell.optics.speckle = speckle;
    const double ring = cell.optics.ring_radius[0];
    cell.annulus[0] = fmin(25, (1 - CELL_SPREAD) * ring - disk_radius - 1);
    cell.annulus[1] = fmax(46, (1 + CELL_SPREAD) * ring + disk_radius + 1);
    return cell;
}

static struct cell of_grid(unsigned index)
{
    const double counts = doses[index % CELL_DOSES];
    const double radius = radii[index / CELL_DOSES % 3];
    const uint32_t speckle = intensities[index / CELL_DOSES / 3 % 3];
    const bool charge_sharing = index / CELL_DOSES / 9;
    struct cell cell = standard(counts, radius, speckle, charge_sharing);
    snprintf(cell.name, sizeof cell.name, "mu%g_r%g_v%.3g_f%d", counts, radius,
             contrast_of(speckle), charge_sharing + 1);
    return cell;
}

static void centre_off(struct cell *cell, double distance)
{
    cell->centre_error[0] = 0.8 * distance;
    cell->centre_error[1] = -0.6 * distance;
}

static void half_off(struct cell *cell)
{
    centre_off(cell, 0.5);
}

static void one_off(struct cell *cell)
{
    centre_off(cell, 1);
}

static void two_off(struct cell *cell)
{
    centre_off(cell, 2);
}

static void ellipse_1(struct cell *cell)
{
    cell->optics.ellipticity = 0.01;
}

static void ellipse_3(struct cell *cell)
{
    cell->optics.ellipticity = 0.03;
}

static void beam_stop(struct cell *cell)
{
    cell->sensor.stop_radius = 12;
    cell->sensor.stop_centre[0] = cell->sensor.stop_centre[1] = CELL_SIDE / 2.0;
    cell->sensor.arm_width = 8;
    cell->knows_bad = true;
}

static void dead_pixels(struct cell *cell)
{
    cell->sensor.dead = 0.001;
}

static void hot_pixels(struct cell *cell)
{
    cell->sensor.hot = 0.0002;
    cell->sensor.hot_counts = 30;
}

static void flat_field(struct cell *cell)
{
    cell->sensor.flat_field = 0.05;
}

static void quad_cross(struct cell *cell)
{
    cell->sensor.cross = 4;
    cell->knows_bad = true;
}

static void descan(struct cell *cell)
{
    cell->descan = 3;
}

static void friedel(struct cell *cell)
{
    cell->optics.friedel = true;
}

static void two_phases(struct cell *cell)
{
    cell->two_phases = true;
    cell->optics.ring_radius[1] = 30.6;
}

static void thickness(struct cell *cell)
{
    cell->thickness = 2;
}

static void gradient(struct cell *cell)
{
    cell->optics.disk_gradient = 0.7;
}

/* 1 / D in pixels of 0.1185 nm-1. */
static void cluster_1(struct cell *cell)
{
    cell->optics.disk_blur = 8.44;
}

static void cluster_2(struct cell *cell)
{
    cell->optics.disk_blur = 4.22;
}

static void cluster_5(struct cell *cell)
{
    cell->optics.disk_blur = 1.69;
}

static void reference_90(struct cell *cell)
{
    cell->reference_fraction = 0.9;
}

static void reference_40(struct cell *cell)
{
    cell->reference_fraction = 0.4;
}

static void beside_on_axis(struct cell *cell)
{
    cell->reference_fraction = 0.5;
    cell->reference_class = GLASS_ON_AXIS;
}

static void depth_1(struct cell *cell)
{
    cell->depth = 1;
}

static void depth_6_clipped(struct cell *cell)
{
    cell->depth = 6;
}

static void depth_6_wrapped(struct cell *cell)
{
    cell->depth = 6;
    cell->wrap = true;
}

static void depth_12_clipped(struct cell *cell)
{
    cell->depth = 12;
}

/* The figures of the perturbed cells: F = 2 and V_px = 0.033. */
static const struct {
    const char *name;
    double counts, disk_radius;
    void (*perturb)(struct cell *cell);
} perturbations[] = {
    {"centre_0.5", 1, 3.4, half_off},
    {"centre_1", 1, 3.4, one_off},
    {"centre_2", 1, 3.4, two_off},
    {"centre_1_mu27", 27, 3.4, one_off},
    {"ellipse_1", 1, 3.4, ellipse_1},
    {"ellipse_3", 1, 3.4, ellipse_3},
    {"ellipse_3_mu27", 27, 3.4, ellipse_3},
    {"beam_stop", 1, 3.4, beam_stop},
    {"dead", 1, 3.4, dead_pixels},
    {"hot", 1, 3.4, hot_pixels},
    {"hot_mu0.2", 0.2, 3.4, hot_pixels},
    {"flat_field", 1, 3.4, flat_field},
    {"flat_field_mu27", 27, 3.4, flat_field},
    {"quad_cross", 1, 3.4, quad_cross},
    {"descan", 1, 3.4, descan},
    {"friedel", 5, 3.4, friedel},
    {"two_phases", 1, 3.4, two_phases},
    {"two_phases_mu0.2", 0.2, 3.4, two_phases},
    {"two_phases_mu5", 5, 3.4, two_phases},
    {"thickness", 1, 3.4, thickness},
    {"gradient", 1, 3.4, gradient},
    {"cluster_1nm", 1, 3.4, cluster_1},
    {"cluster_2nm", 1, 3.4, cluster_2},
    {"cluster_5nm", 1, 3.4, cluster_5},
    {"reference_40", 1, 3.4, reference_40},
    {"reference_90", 1, 3.4, reference_90},
    {"beside_on_axis", 1, 12.8, beside_on_axis},
    {"beside_on_axis_mu0.2", 0.2, 12.8, beside_on_axis},
    {"depth_1", 0.05, 3.4, depth_1},
    {"depth_6_clip", 27, 3.4, depth_6_clipped},
    {"depth_6_wrap", 5, 3.4, depth_6_wrapped},
    {"depth_12_clip", 27, 3.4, depth_12_clipped},
};

#define N_PERTURBATIONS (sizeof perturbations / sizeof perturbations[0])

unsigned cell_count(void)
{
    return CELL_GRID + N_PERTURBATIONS;
}

struct cell cell_make(unsigned index)
{
    if (index < CELL_GRID)
        return of_grid(index);
    const unsigned place = index - CELL_GRID;
    struct cell cell =
        standard(perturbations[place].counts, perturbations[place].disk_radius, 30, true);
    snprintf(cell.name, sizeof cell.name, "%s", perturbations[place].name);
    cell.perturbed = true;
    perturbations[place].perturb(&cell);
    return cell;
}

enum purpose { PURPOSE_POSITION = 300 };

/* A number of its own for every frame of every set, class and contrast. */
static uint64_t number_of(const struct cell_request *request)
{
    const uint64_t group = ((uint64_t)request->set << 8 | request->class) << 32 |
                           (uint64_t)llround(request->contrast * 1000);
    return random_hash(group, PURPOSE_POSITION, request->index);
}

static void count(const struct cell *cell, struct cell_frame *frame)
{
    const uint32_t full_scale = (UINT32_C(1) << cell->depth) - 1;
    for (unsigned i = 0; i < CELL_PIXELS; i++) {
        if (frame->counts[i] > full_scale)
            frame->counts[i] = cell->wrap ? frame->counts[i] & full_scale : full_scale;
        frame->image[i] = (uint16_t)frame->counts[i];
    }
}

void cell_draw(const struct cell *cell, const struct glass_pattern *pattern,
               const struct cell_request *request, struct cell_frame *frame)
{
    const uint64_t number = number_of(request);
    struct random_stream stream = random_stream_make(cell->seed, PURPOSE_POSITION, number);
    const double shift = cell->descan * ((request->index + 0.5) / request->count - 0.5);
    frame->position = (struct glass_position){
        .phase = cell->two_phases && random_unit(&stream) < 0.5,
        .intensity = request->intensity > 0 ? request->intensity
                                            : 1 + (cell->thickness - 1) * random_unit(&stream),
        .shift = {shift, -shift},
        .speckle = number,
    };
    const double ring = cell->optics.ring_radius[frame->position.phase];
    const struct glass_reflection_range range = {
        .radius = {(1 - request->spread) * ring, (1 + request->spread) * ring},
        .contrast = {request->contrast, request->contrast},
        .distance = 2 * cell->optics.disk_radius};
    glass_reflections_draw(&frame->position, request->class, &range, &stream);
    glass_pattern_draw(pattern, &frame->position, number, frame->counts);
    count(cell, frame);
}

void cell_bad_pixels(const struct cell *cell, const struct glass_pattern *pattern, uint8_t *bad)
{
    for (unsigned i = 0; i < CELL_PIXELS; i++)
        bad[i] = cell->knows_bad && pattern->sensor.passes[i] == 0;
}
