#include "tests/bench/bragg/fractions.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "tests/bench/bragg/fractions_cover.h"
#include "tests/bench/bragg/learnt.h"

#define CELL "mu5_r3.4_v0.0333_f2"
#define REFERENCE_FRAMES 600
static const double doses[] = {0.5, 1, 1.5}, thicknesses[] = {1, 2};
static const double truths[FRACTIONS_TRUTHS] = {0, 0.1, 0.4, 0.9, 1};

static int find_cell(struct cell *cell)
{
    for (unsigned i = 0; i < cell_count(); i++) {
        *cell = cell_make(i);
        if (strcmp(cell->name, CELL) == 0)
            return 0;
    }
    return -ENOENT;
}

static bool has_reflection(struct learnt *learnt, const struct fractions *fractions,
                           const struct cell_request *request)
{
    learnt_classify(learnt, request);
    return learnt->result.class != BRAGG_NONE && learnt->result.class <= BRAGG_MULTIPLE &&
           learnt->result.contrast >= fractions->least_contrast;
}

/* Frame `index` of a scan; every 1 / truth-th has reflections, of all classes in turn. */
static struct cell_request request_of(const struct fractions *fractions,
                                      const struct fraction *fraction, unsigned scan,
                                      unsigned index)
{
    const unsigned before = (unsigned)floor(index * fraction->truth + 0.5);
    const unsigned after = (unsigned)floor((index + 1) * fraction->truth + 0.5);
    const double along = fmod(index * 0.6180339887, 1),
                 range = log(fractions->contrast[1] / fractions->contrast[0]);
    return (struct cell_request){
        .set = SET_SERIES,
        .index = scan * fractions->n_frames + index,
        .count = fractions->n_frames,
        .class = after > before ? 1 + before % (GLASS_CLASSES - 1) : GLASS_NONE,
        .contrast = after > before ? fractions->contrast[0] * exp(along * range) : 0,
        .spread = CELL_SPREAD,
        .intensity =
            fraction->dose * (1 + (fraction->thickness - 1) * (index + 0.5) / fractions->n_frames),
    };
}

static void measure_scan(struct fractions *fractions, unsigned scan, struct learnt *learnt)
{
    struct fraction *const fraction = &fractions->fraction[scan];
    const unsigned condition = scan / FRACTIONS_TRUTHS;
    fraction->dose = doses[condition % 3];
    fraction->thickness = thicknesses[condition / 3];
    fraction->truth = truths[scan % FRACTIONS_TRUTHS];
    for (unsigned i = 0; i < fractions->n_frames; i++) {
        const struct cell_request request = request_of(fractions, fraction, scan, i);
        fraction->found +=
            has_reflection(learnt, fractions, &request) / (double)fractions->n_frames;
    }
}

static int measure_series(struct fractions *fractions, struct error *error)
{
    struct cell cell;
    struct learnt *const learnt = malloc(sizeof *learnt);
    if (!learnt || find_cell(&cell) < 0) {
        free(learnt);
        return error_set(error, -ENOMEM, "no memory, or no cell " CELL);
    }
    fractions->counts = cell.optics.counts;
    const int result = learnt_init(learnt, &cell, REFERENCE_FRAMES, error);
    if (!result) {
        for (unsigned scan = 0; scan < FRACTIONS_CONDITIONS * FRACTIONS_TRUTHS; scan++)
            measure_scan(fractions, scan, learnt);
        learnt_finish(learnt);
    }
    free(learnt);
    return result;
}

/* Mean of what was found in scans of this truth. */
static double found_of(const struct fractions *fractions, unsigned truth)
{
    double sum = 0;
    for (unsigned i = 0; i < FRACTIONS_CONDITIONS; i++)
        sum += fractions->fraction[i * FRACTIONS_TRUTHS + truth].found / FRACTIONS_CONDITIONS;
    return sum;
}

double fractions_bias(const struct fractions *fractions)
{
    double largest = 0;
    for (unsigned i = 0; i < FRACTIONS_CONDITIONS * FRACTIONS_TRUTHS; i++)
        largest = fmax(largest, fabs(fractions->fraction[i].found - fractions->fraction[i].truth));
    return largest;
}

int fractions_measure(struct fractions *fractions, unsigned n_frames, unsigned n_scans,
                      struct error *error)
{
    *fractions =
        (struct fractions){.contrast = {3, 12}, .least_contrast = 1.5, .n_frames = n_frames};
    const int result = measure_series(fractions, error);
    if (result)
        return result;
    fractions->false_rate = found_of(fractions, 0);
    fractions->true_rate = found_of(fractions, FRACTIONS_TRUTHS - 1);
    return fractions_cover(fractions, n_scans, error);
}
