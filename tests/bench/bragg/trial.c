#include "tests/bench/bragg/trial.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/cpu.h"
#include "processing/bragg/bragg_disk.h"
#include "processing/bragg/bragg_learner.h"
#include "tests/bench/bragg/power.h"

const double trial_contrasts[TRIAL_CONTRASTS] = {0.5, 1, 2, 4, 8, 16, 32};

#define REFERENCE_CONTRAST 4
#define REFINEMENTS 2
#define POWER 0.9
/* Least contrast of frames with classes, in that which should be found with POWER, but at least 1;
 * the largest is CLASS_RANGE times it. */
#define CLASS_CONTRAST_LOW 1.5
#define CLASS_RANGE 4
#define LIMIT_FRAMES 300 /* that give the correlation maximum its threshold */
#define PEER_ALPHA 0.01
#define RING 35.3

struct bench {
    const struct cell *cell;
    const struct trial_size *size;
    struct glass_pattern pattern;
    uint8_t bad[CELL_PIXELS];
    struct bragg_reference *reference;
    struct bragg_scratch *scratch;
    struct cell_frame frame;
    struct bragg_result result;
    double correlation_limit;
};

/* ---- the reference ---- */

static struct bragg_settings settings_for(const struct cell *cell)
{
    struct bragg_settings settings;
    bragg_settings_init(&settings);
    settings.centre_y = cell->optics.centre[0] + cell->centre_error[0];
    settings.centre_x = cell->optics.centre[1] + cell->centre_error[1];
    settings.inner = cell->annulus[0];
    settings.outer = cell->annulus[1];
    settings.disk_radius = cell->optics.disk_radius;
    settings.overdispersion = cell->sensor.charge_sharing ? 2 : 1;
    return settings; /* V stays to be measured */
}

static void draw(struct bench *bench, const struct cell_request *request)
{
    cell_draw(bench->cell, &bench->pattern, request, &bench->frame);
}

/* Frame `index` of those that the reference is learnt from. */
static void draw_reference_frame(struct bench *bench, uint64_t index)
{
    const struct cell *cell = bench->cell;
    struct random_stream stream = random_stream_make(cell->seed, 400, index);
    enum glass_class class = GLASS_NONE;
    if (random_unit(&stream) < cell->reference_fraction)
        class = cell->reference_class != GLASS_NONE
                    ? cell->reference_class
                    : 1 + (unsigned)(random_unit(&stream) * (GLASS_CLASSES - 1));
    draw(bench, &(struct cell_request){.set = SET_REFERENCE,
                                       .index = index,
                                       .count = bench->size->reference,
                                       .class = class,
                                       .contrast = REFERENCE_CONTRAST,
                                       .spread = CELL_SPREAD});
}

static struct bragg_frame image_of(const struct cell_frame *frame)
{
    return (struct bragg_frame){.image = frame->image, .pixel_size = sizeof frame->image[0]};
}

static int learn(struct bench *bench, struct error *error)
{
    const struct bragg_settings settings = settings_for(bench->cell);
    struct bragg_learner *learner;
    struct bragg_reference_values values;
    int result = bragg_learner_create(&learner, CELL_SIDE, CELL_SIDE, error);
    if (result)
        return result;
    for (unsigned i = 0; i < bench->size->reference; i++) {
        draw_reference_frame(bench, i);
        bragg_learner_add(learner, bench->frame.image, sizeof bench->frame.image[0]);
    }
    bragg_learner_values(learner, &settings, bench->bad, &values);
    result = bragg_reference_create(&bench->reference, &values, error);
    bragg_learner_destroy(learner);
    return result;
}

static int refine(struct bench *bench, struct error *error)
{
    struct bragg_refinement *refinement;
    struct bragg_reference_values values;
    struct bragg_reference *refined;
    int result = bragg_refinement_create(&refinement, bench->reference, cpu_isa_best(), error);
    if (result)
        return result;
    for (unsigned i = 0; i < bench->size->reference; i++) {
        draw_reference_frame(bench, i);
        const struct bragg_frame image = image_of(&bench->frame);
        bragg_refinement_add(refinement, &image, NULL);
    }
    result = bragg_refinement_values(refinement, &values, error);
    if (!result)
        result = bragg_reference_create(&refined, &values, error);
    bragg_refinement_destroy(refinement);
    if (result)
        return result;
    bragg_reference_unref(bench->reference);
    bench->reference = refined;
    return 0;
}

static void finish(struct bench *bench)
{
    bragg_scratch_destroy(bench->scratch);
    bragg_reference_unref(bench->reference);
    glass_pattern_finish(&bench->pattern);
}

static int prepare(struct bench *bench, struct error *error)
{
    const struct cell *cell = bench->cell;
    int result =
        glass_pattern_init(&bench->pattern, CELL_SIDE, cell->seed, &cell->optics, &cell->sensor);
    if (result)
        return error_set(error, result, "no memory for patterns");
    cell_bad_pixels(cell, &bench->pattern, bench->bad);
    result = learn(bench, error);
    for (unsigned pass = 0; !result && pass < REFINEMENTS; pass++)
        result = refine(bench, error);
    if (!result)
        result = bragg_scratch_create(&bench->scratch, bench->reference, cpu_isa_best(), error);
    if (result)
        finish(bench);
    return result;
}

