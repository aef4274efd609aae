/*
 * The benchmark of truth: how often patterns without reflections are said to have some, how often
 * those with reflections are found, with which class and where, on patterns whose truth is known.
 */
#include <errno.h>
#include <fnmatch.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "tests/bench/bragg/report.h"

static const char help[] =
    "Usage: bench.sh bragg [--json] [--all | --cells NAMES] [--frames N] [--check] [--list]\n"
    "\n"
    "  --cells NAMES  names or patterns (mu1_*, two_phases) with commas; default: eight of them\n"
    "  --all          the whole grid of dose, disk radius, speckle and charge sharing, and all\n"
    "                 perturbations (about a quarter of an hour)\n"
    "  --frames N     frames without reflections for each cell, and a twentieth of that for each\n"
    "                 contrast and class (default 3000, 2000 with --check)\n"
    "  --json         one JSON object, and no table\n"
    "  --check        no other finders and no speed; exit 1 when a cell misses what is promised of "
    "it\n"
    "  --list         the names of all cells\n";

/* What check.sh looks at, in less than a minute. */
static const char default_cells[] =
    "mu0.05_r3.4_v0.0333_f2,mu1_r3.4_v0.0333_f2,mu1_r12.8_v0.0333_f2,"
    "mu5_r3.4_v0.0333_f1,two_phases,thickness,centre_1,beside_on_axis";

/* Simulated, for the intervals of fractions. */
#define FRACTION_SCANS 2000

struct arguments {
    bool json, check;
    const char *cells; /* NULL: all */
    unsigned frames;
};

/* Is the name among patterns with commas between them? */
static bool is_wanted(const char *name, const char *patterns)
{
    char one[64];
    if (!patterns)
        return true;
    for (const char *at = patterns; *at;) {
        const size_t size = strcspn(at, ",");
        snprintf(one, sizeof one, "%.*s", (int)size, at);
        if (fnmatch(one, name, 0) == 0)
            return true;
        at += size + (at[size] == ',');
    }
    return false;
}

static void list_cells(void)
{
    for (unsigned i = 0; i < cell_count(); i++) {
        const struct cell cell = cell_make(i);
        puts(cell.name);
    }
}

/* Returns -1 to go on, or an exit status. */
static int parse(struct arguments *arguments, int argc, char **argv)
{
    static const struct option options[] = {
        {"json", no_argument, NULL, 'j'},        {"all", no_argument, NULL, 'a'},
        {"cells", required_argument, NULL, 'c'}, {"frames", required_argument, NULL, 'f'},
        {"check", no_argument, NULL, 'k'},       {"list", no_argument, NULL, 'l'},
        {"help", no_argument, NULL, 'h'},        {NULL, 0, NULL, 0}};
    int id;
    *arguments = (struct arguments){.cells = default_cells, .frames = 0};
    while ((id = getopt_long(argc, argv, "h", options, NULL)) != -1) {
        switch (id) {
        case 'j':
            arguments->json = true;
            break;
        case 'a':
            arguments->cells = NULL;
            break;
        case 'c':
            arguments->cells = optarg;
            break;
        case 'f':
            arguments->frames = (unsigned)strtoul(optarg, NULL, 10);
            break;
        case 'k':
            arguments->check = true;
            break;
        case 'l':
            list_cells();
            return EX_OK;
        case 'h':
            fputs(help, stdout);
            return EX_OK;
        default:
            fputs(help, stderr);
            return EX_USAGE;
        }
    }
    if (arguments->frames == 0)
        arguments->frames = arguments->check ? 2000 : 3000;
    if (arguments->frames < 10 || optind < argc) {
        fputs(help, stderr);
        return EX_USAGE;
    }
    return -1;
}

/* Runs the cells that are wanted; returns how many, and in *failed how many could not be run or
 * miss what is promised. */
static unsigned run_cells(const struct arguments *arguments, const struct trial_size *size,
                          struct cell *cells, struct trial *trials, unsigned *failed)
{
    unsigned n = 0;
    for (unsigned i = 0; i < cell_count(); i++) {
        struct error error = {0};
        cells[n] = cell_make(i);
        if (!is_wanted(cells[n].name, arguments->cells))
            continue;
        if (trial_run(&trials[n], &cells[n], size, &error) < 0) {
            fprintf(stderr, "%s: %s\n", cells[n].name, error.text);
            ++*failed;
            continue;
        }
        if (!arguments->json)
            report_table_row(stdout, &cells[n], &trials[n]);
        fflush(stdout);
        if (arguments->check)
            *failed += !report_promises(stderr, &cells[n], &trials[n]);
        n++;
    }
    return n;
}

int main(int argc, char **argv)
{
    struct arguments arguments;
    const int status = parse(&arguments, argc, argv);
    if (status >= 0)
        return status;
    const unsigned few = arguments.frames / 20;
    const struct trial_size size = {.reference = 600,
                                    .null = arguments.frames,
                                    .thresholds = few,
                                    .lattices = arguments.check ? 0 : few,
                                    .classes = few,
                                    .peers = arguments.check ? 0 : few};
    struct cell *cells = calloc(cell_count(), sizeof *cells);
    struct trial *trials = calloc(cell_count(), sizeof *trials);
    struct speed speeds[SPEEDS] = {0};
    struct fractions fractions = {0};
    struct error error = {0};
    unsigned n = 0, failed = 0;
    if (cells && trials) {
        if (!arguments.json)
            report_table_head(stdout);
        n = run_cells(&arguments, &size, cells, trials, &failed);
    }
    if (!arguments.check && speed_measure(speeds, &error) < 0) {
        fprintf(stderr, "speed: %s\n", error.text);
        failed++;
    }
    if (!arguments.check &&
        fractions_measure(&fractions, arguments.frames / 5, FRACTION_SCANS, &error) < 0) {
        fprintf(stderr, "fractions: %s\n", error.text);
        failed++;
    }
    if (arguments.json)
        report_json(stdout, cells, trials, n, &size, speeds, &fractions);
    else if (!arguments.check) {
        report_speeds(stdout, speeds);
        fractions_report(stdout, &fractions);
    }
    free(cells);
    free(trials);
    return failed || n == 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
