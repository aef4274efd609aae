#include "detector/sim/options_internal.h"

#include <getopt.h>
#include <stddef.h>
#include <string.h>
#include <sysexits.h>

#define MEMBER(name) offsetof(struct specimen_options, name)

/* Options that are one number. */
static const struct {
    const char *name;
    size_t member;
    double low, high;
} reals[SPECIMEN_REALS] = {
    [SPECIMEN_COUNTS] = {"counts", MEMBER(counts), 0, 10000},
    [SPECIMEN_THICKNESS] = {"thickness", MEMBER(thickness), 0.01, 100},
    [SPECIMEN_PHASE_INTENSITY] = {"phase-intensity", MEMBER(phase_intensity), 0.01, 100},
    [SPECIMEN_BR_GRADIENT] = {"br-gradient", MEMBER(br_gradient), 0, 1},
    [SPECIMEN_BR_BLUR] = {"br-blur", MEMBER(br_blur), 0, 50},
    [SPECIMEN_DISK_RADIUS] = {"disk-radius", MEMBER(disk_radius), 0.5, 64},
    [SPECIMEN_SPECKLE] = {"speckle", MEMBER(speckle), 0, 1},
    [SPECIMEN_OVERLAP] = {"overlap", MEMBER(overlap), 0, 1},
    [SPECIMEN_ELLIPTICITY] = {"ellipticity", MEMBER(ellipticity), 0, 0.5},
    [SPECIMEN_DESCAN] = {"descan", MEMBER(descan), -100, 100},
    [SPECIMEN_FLAT_FIELD] = {"flat-field", MEMBER(flat_field), 0, 0.5},
    [SPECIMEN_DEAD] = {"dead", MEMBER(dead), 0, 1},
    [SPECIMEN_HOT] = {"hot", MEMBER(hot), 0, 1},
    [SPECIMEN_BEAM_STOP] = {"beam-stop", MEMBER(beam_stop), 0, 128},
    [SPECIMEN_SECOND_RING] = {"second-ring", MEMBER(ring_radius[1]), 1, 128},
};

/* One number for both, or two. */
static int parse_two(const char *name, double low, double high, double values[2])
{
    unsigned count;
    const int status = options_parse_reals(name, low, high, values, 1, 2, &count);
    if (status == OPTIONS_RUN && count == 1)
        values[1] = values[0];
    return status;
}

static int parse_contrast(double contrast[2])
{
    const int status = parse_two("br-contrast", 0, 1000, contrast);
    if (status != OPTIONS_RUN)
        return status;
    if (contrast[0] > contrast[1] || (contrast[0] == 0 && contrast[1] > 0))
        return options_usage_error("--br-contrast %s: the least and the largest are wanted",
                                   optarg);
    return OPTIONS_RUN;
}

static int parse_classes(double classes[GLASS_CLASSES])
{
    unsigned count;
    double sum = 0;
    memset(classes, 0, GLASS_CLASSES * sizeof *classes);
    const int status = options_parse_reals("br-classes", 0, 1e6, classes + GLASS_TWO_BEAM, 1,
                                           GLASS_CLASSES - GLASS_TWO_BEAM, &count);
    if (status != OPTIONS_RUN)
        return status;
    for (unsigned class = 0; class < GLASS_CLASSES; class ++)
        sum += classes[class];
    if (sum == 0)
        return options_usage_error("--br-classes %s: at least one has to be above 0", optarg);
    return OPTIONS_RUN;
}

int options_parse_specimen(struct specimen_options *options, enum specimen_option id)
{
    unsigned count;
    if (id < SPECIMEN_REALS)
        return options_parse_real(reals[id].name, reals[id].low, reals[id].high,
                                  (double *)((char *)options + reals[id].member));
    switch (id) {
    case SPECIMEN_BR_FRACTION:
        return parse_two("br-fraction", 0, 1, options->br_fraction);
    case SPECIMEN_BR_CLASSES:
        return parse_classes(options->br_classes);
    case SPECIMEN_BR_CONTRAST:
        return parse_contrast(options->br_contrast);
    case SPECIMEN_CENTRE_OFFSET:
        return options_parse_reals("centre-offset", -64, 64, options->centre_offset, 2, 2, &count);
    case SPECIMEN_FRIEDEL:
        options->friedel = true;
        return OPTIONS_RUN;
    case SPECIMEN_CHARGE_SHARING:
        options->charge_sharing = true;
        return OPTIONS_RUN;
    default:
        return EX_USAGE;
    }
}