/* ---- what there should be found ---- */

/* Where a disk on the ring would lie: at no whole pixel. */
static const double tried[2] = {RING * 0.6, RING * 0.8};

/* Sum of value(dy, dx) over the window of the matched disk that is nearest to tried[]. */
static double over_window(const struct cell *cell, double (*value)(const void *, int, int),
                          const void *of)
{
    const double reach = cell->optics.disk_radius + BRAGG_DISK_MARGIN;
    const int y = (int)lrint(tried[0]), x = (int)lrint(tried[1]);
    double sum = 0;
    for (int dy = (int)-reach; dy <= reach; dy++)
        for (int dx = (int)-reach; dx <= reach; dx++)
            if (dy * dy + dx * dx <= reach * reach)
                sum += value(of, y + dy, x + dx);
    return sum;
}

static double halo_at(const void *of, int y, int x)
{
    return glass_pattern_halo(of, 0, y, x);
}

/* V of the window: of its pixels with the halo's counts as weights. */
static double window_speckle(const struct cell *cell)
{
    const double reach = cell->optics.disk_radius + BRAGG_DISK_MARGIN;
    const int y0 = (int)lrint(tried[0]), x0 = (int)lrint(tried[1]), n = (int)reach;
    double sum = 0, weight = 0;
    for (int i = 0; i < (2 * n + 1) * (2 * n + 1); i++) {
        const int y = i / (2 * n + 1) - n, x = i % (2 * n + 1) - n;
        if (y * y + x * x > reach * reach)
            continue;
        const double halo = halo_at(&cell->optics, y0 + y, x0 + x);
        weight += halo;
        for (int dy = -n; dy <= n; dy++)
            for (int dx = -n; dx <= n; dx++)
                if (dy * dy + dx * dx <= reach * reach)
                    sum +=
                        halo * halo_at(&cell->optics, y0 + dy, x0 + dx) *
                        bragg_speckle_correlation(cell->optics.disk_radius, hypot(dy - y, dx - x));
    }
    return cell->speckle * sum / (weight * weight);
}

/*
 * Part of the ring that a disk covers. What its background is, the rest of the ring must tell,
 * whose own chance comes in: the variance is 1 / (1 - share) times that of a background that is
 * known.
 */
static double ring_share(const struct cell *cell)
{
    return asin(fmin(1, cell->optics.disk_radius / RING)) / M_PI;
}

static double count_at(const void *of, int y, int x)
{
    const uint32_t *counts = of;
    return counts[(CELL_SIDE / 2 + y) * CELL_SIDE + CELL_SIDE / 2 + x];
}

/* The part of a disk's counts that the window catches: some spill over its edge. */
static double part_caught(struct bench *bench)
{
    const struct cell *cell = bench->cell;
    const struct glass_position position = {
        .intensity = 1,
        .reflections = 1,
        .reflection = {{.g = {tried[0], tried[1]}, .contrast = 1e5 / cell->optics.counts}}};
    uint32_t *counts = bench->frame.counts, disk_counts;
    memset(counts, 0, sizeof bench->frame.counts);
    glass_pattern_draw_reflections(&bench->pattern, &position, 0, counts, &disk_counts);
    return over_window(cell, count_at, counts) / disk_counts;
}

static void find_power(struct trial *trial, struct bench *bench)
{
    const struct cell *cell = bench->cell;
    const struct bragg_reference_values *values = bragg_reference_values(bench->reference);
    struct bragg_reference_report report;
    bragg_reference_report(bench->reference, &report);
    const double area = M_PI * pow(cell->optics.disk_radius, 2);
    const double along = (RING - cell->annulus[0]) / (cell->annulus[1] - cell->annulus[0]);
    trial->positions = report.n_positions[BRAGG_MATCHED];
    trial->v_disk[1] = bragg_profile_at(values->speckle[BRAGG_MATCHED], along);
    trial->v_disk[0] = window_speckle(cell);
    const struct power_question question = {.background = cell->optics.counts *
                                                          over_window(cell, halo_at, &cell->optics),
                                            .overdispersion = values->overdispersion,
                                            .speckle = trial->v_disk[0],
                                            .share = ring_share(cell),
                                            .alpha = values->settings.alpha,
                                            .positions = trial->positions};
    trial->contrast_90 =
        power_excess(&question, POWER) / (cell->optics.counts * area * part_caught(bench));
    trial->class_contrast[0] = fmax(1, CLASS_CONTRAST_LOW * trial->contrast_90);
    trial->class_contrast[1] = CLASS_RANGE * trial->class_contrast[0];
}

/* ---- frames ---- */

