#pragma once

#include "detector/sim/options.h"

/* What the parts of the command line's reading share. */

extern const char *const options_help[]; /* parts of a text, NULL at the end */

/* Says what is wrong and how to get help; returns EX_USAGE. */
__attribute__((format(printf, 1, 2))) int options_usage_error(const char *format, ...);

/* One of `names` (NULL at the end): stores its place. Returns OPTIONS_RUN or EX_USAGE. */
int options_parse_word(const char *option, const char *text, const char *const *names, int *place);

/* Values of options, read from optarg into *value or *options; `name` is the option's. Each returns
 * OPTIONS_RUN, or EX_USAGE after a sentence. */
int options_parse_integer(const char *name, uint64_t low, uint64_t high, uint64_t *value);
int options_parse_real(const char *name, double low, double high, double *value);
int options_parse_port(const char *name, uint16_t *port);
int options_parse_u32(const char *name, uint32_t low, uint32_t high, uint32_t *value);
int options_parse_fps(struct options *options);
int options_parse_scan(struct options *options);
int options_parse_drift(struct options *options);
int options_parse_depth(struct options *options);
int options_parse_chips(struct options *options);
int options_parse_rows(struct options *options);
int options_parse_reals(const char *name, double low, double high, double *values, unsigned least,
                        unsigned most, unsigned *count);
int options_parse_fault(struct options *options);

/* Options of the synthetic specimen, in the order of their numbers. */
enum specimen_option {
    SPECIMEN_COUNTS,
    SPECIMEN_THICKNESS,
    SPECIMEN_PHASE_INTENSITY,
    SPECIMEN_BR_GRADIENT,
    SPECIMEN_BR_BLUR,
    SPECIMEN_DISK_RADIUS,
    SPECIMEN_SPECKLE,
    SPECIMEN_OVERLAP,
    SPECIMEN_ELLIPTICITY,
    SPECIMEN_DESCAN,
    SPECIMEN_FLAT_FIELD,
    SPECIMEN_DEAD,
    SPECIMEN_HOT,
    SPECIMEN_BEAM_STOP,
    SPECIMEN_SECOND_RING,
    SPECIMEN_REALS, /* those before it have one number each */
    SPECIMEN_BR_FRACTION = SPECIMEN_REALS,
    SPECIMEN_BR_CLASSES,
    SPECIMEN_BR_CONTRAST,
    SPECIMEN_CENTRE_OFFSET,
    SPECIMEN_FRIEDEL,
    SPECIMEN_CHARGE_SHARING,
};

int options_parse_specimen(struct specimen_options *options, enum specimen_option id);

/* Checks layout against chips, and fills in what was left out. Returns OPTIONS_RUN or EX_USAGE. */
int options_settle_format(struct options *options);
