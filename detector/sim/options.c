#include "detector/sim/options.h"

#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include "detector/sim/options_internal.h"

enum option_id {
    OPTION_LISTEN = 1000,
    OPTION_COMMAND_PORT,
    OPTION_DATA_PORT,
    OPTION_FPS,
    OPTION_SCAN,
    OPTION_REPEAT,
    OPTION_SERPENTINE,
    OPTION_FLYBACK,
    OPTION_SKIP_START,
    OPTION_SKIP_END,
    OPTION_LINE_EXPOSURE,
    OPTION_FLYBACK_EXPOSURE,
    OPTION_DRIFT,
    OPTION_SYNTHETIC,
    OPTION_SEED,
    OPTION_DEPTH,
    OPTION_CHIPS,
    OPTION_BANK,
    OPTION_TRUTH,
    OPTION_BUFFER,
    OPTION_TRIGGER_DELAY,
    OPTION_OLD_STATUS,
    OPTION_ONCE,
    OPTION_FORMAT,
    OPTION_LAYOUT,
    OPTION_GAP,
    OPTION_ROWS,
    OPTION_PIXEL_TYPE,
    OPTION_HEADER_STYLE,
    OPTION_NUMBER_LAYERS,
    OPTION_DUMP,
    OPTION_FAULT,
    OPTION_LIST_FAULTS,
    OPTION_OVERFLOW,
    OPTION_VERSION,
    OPTION_SPECIMEN, /* and up: options of the specimen, by their number */
};

static const struct option long_options[] = {
    {"listen", required_argument, NULL, OPTION_LISTEN},
    {"command-port", required_argument, NULL, OPTION_COMMAND_PORT},
    {"data-port", required_argument, NULL, OPTION_DATA_PORT},
    {"fps", required_argument, NULL, OPTION_FPS},
    {"scan", required_argument, NULL, OPTION_SCAN},
    {"repeat", required_argument, NULL, OPTION_REPEAT},
    {"serpentine", no_argument, NULL, OPTION_SERPENTINE},
    {"flyback", required_argument, NULL, OPTION_FLYBACK},
    {"skip-start", required_argument, NULL, OPTION_SKIP_START},
    {"skip-end", required_argument, NULL, OPTION_SKIP_END},
    {"line-exposure", required_argument, NULL, OPTION_LINE_EXPOSURE},
    {"flyback-exposure", required_argument, NULL, OPTION_FLYBACK_EXPOSURE},
    {"drift", required_argument, NULL, OPTION_DRIFT},
    {"synthetic", required_argument, NULL, OPTION_SYNTHETIC},
    {"counts", required_argument, NULL, OPTION_SPECIMEN + SPECIMEN_COUNTS},
    {"thickness", required_argument, NULL, OPTION_SPECIMEN + SPECIMEN_THICKNESS},
    {"second-ring", required_argument, NULL, OPTION_SPECIMEN + SPECIMEN_SECOND_RING},
    {"phase-intensity", required_argument, NULL, OPTION_SPECIMEN + SPECIMEN_PHASE_INTENSITY},
    {"br-fraction", required_argument, NULL, OPTION_SPECIMEN + SPECIMEN_BR_FRACTION},
    {"br-classes", required_argument, NULL, OPTION_SPECIMEN + SPECIMEN_BR_CLASSES},
    {"br-contrast", required_argument, NULL, OPTION_SPECIMEN + SPECIMEN_BR_CONTRAST},
    {"br-gradient", required_argument, NULL, OPTION_SPECIMEN + SPECIMEN_BR_GRADIENT},
    {"br-blur", required_argument, NULL, OPTION_SPECIMEN + SPECIMEN_BR_BLUR},
    {"disk-radius", required_argument, NULL, OPTION_SPECIMEN + SPECIMEN_DISK_RADIUS},
    {"speckle", required_argument, NULL, OPTION_SPECIMEN + SPECIMEN_SPECKLE},
    {"friedel", no_argument, NULL, OPTION_SPECIMEN + SPECIMEN_FRIEDEL},
    {"overlap", required_argument, NULL, OPTION_SPECIMEN + SPECIMEN_OVERLAP},
    {"ellipticity", required_argument, NULL, OPTION_SPECIMEN + SPECIMEN_ELLIPTICITY},
    {"centre-offset", required_argument, NULL, OPTION_SPECIMEN + SPECIMEN_CENTRE_OFFSET},
    {"descan", required_argument, NULL, OPTION_SPECIMEN + SPECIMEN_DESCAN},
    {"charge-sharing", no_argument, NULL, OPTION_SPECIMEN + SPECIMEN_CHARGE_SHARING},
    {"flat-field", required_argument, NULL, OPTION_SPECIMEN + SPECIMEN_FLAT_FIELD},
    {"dead", required_argument, NULL, OPTION_SPECIMEN + SPECIMEN_DEAD},
    {"hot", required_argument, NULL, OPTION_SPECIMEN + SPECIMEN_HOT},
    {"beam-stop", required_argument, NULL, OPTION_SPECIMEN + SPECIMEN_BEAM_STOP},
    {"overflow", required_argument, NULL, OPTION_OVERFLOW},
    {"seed", required_argument, NULL, OPTION_SEED},
    {"depth", required_argument, NULL, OPTION_DEPTH},
    {"chips", required_argument, NULL, OPTION_CHIPS},
    {"bank", required_argument, NULL, OPTION_BANK},
    {"truth", required_argument, NULL, OPTION_TRUTH},
    {"format", required_argument, NULL, OPTION_FORMAT},
    {"layout", required_argument, NULL, OPTION_LAYOUT},
    {"gap", required_argument, NULL, OPTION_GAP},
    {"rows", required_argument, NULL, OPTION_ROWS},
    {"pixel-type", required_argument, NULL, OPTION_PIXEL_TYPE},
    {"header-style", required_argument, NULL, OPTION_HEADER_STYLE},
    {"number-layers", no_argument, NULL, OPTION_NUMBER_LAYERS},
    {"dump", required_argument, NULL, OPTION_DUMP},
    {"fault", required_argument, NULL, OPTION_FAULT},
    {"list-faults", no_argument, NULL, OPTION_LIST_FAULTS},
    {"buffer", required_argument, NULL, OPTION_BUFFER},
    {"trigger-delay", required_argument, NULL, OPTION_TRIGGER_DELAY},
    {"old-status", no_argument, NULL, OPTION_OLD_STATUS},
    {"once", no_argument, NULL, OPTION_ONCE},
    {"help", no_argument, NULL, 'h'},
    {"version", no_argument, NULL, OPTION_VERSION},
    {NULL, 0, NULL, 0},
};

