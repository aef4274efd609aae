#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "detector/sim/options_internal.h"

int options_parse_integer(const char *name, uint64_t low, uint64_t high, uint64_t *value)
{
    char *end;
    errno = 0;
    const unsigned long long number = strtoull(optarg, &end, 10);
    if (end == optarg || *end || optarg[0] == '-' || errno || number < low || number > high)
        return options_usage_error("--%s %s: a whole number from %llu to %llu is wanted", name,
                                   optarg, (unsigned long long)low, (unsigned long long)high);
    *value = number;
    return OPTIONS_RUN;
}

int options_parse_real(const char *name, double low, double high, double *value)
{
    char *end;
    const double number = strtod(optarg, &end);
    if (end == optarg || *end || !isfinite(number) || number < low || number > high)
        return options_usage_error("--%s %s: a number from %g to %g is wanted", name, optarg, low,
                                   high);
    *value = number;
    return OPTIONS_RUN;
}

/* Between `least` and `most` numbers, with commas between them. */
int options_parse_reals(const char *name, double low, double high, double *values, unsigned least,
                        unsigned most, unsigned *count)
{
    const char *text = optarg;
    char *end = optarg;
    for (*count = 0; *count < most; text = end + 1) {
        const double number = strtod(text, &end);
        if (end == text || !(number >= low && number <= high))
            break;
        values[(*count)++] = number;
        if (*end != ',')
            break;
    }
    if (*end || *count < least)
        return options_usage_error(
            "--%s %s: %u to %u numbers from %g to %g are wanted, with commas", name, optarg, least,
            most, low, high);
    return OPTIONS_RUN;
}

int options_parse_port(const char *name, uint16_t *port)
{
    uint64_t value = 0;
    const int status = options_parse_integer(name, 0, 65535, &value);
    *port = (uint16_t)value;
    return status;
}

int options_parse_u32(const char *name, uint32_t low, uint32_t high, uint32_t *value)
{
    uint64_t number = 0;
    const int status = options_parse_integer(name, low, high, &number);
    *value = (uint32_t)number;
    return status;
}

int options_parse_fps(struct options *options)
{
    if (strcmp(optarg, "max") == 0) {
        options->pace = PACE_MAX;
        return OPTIONS_RUN;
    }
    options->pace = PACE_FIXED;
    if (options_parse_real("fps", 0.001, 1e6, &options->fps) != OPTIONS_RUN)
        return EX_USAGE;
    return OPTIONS_RUN;
}

int options_parse_scan(struct options *options)
{
    char rest;
    if (sscanf(optarg, "%" SCNu32 "x%" SCNu32 "%c", &options->path.ny, &options->path.nx, &rest) !=
            2 ||
        options->path.ny < 1 || options->path.nx < 1 || options->path.ny > 65536 ||
        options->path.nx > 65536)
        return options_usage_error(
            "--scan %s: rows x columns is wanted, as in 128x128, each from 1 to 65536", optarg);
    options->scan_given = true;
    return OPTIONS_RUN;
}

int options_parse_drift(struct options *options)
{
    char rest;
    struct scan_path *path = &options->path;
    if (sscanf(optarg, "%" SCNd32 ",%" SCNd32 "%c", &path->drift_y, &path->drift_x, &rest) != 2 ||
        abs(path->drift_y) > 65536 || abs(path->drift_x) > 65536)
        return options_usage_error(
            "--drift %s: rows,columns per pass is wanted, as in 1,-2, each up to 65536", optarg);
    return OPTIONS_RUN;
}

int options_parse_depth(struct options *options)
{
    if (options_parse_u32("depth", 1, 24, &options->depth) != OPTIONS_RUN)
        return EX_USAGE;
    if (options->depth != 1 && options->depth != 6 && options->depth != 12 && options->depth != 24)
        return options_usage_error("--depth %s: the counter has 1, 6, 12 or 24 bits", optarg);
    return OPTIONS_RUN;
}

int options_parse_chips(struct options *options)
{
    if (options_parse_u32("chips", 1, 4, &options->chips) != OPTIONS_RUN)
        return EX_USAGE;
    if (options->chips != 1 && options->chips != 4)
        return options_usage_error("--chips %s: 1 (256x256) or 4 (512x512) is wanted", optarg);
    return OPTIONS_RUN;
}

int options_parse_rows(struct options *options)
{
    if (options_parse_u32("rows", 32, 256, &options->rows) != OPTIONS_RUN)
        return EX_USAGE;
    if (options->rows & (options->rows - 1))
        return options_usage_error("--rows %s: 32, 64, 128 or 256 is wanted", optarg);
    return OPTIONS_RUN;
}

int options_parse_fault(struct options *options)
{
    struct error error;
    if (fault_set_add(&options->faults, optarg, &error) < 0)
        return options_usage_error("%s", error.text);
    return OPTIONS_RUN;
}
