#include "detector/sim/glass_reflections.h"

#include <math.h>
#include <stdbool.h>

#define DEGREES(angle) ((angle)*M_PI / 180)
#define APART DEGREES(20)   /* between the directions of reflections that share no lattice */
#define LATTICE_DISTANCE 5. /* pixels from every point of a lattice that two others span */

static double draw_between(struct random_stream *stream, const double range[2])
{
    return range[0] + (range[1] - range[0]) * random_unit(stream);
}

static double draw_contrast(struct random_stream *stream, const double range[2])
{
    if (range[0] == range[1])
        return range[0];
    return range[0] * pow(range[1] / range[0], random_unit(stream));
}

static void add(struct glass_position *position, double y, double x, double contrast)
{
    position->reflection[position->reflections++] =
        (struct glass_reflection){.g = {y, x}, .contrast = contrast};
}

static void add_pair(struct glass_position *position, double radius, double angle,
                     const struct glass_reflection_range *range, struct random_stream *stream)
{
    const double y = radius * sin(angle), x = radius * cos(angle);
    add(position, y, x, draw_contrast(stream, range->contrast));
    add(position, -y, -x, draw_contrast(stream, range->contrast));
}

/* Half of the lattices are oblique with 60 to 90 degrees, half hexagonal. */
static void add_lattice(struct glass_position *position, double radius, double angle,
                        const struct glass_reflection_range *range, struct random_stream *stream)
{
    const bool hexagonal = random_unit(stream) < 0.5;
    const double between = hexagonal ? DEGREES(60) : DEGREES(60 + 30 * random_unit(stream));
    const double other = hexagonal ? radius : draw_between(stream, range->radius);
    add_pair(position, radius, angle, range, stream);
    add_pair(position, other, angle + between, range, stream);
    if (hexagonal)
        add_pair(position, radius, angle + 2 * between, range, stream);
}

/* The angle between the lines along a and b, 0 to pi / 2. */
static double angle_between(const double a[2], const double b[2])
{
    const double cross = a[0] * b[1] - a[1] * b[0], dot = a[0] * b[0] + a[1] * b[1];
    return atan2(fabs(cross), fabs(dot));
}

/* Is c a point h a + k b with |h|, |k| <= 2? */
static bool fits_lattice(const double a[2], const double b[2], const double c[2])
{
    for (int h = -2; h <= 2; h++)
        for (int k = -2; k <= 2; k++)
            if (hypot(h * a[0] + k * b[0] - c[0], h * a[1] + k * b[1] - c[1]) < LATTICE_DISTANCE)
                return true;
    return false;
}

static bool are_unrelated(const struct glass_position *position, double distance)
{
    const struct glass_reflection *const r = position->reflection;
    for (unsigned i = 0; i < position->reflections; i++)
        for (unsigned j = 0; j < i; j++)
            if (angle_between(r[i].g, r[j].g) < APART ||
                hypot(r[i].g[0] - r[j].g[0], r[i].g[1] - r[j].g[1]) < distance)
                return false;
    return position->reflections < 3 ||
           !(fits_lattice(r[0].g, r[1].g, r[2].g) || fits_lattice(r[1].g, r[2].g, r[0].g) ||
             fits_lattice(r[2].g, r[0].g, r[1].g));
}

static void add_unrelated(struct glass_position *position,
                          const struct glass_reflection_range *range, struct random_stream *stream)
{
    const unsigned wanted = random_unit(stream) < 0.5 ? 2 : 3;
    do {
        position->reflections = 0;
        while (position->reflections < wanted) {
            const double radius = draw_between(stream, range->radius);
            const double angle = 2 * M_PI * random_unit(stream);
            add(position, radius * sin(angle), radius * cos(angle),
                draw_contrast(stream, range->contrast));
        }
    } while (!are_unrelated(position, fmin(range->distance, range->radius[0])));
}

void glass_reflections_draw(struct glass_position *position, enum glass_class class,
                            const struct glass_reflection_range *range,
                            struct random_stream *stream)
{
    position->class = class;
    position->reflections = 0;
    const double angle = 2 * M_PI * random_unit(stream);
    const double radius = draw_between(stream, range->radius);
    if (class == GLASS_TWO_BEAM)
        add(position, radius * sin(angle), radius * cos(angle),
            draw_contrast(stream, range->contrast));
    else if (class == GLASS_THREE_BEAM)
        add_pair(position, radius, angle, range, stream);
    else if (class == GLASS_ON_AXIS)
        add_lattice(position, radius, angle, range, stream);
    else if (class == GLASS_MULTIPLE)
        add_unrelated(position, range, stream);
}

const char *glass_class_name(enum glass_class class)
{
    static const char *const names[GLASS_CLASSES] = {"none", "two-beam", "three-beam", "on-axis",
                                                     "multiple"};
    return names[class];
}