int options_usage_error(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    fputs("merlin-sim: ", stderr);
    vfprintf(stderr, format, arguments);
    fputs("; see merlin-sim --help\n", stderr);
    va_end(arguments);
    return EX_USAGE;
}

/* The way over the synthetic scan. */
static int parse_path_option(struct options *options, int id)
{
    struct scan_path *path = &options->path;
    for (const struct option *option = long_options; option->name; option++)
        if (option->val == id)
            options->path_option = option->name;
    switch (id) {
    case OPTION_SERPENTINE:
        path->serpentine = true;
        return OPTIONS_RUN;
    case OPTION_FLYBACK:
        return options_parse_u32("flyback", 0, 65536, &path->flyback);
    case OPTION_SKIP_START:
        return options_parse_integer("skip-start", 0, 1000000000, &path->skip_start);
    case OPTION_SKIP_END:
        return options_parse_integer("skip-end", 0, 1000000000, &path->skip_end);
    case OPTION_LINE_EXPOSURE:
        return options_parse_real("line-exposure", 1, 1000, &path->line_exposure);
    case OPTION_FLYBACK_EXPOSURE:
        return options_parse_real("flyback-exposure", 1, 1000, &path->flyback_exposure);
    case OPTION_DRIFT:
        return options_parse_drift(options);
    default:
        return EX_USAGE; /* getopt has said why */
    }
}

/* Sets the whole of an enumeration by name. */
static int parse_shape_option(struct options *options, int id)
{
    static const char *const formats[] = {"processed", "raw", NULL};
    static const char *const layouts[] = {"1x1", "2x2", "2x2G", "Nx1", NULL};
    static const char *const types[] = {"U08", "U01", "U01packed", NULL};
    static const char *const styles[] = {"new", "no-mq1a", "old", NULL};
    static const char *const overflows[] = {"clip", "wrap", NULL};
    int place = 0, status = EX_USAGE;
    switch (id) {
    case OPTION_FORMAT:
        status = options_parse_word("format", optarg, formats, &place);
        options->raw = place == 1;
        return status;
    case OPTION_LAYOUT:
        options->layout_given = true;
        status = options_parse_word("layout", optarg, layouts, &place);
        options->layout = (enum wire_layout)place;
        return status;
    case OPTION_PIXEL_TYPE:
        status = options_parse_word("pixel-type", optarg, types, &place);
        options->one_bit = (enum one_bit_type)place;
        return status;
    case OPTION_HEADER_STYLE:
        status = options_parse_word("header-style", optarg, styles, &place);
        options->header_style = (enum mq1_style)place;
        return status;
    case OPTION_OVERFLOW:
        status = options_parse_word("overflow", optarg, overflows, &place);
        options->wrap = place == 1;
        return status;
    case OPTION_GAP:
        return options_parse_u32("gap", 2, 3, &options->gap);
    case OPTION_ROWS:
        return options_parse_rows(options);
    default:
        return parse_path_option(options, id);
    }
}

