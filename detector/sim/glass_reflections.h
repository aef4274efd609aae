#pragma once

#include <stdint.h>

#include "detector/sim/random.h"

/*
 * Which Bragg reflections a pattern has: the classes that merlind tells apart, and reflections of
 * each, at random places near the halo.
 */
enum glass_class {
    GLASS_NONE,
    GLASS_TWO_BEAM,   /* one reflection */
    GLASS_THREE_BEAM, /* g and -g */
    GLASS_ON_AXIS,    /* two vectors of a lattice and their negatives, or six at 60 degrees */
    GLASS_MULTIPLE,   /* two or three that share no lattice: clusters one behind the other */
};

#define GLASS_CLASSES 5
#define GLASS_REFLECTIONS 6

struct glass_reflection {
    double g[2]; /* y, x from the centre of the pattern, pixels */
    double
        contrast; /* its counts, in those of the halo there over the area of the aperture's disk */
};

/* What a frame shows. */
struct glass_position {
    enum glass_class class;
    unsigned phase;   /* 0 or 1: whose halo it has */
    double intensity; /* of the halo and all else: thickness or dose, 1 for `counts` as asked */
    double shift[2];  /* y, x, of the pattern on the sensor, pixels: descan */
    uint64_t speckle; /* frames of the same number have the same speckle */
    unsigned reflections;
    struct glass_reflection reflection[GLASS_REFLECTIONS];
};

/* Where reflections lie and how strong they are. */
struct glass_reflection_range {
    double radius[2];   /* least and largest |g|, pixels */
    double contrast[2]; /* least and largest, uniform in the logarithm */
    double distance;    /* pixels: those that share no lattice are no nearer to each other; at most
                           the radius */
};

/* Gives the position a class, and reflections drawn from the stream. */
void glass_reflections_draw(struct glass_position *position, enum glass_class class,
                            const struct glass_reflection_range *range,
                            struct random_stream *stream);

/* "none", "two-beam", "three-beam", "on-axis", "multiple". */
const char *glass_class_name(enum glass_class class);
