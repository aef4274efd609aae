#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "detector/sim/fault.h"
#include "detector/sim/mq1_header.h"
#include "detector/sim/scan_path.h"
#include "detector/sim/specimen.h"
#include "detector/sim/wire_format.h"

/* How fast frames are taken. */
enum pace {
    PACE_FROM_SOURCE, /* as the file's header times say, or as a client sets it */
    PACE_FIXED,       /* --fps N */
    PACE_MAX,         /* --fps max: as fast as the reader takes them */
};

/* The command line. Strings point into argv. */
struct options {
    const char *file; /* .mib or .hdr to replay; NULL: synthetic */
    const char *listen;
    uint16_t command_port, data_port; /* 0: any free one */

    enum pace pace;
    double fps;
    bool repeat_given;
    uint64_t repeat; /* passes through the file; 0: without end */
    bool scan_given;
    struct scan_path path;   /* of the synthetic scan; its ny and nx hold for a file too */
    const char *path_option; /* the last one that says more of the path, NULL: none */

    struct specimen_options specimen;
    uint64_t seed;
    uint32_t depth, chips;
    bool raw, layout_given;
    enum wire_layout layout;
    uint32_t gap, rows;
    enum one_bit_type one_bit;
    enum mq1_style header_style;
    bool wrap; /* counters begin again at 0 beyond their full scale, and do not stay there */
    bool number_layers; /* each message of an exposure has a number of its own */
    uint64_t bank;      /* patterns prepared; 0: chosen */
    const char *truth, *dump;

    uint64_t buffer; /* frames; 0: no stalls are modelled */
    uint32_t trigger_delay_ms;
    bool old_status, once;
    struct fault_set faults;
};

/* Are there frames that show no position of the scan? */
static inline bool options_have_flyback(const struct options *options)
{
    return options->path.flyback || options->path.skip_start || options->path.skip_end;
}

#define OPTIONS_RUN (-1)

/* Returns OPTIONS_RUN, or the exit status: 0 after --help and --version, EX_USAGE after a sentence
 * on stderr. */
int options_parse(struct options *options, int argc, char **argv);