static int parse_synthetic(void)
{
    if (strcmp(optarg, "glass") != 0)
        return options_usage_error("--synthetic %s: the one kind of specimen is glass", optarg);
    return OPTIONS_RUN;
}

static int parse_frame_option(struct options *options, int id)
{
    if (id >= OPTION_SPECIMEN)
        return options_parse_specimen(&options->specimen, id - OPTION_SPECIMEN);
    switch (id) {
    case OPTION_FPS:
        return options_parse_fps(options);
    case OPTION_SCAN:
        return options_parse_scan(options);
    case OPTION_REPEAT:
        options->repeat_given = true;
        return options_parse_integer("repeat", 0, 1000000000, &options->repeat);
    case OPTION_SEED:
        return options_parse_integer("seed", 0, UINT64_MAX, &options->seed);
    case OPTION_DEPTH:
        return options_parse_depth(options);
    case OPTION_CHIPS:
        return options_parse_chips(options);
    case OPTION_BANK:
        return options_parse_integer("bank", 1, 100000000, &options->bank);
    default:
        return parse_shape_option(options, id);
    }
}

static int parse_option(struct options *options, int id, bool *synthetic)
{
    switch (id) {
    case OPTION_LISTEN:
        options->listen = optarg;
        return OPTIONS_RUN;
    case OPTION_COMMAND_PORT:
        return options_parse_port("command-port", &options->command_port);
    case OPTION_DATA_PORT:
        return options_parse_port("data-port", &options->data_port);
    case OPTION_SYNTHETIC:
        *synthetic = true;
        return parse_synthetic();
    case OPTION_TRUTH:
        options->truth = optarg;
        return OPTIONS_RUN;
    case OPTION_DUMP:
        options->dump = optarg;
        return OPTIONS_RUN;
    case OPTION_NUMBER_LAYERS:
        options->number_layers = true;
        return OPTIONS_RUN;
    case OPTION_FAULT:
        return options_parse_fault(options);
    case OPTION_LIST_FAULTS:
        fault_print_list();
        return EX_OK;
    case OPTION_BUFFER:
        return options_parse_integer("buffer", 1, 1000000000, &options->buffer);
    case OPTION_TRIGGER_DELAY:
        return options_parse_u32("trigger-delay", 0, 3600000, &options->trigger_delay_ms);
    case OPTION_OLD_STATUS:
        options->old_status = true;
        return OPTIONS_RUN;
    case OPTION_ONCE:
        options->once = true;
        return OPTIONS_RUN;
    case 'h':
        for (const char *const *part = options_help; *part; part++)
            fputs(*part, stdout);
        return EX_OK;
    case OPTION_VERSION:
        puts("merlin-sim " MERLIN_SIM_VERSION);
        return EX_OK;
    default:
        return parse_frame_option(options, id);
    }
}

static int check_source(struct options *options, int argc, char **argv, bool synthetic)
{
    if (argc - optind > 1)
        return options_usage_error("one file can be replayed and not %d", argc - optind);
    if (argc - optind == 1)
        options->file = argv[optind];
    if (!options->file && !synthetic)
        return options_usage_error(
            "nothing to send: name a .mib or .hdr file, or give --synthetic glass");
    if (options->file && synthetic)
        return options_usage_error("%s and --synthetic exclude each other", options->file);
    if (options->file && (options->truth || options->dump))
        return options_usage_error(
            "--truth and --dump are known of synthetic patterns only, not of a file");
    if (options->file && options->path_option)
        return options_usage_error("--%s is for synthetic patterns, not for a file",
                                   options->path_option);
    if (synthetic && options->repeat_given)
        return options_usage_error(
            "--repeat is for files; synthetic patterns have no end (see --scan)");
    if (options->command_port && options->command_port == options->data_port)
        return options_usage_error("command and data port are both %u", options->data_port);
    options->faults.seed = options->seed;
    return options_settle_format(options);
}

int options_parse(struct options *options, int argc, char **argv)
{
    bool synthetic = false;
    *options = (struct options){
        .listen = "127.0.0.1",
        .command_port = 6341,
        .data_port = 6342,
        .repeat = 1,
        .path = {.ny = 64, .nx = 64, .line_exposure = 1, .flyback_exposure = 1},
        .specimen = specimen_options_default(),
        .seed = 1,
        .depth = 6,
        .gap = 2,
        .rows = 256,
        .trigger_delay_ms = 50,
    };
    int id;
    while ((id = getopt_long(argc, argv, "h", long_options, NULL)) != -1) {
        const int status = parse_option(options, id, &synthetic);
        if (status != OPTIONS_RUN)
            return status;
    }
    return check_source(options, argc, argv, synthetic);
}
