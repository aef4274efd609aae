/*
 * What is left of the variance of a scan that has nothing but counting noise, for every dose and
 * length of the table in docs/variance.md: mean over many scans, and how often the 95 % interval
 * covers zero. By hand; takes minutes. As arguments: runs of each cell (200), seed (1).
 */
#include <stdio.h>

#include "tests/unit/processing/ring_scan.h"

static const double means[] = {0.02, 0.05, 0.3, 1, 5, 27};
static const uint32_t lengths[] = {100, 10000};
static const char *const names[N_RING_VALUES] = {"v_image", "v_r", "v_re", "omega"};

/* As many pixels as make the mean over 200 runs sure to 0.003: pairs of counts in one pixel are
 * what V is made of, and there are n_pixels n_frames mean^2 of them. */
static uint32_t pixels_for(double mean, uint32_t n_frames)
{
    const double pairs = 1200, n_pixels = pairs / (mean * mean) / n_frames;
    return n_pixels < 64 ? 64 : (uint32_t)n_pixels;
}

struct tally {
    double sum, sum_of_squares;
    unsigned covered;
};

static void run_cell(struct ring_scan *scan, unsigned runs)
{
    struct tally tallies[N_RING_VALUES] = {0};
    const double reach = jackknife_interval(scan->n_blocks);
    ring_scan_create(scan);
    for (unsigned run = 0; run < runs; run++) {
        double values[N_RING_VALUES], errors[N_RING_VALUES];
        ring_scan_run(scan);
        ring_scan_look(scan, values, errors);
        for (unsigned which = 0; which < N_RING_VALUES; which++) {
            tallies[which].sum += values[which];
            tallies[which].sum_of_squares += values[which] * values[which];
            tallies[which].covered += fabs(values[which]) <= reach * errors[which];
        }
    }
    ring_scan_destroy(scan);
    for (unsigned which = 0; which < N_RING_VALUES; which++) {
        const double mean = tallies[which].sum / runs;
        const double sd = sqrt(tallies[which].sum_of_squares / runs - mean * mean);
        printf("%-8s F=%d  %5g counts/px  %5u frames  %5u px: mean %+.4f +- %.4f, sd %.4f, "
               "covers 0 in %.1f %%\n",
               names[which], scan->pairs ? 2 : 1, scan->mean, scan->n_frames, scan->n_pixels, mean,
               sd / sqrt(runs), sd, 100.0 * tallies[which].covered / runs);
    }
    fflush(stdout);
}

int main(int argc, char **argv)
{
    const unsigned runs = argc > 1 ? (unsigned)strtoul(argv[1], NULL, 10) : 200;
    uint64_t seed = argc > 2 ? strtoull(argv[2], NULL, 10) : 1;
    for (size_t length = 0; length < sizeof lengths / sizeof lengths[0]; length++) {
        for (size_t dose = 0; dose < sizeof means / sizeof means[0]; dose++) {
            for (int pairs = 0; pairs < 2; pairs++) {
                struct ring_scan scan = {
                    .n_pixels = pixels_for(means[dose], lengths[length]),
                    .n_frames = lengths[length],
                    .n_blocks = 16,
                    .mean = means[dose],
                    .pairs = pairs,
                    .seed = seed++ * UINT64_C(0x9e3779b97f4a7c15),
                };
                run_cell(&scan, runs);
            }
        }
    }
    return EXIT_SUCCESS;
}
