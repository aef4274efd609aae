#include "tests/bench/bragg/trial.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "processing/bragg/bragg_disk.h"
#include "processing/bragg/bragg_reference.h"
#include "tests/bench/bragg/disk_window.h"
#include "tests/bench/bragg/learnt.h"
#include "tests/bench/bragg/power.h"

const double trial_contrasts[TRIAL_CONTRASTS] = {0.5, 1, 2, 4, 8, 16, 32};

#define POWER 0.9
/* Least contrast of frames with classes, in that which should be found with POWER, but at least 1;
 * the largest is CLASS_RANGE times it. */
#define CLASS_CONTRAST_LOW 1.5
#define CLASS_RANGE 4
#define LIMIT_FRAMES 300 /* that give the correlation maximum its threshold */
#define PEER_ALPHA 0.01

struct bench {
    const struct trial_size *size;
    struct learnt learnt;
    double correlation_limit;
};

/* ---- what there should be found ---- */

static void find_power(struct trial *trial, struct bench *bench)
{
    const struct cell *cell = bench->learnt.cell;
    const struct bragg_reference_values *values = bragg_reference_values(bench->learnt.reference);
    struct bragg_reference_report report;
    bragg_reference_report(bench->learnt.reference, &report);
    const double area = M_PI * pow(cell->optics.disk_radius, 2);
    const double along =
        (DISK_WINDOW_RING - cell->annulus[0]) / (cell->annulus[1] - cell->annulus[0]);
    trial->positions = report.n_positions[BRAGG_MATCHED];
    trial->v_disk[1] = bragg_profile_at(values->speckle[BRAGG_MATCHED], along);
    trial->v_disk[0] = disk_window_speckle(cell);
    struct power_question question = {.background = disk_window_background(cell),
                                      .overdispersion = values->overdispersion,
                                      .speckle = trial->v_disk[0],
                                      .share = disk_window_share(cell),
                                      .alpha = values->settings.alpha,
                                      .positions = trial->positions};
    disk_window_parts(&bench->learnt, question.parts);
    trial->contrast_90 = power_counts(&question, POWER) / (cell->optics.counts * area);
    trial->class_contrast[0] = fmax(1, CLASS_CONTRAST_LOW * trial->contrast_90);
    trial->class_contrast[1] = CLASS_RANGE * trial->class_contrast[0];
}

/* ---- frames ---- */

static void add(struct rate *rate, bool found)
{
    rate->n++;
    rate->found += found;
}

static int compare(const void *a, const void *b)
{
    const double left = *(const double *)a, right = *(const double *)b;
    return (left > right) - (left < right);
}

/* The correlation maximum has no threshold of its own: it gets the one that lets PEER_ALPHA of
 * frames without reflections pass. */
static void find_correlation_limit(struct bench *bench)
{
    double largest[LIMIT_FRAMES];
    for (unsigned i = 0; i < LIMIT_FRAMES; i++) {
        learnt_draw(&bench->learnt, &(struct cell_request){
                                        .set = SET_THRESHOLDS, .index = i, .count = LIMIT_FRAMES});
        largest[i] =
            peer_correlation(bench->learnt.frame.counts, bench->learnt.cell->optics.disk_radius);
    }
    qsort(largest, LIMIT_FRAMES, sizeof *largest, compare);
    bench->correlation_limit = largest[(unsigned)(LIMIT_FRAMES * (1 - PEER_ALPHA))];
}

static void ask_peers(const struct bench *bench, struct rate *rates, size_t step)
{
    const uint32_t *counts = bench->learnt.frame.counts;
    for (enum peer peer = 0; peer < PEERS_WITH_THRESHOLD; peer++)
        add(&rates[peer * step], peer_finds(peer, counts));
    add(&rates[PEER_CORRELATION * step],
        peer_correlation(counts, bench->learnt.cell->optics.disk_radius) >
            bench->correlation_limit);
}

static void try_null(struct trial *trial, struct bench *bench)
{
    for (unsigned i = 0; i < bench->size->null; i++) {
        learnt_classify(
            &bench->learnt,
            &(struct cell_request){.set = SET_NULL, .index = i, .count = bench->size->null});
        add(&trial->null[bench->learnt.frame.position.phase],
            bench->learnt.result.class != BRAGG_NONE);
        if (i < bench->size->peers)
            ask_peers(bench, trial->peer_null, 1);
    }
}

static struct rate try_lattices(struct bench *bench, double contrast)
{
    struct rate rate = {0};
    for (unsigned i = 0; i < bench->size->lattices; i++) {
        learnt_classify(&bench->learnt, &(struct cell_request){.set = SET_LATTICES,
                                                               .index = i,
                                                               .count = bench->size->lattices,
                                                               .class = GLASS_ON_AXIS,
                                                               .contrast = contrast,
                                                               .spread = CELL_SPREAD});
        add(&rate, bench->learnt.result.class == BRAGG_ON_AXIS);
    }
    return rate;
}