static void classify(struct bench *bench)
{
    const struct bragg_frame image = image_of(&bench->frame);
    bragg_classify(bench->scratch, &image, &bench->result);
}

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
        draw(bench,
             &(struct cell_request){.set = SET_THRESHOLDS, .index = i, .count = LIMIT_FRAMES});
        largest[i] = peer_correlation(bench->frame.counts, bench->cell->optics.disk_radius);
    }
    qsort(largest, LIMIT_FRAMES, sizeof *largest, compare);
    bench->correlation_limit = largest[(unsigned)(LIMIT_FRAMES * (1 - PEER_ALPHA))];
}

static void ask_peers(const struct bench *bench, struct rate *rates, size_t step)
{
    const uint32_t *counts = bench->frame.counts;
    for (enum peer peer = 0; peer < PEERS_WITH_THRESHOLD; peer++)
        add(&rates[peer * step], peer_finds(peer, counts));
    add(&rates[PEER_CORRELATION * step],
        peer_correlation(counts, bench->cell->optics.disk_radius) > bench->correlation_limit);
}

static void try_null(struct trial *trial, struct bench *bench)
{
    for (unsigned i = 0; i < bench->size->null; i++) {
        draw(bench,
             &(struct cell_request){.set = SET_NULL, .index = i, .count = bench->size->null});
        classify(bench);
        add(&trial->null[bench->frame.position.phase], bench->result.class != BRAGG_NONE);
        if (i < bench->size->peers)
            ask_peers(bench, trial->peer_null, 1);
    }
}

static struct rate try_lattices(struct bench *bench, double contrast)
{
    struct rate rate = {0};
    for (unsigned i = 0; i < bench->size->lattices; i++) {
        draw(bench, &(struct cell_request){.set = SET_LATTICES,
                                           .index = i,
                                           .count = bench->size->lattices,
                                           .class = GLASS_ON_AXIS,
                                           .contrast = contrast,
                                           .spread = CELL_SPREAD});
        classify(bench);
        add(&rate, bench->result.class == BRAGG_ON_AXIS);
    }
    return rate;
}

static struct rate try_contrast(struct bench *bench, double contrast, double spread,
                                struct rate *peers)
{
    struct rate rate = {0};
    for (unsigned i = 0; i < bench->size->thresholds; i++) {
        draw(bench, &(struct cell_request){.set = SET_THRESHOLDS,
                                           .index = i,
                                           .count = bench->size->thresholds,
                                           .class = GLASS_TWO_BEAM,
                                           .contrast = contrast,
                                           .spread = spread});
        classify(bench);
        add(&rate, bench->result.class != BRAGG_NONE && bench->result.class <= BRAGG_MULTIPLE);
        if (peers && i < bench->size->peers)
            ask_peers(bench, peers, TRIAL_CONTRASTS);
    }
    return rate;
}

/* ---- places ---- */

/* The nearest reflection that was found, at most a disk's radius or 2 pixels away; NULL: none. */
static const struct bragg_reflection *nearest(const struct bench *bench, double y, double x)
{
    double least = fmax(2, bench->cell->optics.disk_radius / 2);
    const struct bragg_reflection *found = NULL;
    for (uint32_t i = 0; i < bench->result.n_reflections; i++) {
        const struct bragg_reflection *reflection = &bench->result.reflections[i];
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
    const struct cell *cell = bench->cell;
    const struct glass_position *position = &bench->frame.position;
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
    const struct glass_position *position = &bench->frame.position;
    const double y = bench->cell->optics.centre[0] + position->shift[0] + reflection->g[0];
    const double x = bench->cell->optics.centre[1] + position->shift[1] + reflection->g[1];
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
    const struct glass_position *position = &bench->frame.position;
    const double reach = fmax(2, bench->cell->optics.disk_radius / 2);
    for (unsigned i = 0; i < position->reflections; i++) {
        const double *g = position->reflection[i].g;
        if (hypot(found->y - bench->cell->optics.centre[0] - position->shift[0] - g[0],
                  found->x - bench->cell->optics.centre[1] - position->shift[1] - g[1]) <= reach)
            return true;
    }
    return false;
}

static void score_places(struct trial *trial, const struct bench *bench)
{
    const struct glass_position *position = &bench->frame.position;
    for (unsigned i = 0; i < position->reflections; i++)
        score_place(trial, bench, &position->reflection[i]);
    for (uint32_t i = 0; i < bench->result.n_reflections; i++)
        add(&trial->precision, is_true(bench, &bench->result.reflections[i]));
}

static void try_class(struct trial *trial, struct bench *bench, enum glass_class class)
{
    const double *range = trial->class_contrast;
    for (unsigned i = 0; i < bench->size->classes; i++) {
        const double along = (i + 0.5) / bench->size->classes;
        const double contrast =
            class == GLASS_NONE ? 0 : range[0] * pow(range[1] / range[0], along);
        draw(bench, &(struct cell_request){.set = SET_CLASSES,
                                           .index = i,
                                           .count = bench->size->classes,
                                           .class = class,
                                           .contrast = contrast,
                                           .spread = CELL_SPREAD});
        classify(bench);
        if (bench->result.class < GLASS_CLASSES)
            trial->confusion[class][bench->result.class]++;
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
    bench->cell = cell;
    bench->size = size;
    *trial = (struct trial){0};
    const int result = prepare(bench, error);
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
        finish(bench);
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