static struct rate try_contrast(struct bench *bench, double contrast, double spread,
                                struct rate *peers)
{
    struct rate rate = {0};
    for (unsigned i = 0; i < bench->size->thresholds; i++) {
        learnt_classify(&bench->learnt, &(struct cell_request){.set = SET_THRESHOLDS,
                                                               .index = i,
                                                               .count = bench->size->thresholds,
                                                               .class = GLASS_TWO_BEAM,
                                                               .contrast = contrast,
                                                               .spread = spread});
        add(&rate, bench->learnt.result.class != BRAGG_NONE &&
                       bench->learnt.result.class <= BRAGG_MULTIPLE);
        if (peers && i < bench->size->peers)
            ask_peers(bench, peers, TRIAL_CONTRASTS);
    }
    return rate;
}

/* ---- places ---- */

/* The nearest reflection that was found, at most a disk's radius or 2 pixels away; NULL: none. */
static const struct bragg_reflection *nearest(const struct bench *bench, double y, double x)
{
    double least = fmax(2, bench->learnt.cell->optics.disk_radius / 2);
    const struct bragg_reflection *found = NULL;
    for (uint32_t i = 0; i < bench->learnt.result.n_reflections; i++) {
        const struct bragg_reflection *reflection = &bench->learnt.result.reflections[i];
        const double distance = hypot(reflection->y - y, reflection->x - x);
        if (distance <= least) {
            least = distance;
            found = reflection;
        }
    }
    return found;
}

/* Where a disk's counts lie about its middle, variance along each axis: those of a uniform disk, of
 * a pixel, of the cluster of an electron, and of a small cluster of atoms. */
#define CLUSTER_SPREAD 0.22
#define FWHM_OF_SIGMA 2.3548

static double disk_spread(const struct cell *cell)
{
    const double radius = cell->optics.disk_radius;
    const double blur = cell->optics.disk_blur / FWHM_OF_SIGMA;
    return radius * radius / 4 + 1. / 12 + (cell->sensor.charge_sharing ? CLUSTER_SPREAD : 0) +
           blur * blur;
}

/*
 * Variance of a coordinate: spread / S (F + (F + V B) B / S) for S counts on a background of B over
 * a disk of that spread. Section 2.2 of the design has it as R_d^2 / 4 / S (1 + B / S): for F = 1,
 * no speckle, a uniform disk and small pixels. F is that of whole clusters.
 */
static double expected_variance(const struct bench *bench,
                                const struct glass_reflection *reflection)
{
    const struct cell *cell = bench->learnt.cell;
    const struct glass_position *position = &bench->learnt.frame.position;
    const double radius = cell->optics.disk_radius, spread = disk_spread(cell);
    const double f = cell->sensor.charge_sharing ? GLASS_CLUSTER_OVERDISPERSION : 1;
    const double v = bragg_speckle_in_disk(cell->speckle, radius, radius);
    const double halo =
        cell->optics.counts * position->intensity *
        glass_pattern_halo(&cell->optics, position->phase, reflection->g[0], reflection->g[1]);
    const double s = reflection->contrast * halo * M_PI * radius * radius;
    const double b = halo * M_PI * 4 * spread;
    return spread / s * (f + (f + v * b) * b / s);
}

static void score_place(struct trial *trial, const struct bench *bench,
                        const struct glass_reflection *reflection)
{
    const struct glass_position *position = &bench->learnt.frame.position;
    const double y = bench->learnt.cell->optics.centre[0] + position->shift[0] + reflection->g[0];
    const double x = bench->learnt.cell->optics.centre[1] + position->shift[1] + reflection->g[1];
    const struct bragg_reflection *found = nearest(bench, y, x);
    add(&trial->recall, found);
    if (!found)
        return;
    const double dy = found->y - y, dx = found->x - x;
    trial->matched++;
    trial->squares += dy * dy + dx * dx;
    trial->expected_squares += 2 * expected_variance(bench, reflection);
    add(&trial->within, fabs(dy) <= 1.96 * found->sigma);
    add(&trial->within, fabs(dx) <= 1.96 * found->sigma);
}

static bool is_true(const struct bench *bench, const struct bragg_reflection *found)
{
    const struct glass_position *position = &bench->learnt.frame.position;
    const double reach = fmax(2, bench->learnt.cell->optics.disk_radius / 2);
    for (unsigned i = 0; i < position->reflections; i++) {
        const double *g = position->reflection[i].g;
        if (hypot(found->y - bench->learnt.cell->optics.centre[0] - position->shift[0] - g[0],
                  found->x - bench->learnt.cell->optics.centre[1] - position->shift[1] - g[1]) <=
            reach)
            return true;
    }
    return false;
}

static void score_places(struct trial *trial, const struct bench *bench)
{
    const struct glass_position *position = &bench->learnt.frame.position;
    for (unsigned i = 0; i < position->reflections; i++)
        score_place(trial, bench, &position->reflection[i]);
    for (uint32_t i = 0; i < bench->learnt.result.n_reflections; i++)
        add(&trial->precision, is_true(bench, &bench->learnt.result.reflections[i]));
}

/* Disks of which less than this can be seen are not looked for (design, 2.2). */
#define SEEN 0.6

/* Of the window of a disk, the part that is not known to be bad. */
static double part_seen(const struct bench *bench, const struct glass_reflection *reflection)
{
    const struct cell *cell = bench->learnt.cell;
    const double *shift = bench->learnt.frame.position.shift;
    const int y = (int)lrint(cell->optics.centre[0] + shift[0] + reflection->g[0]);
    const int x = (int)lrint(cell->optics.centre[1] + shift[1] + reflection->g[1]);
    struct bragg_disk disk;
    unsigned seen = 0;
    bragg_disk_init(&disk, cell->optics.disk_radius);
    for (int dy = -disk.reach; dy <= disk.reach; dy++) {
        const int half = disk.half_width[abs(dy)];
        for (int dx = -half; dx <= half; dx++)
            seen += !bench->learnt.bad[(y + dy) * CELL_SIDE + x + dx];
    }
    return (double)seen / disk.area;
}

/* Whether no disk hides behind the beam stop or between the chips: what a pattern would be with it
 * nobody can tell. */
static bool can_be_seen(const struct bench *bench)
{
    const struct glass_position *position = &bench->learnt.frame.position;
    for (unsigned i = 0; i < position->reflections; i++)
        if (part_seen(bench, &position->reflection[i]) < SEEN)
            return false;
    return true;
}

static void try_class(struct trial *trial, struct bench *bench, enum glass_class class)
{
    const double *range = trial->class_contrast;
    for (unsigned i = 0; i < bench->size->classes; i++) {
        const double along = (i + 0.5) / bench->size->classes;
        const double contrast =
            class == GLASS_NONE ? 0 : range[0] * pow(range[1] / range[0], along);
        learnt_classify(&bench->learnt, &(struct cell_request){.set = SET_CLASSES,
                                                               .index = i,
                                                               .count = bench->size->classes,
                                                               .class = class,
                                                               .contrast = contrast,
                                                               .spread = CELL_SPREAD});
        if (bench->learnt.result.class < GLASS_CLASSES && can_be_seen(bench))
            trial->confusion[class][bench->learnt.result.class]++;
        score_places(trial, bench);
    }
}

/* ---- */

int trial_run(struct trial *trial, const struct cell *cell, const struct trial_size *size,
              struct error *error)
{
    struct bench *bench = calloc(1, sizeof *bench);
    if (!bench)
        return error_set(error, -ENOMEM, "no memory");
    bench->size = size;
    *trial = (struct trial){0};
    const int result = learnt_init(&bench->learnt, cell, size->reference, error);
    if (!result) {
        find_power(trial, bench);
        if (size->peers)
            find_correlation_limit(bench);
        try_null(trial, bench);
        for (unsigned i = 0; i < TRIAL_CONTRASTS; i++)
            trial->on_axis[i] = try_lattices(bench, trial_contrasts[i]);
        for (unsigned i = 0; i < TRIAL_CONTRASTS; i++)
            trial->found[i] =
                try_contrast(bench, trial_contrasts[i], CELL_SPREAD, &trial->peer_found[0][i]);
        trial->found_90 = try_contrast(bench, trial->contrast_90, 0, NULL);
        for (enum glass_class class = 0; class < GLASS_CLASSES; class ++)
            try_class(trial, bench, class);
        learnt_finish(&bench->learnt);
    }
    free(bench);
    return result;
}

struct rate trial_null(const struct trial *trial)
{
    return (struct rate){trial->null[0].found + trial->null[1].found,
                         trial->null[0].n + trial->null[1].n};
}

struct interval rate_interval(struct rate rate)
{
    return clopper_pearson_interval(rate.found, rate.n, 0.95);
}

double rate_value(struct rate rate)
{
    return rate.n ? (double)rate.found / rate.n : NAN;
}

struct rate trial_diagonal(const struct trial *trial)
{
    struct rate worst = {1, 1};
    for (unsigned class = 0; class < GLASS_CLASSES; class ++) {
        struct rate right = {trial->confusion[class][class], 0};
        for (unsigned found = 0; found < GLASS_CLASSES; found++)
            right.n += trial->confusion[class][found];
        if (right.n && rate_value(right) <= rate_value(worst))
            worst = right;
    }
    return worst;
}
