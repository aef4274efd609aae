#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include "processing/bragg/bragg_learner.h"
#include "processing/bragg/bragg_noise.h"

#define FIXED_POINT 0x1p20

struct bragg_refinement {
    const struct bragg_reference *reference;
    struct bragg_scratch *scratch;
    float *residual;
    uint64_t n_frames;
    uint64_t *counts;                   /* [buffer] of quiet sectors */
    uint64_t exposure[BRAGG_PARTS_MAX]; /* sum of the ratios they had, fixed point */
    uint64_t quiet_frames[BRAGG_SECTORS_MAX];
    struct bragg_noise noise;
    struct bragg_result result;
    uint64_t *template_sums; /* [height][width] */
};

int bragg_refinement_create(struct bragg_refinement **refinement,
                            const struct bragg_reference *reference, enum cpu_isa isa,
                            struct error *error)
{
    const struct bragg_reference_values *const v = &reference->values;
    struct bragg_refinement *const r = calloc(1, sizeof(*r));
    int rc = -ENOMEM;
    *refinement = NULL;
    if (r) {
        r->reference = reference;
        r->residual = calloc(reference->grid.buffer_size, sizeof(*r->residual));
        r->counts = calloc(reference->grid.buffer_size, sizeof(*r->counts));
        r->template_sums = calloc((size_t)v->height * v->width, sizeof(*r->template_sums));
        if (r->residual && r->counts && r->template_sums)
            rc = bragg_scratch_create(&r->scratch, reference, isa, NULL);
    }
    if (rc < 0) {
        bragg_refinement_destroy(r);
        return error_set(error, rc, "not enough memory to measure a Bragg reference");
    }
    *refinement = r;
    return 0;
}

void bragg_refinement_destroy(struct bragg_refinement *refinement)
{
    if (!refinement)
        return;
    bragg_scratch_destroy(refinement->scratch);
    free(refinement->template_sums);
    free(refinement->counts);
    free(refinement->residual);
    free(refinement);
}

static void add_part(struct bragg_refinement *refinement, uint32_t part, double ratio)
{
    const struct bragg_background_plan *const plan = &refinement->reference->background;
    refinement->exposure[part] += (uint64_t)llround(ratio * FIXED_POINT);
    for (uint32_t i = 0; i < plan->part_n[part]; i++) {
        const uint32_t at = bragg_part_pixel(plan, part, i);
        refinement->counts[at] += refinement->scratch->pixels[at];
    }
}

static void add_quiet_sectors(struct bragg_refinement *refinement)
{
    const struct bragg_background_plan *const plan = &refinement->reference->background;
    const struct bragg_background *const background = &refinement->scratch->background;
    const uint64_t busy = bragg_busy_sectors(refinement->scratch);
    for (uint64_t left = background->quiet & ~busy; left; left &= left - 1) {
        const uint32_t sector = (uint32_t)__builtin_ctzll(left);
        refinement->quiet_frames[sector]++;
        for (uint32_t b = 0; b < plan->n_bands; b++)
            add_part(refinement, b * plan->n_sectors + sector, background->ratio[b]);
    }
}

/* Where more sectors than this part are loud there may be disks that are too weak to be told. */
#define LOUD_PART 4

static bool is_even(const struct bragg_result *found)
{
    return (found->n_sectors - found->n_quiet_sectors) * LOUD_PART <= found->n_sectors;
}

void bragg_refinement_add(struct bragg_refinement *refinement, const struct bragg_frame *frame,
                          struct bragg_result *result)
{
    struct bragg_result *const found = &refinement->result;
    bragg_classify(refinement->scratch, frame, found);
    bragg_widen_pixels(refinement->scratch);
    refinement->n_frames++;
    if (found->class != BRAGG_NOT_ANALYSED && !(found->flags & BRAGG_NO_COUNTS))
        add_quiet_sectors(refinement);
    if (found->class == BRAGG_NONE && !(found->flags & BRAGG_NO_COUNTS) && is_even(found))
        bragg_noise_add(&refinement->noise, refinement->scratch, refinement->residual);
    if (result)
        *result = *found;
}

void bragg_refinement_merge(struct bragg_refinement *into, const struct bragg_refinement *from)
{
    into->n_frames += from->n_frames;
    for (size_t i = 0; i < into->reference->grid.buffer_size; i++)
        into->counts[i] += from->counts[i];
    for (uint32_t i = 0; i < BRAGG_PARTS_MAX; i++)
        into->exposure[i] += from->exposure[i];
    for (uint32_t i = 0; i < BRAGG_SECTORS_MAX; i++)
        into->quiet_frames[i] += from->quiet_frames[i];
    bragg_noise_merge(&into->noise, &from->noise);
}

uint64_t bragg_refinement_frames(const struct bragg_refinement *refinement)
{
    return refinement->n_frames;
}

/* Least and mean number of frames in which the usable sectors were quiet. */
static void summarise_quiet(const struct bragg_refinement *r, double *least, double *mean)
{
    uint32_t n = 0;
    *least = HUGE_VAL;
    *mean = 0;
    for (uint64_t left = r->reference->background.usable; left; left &= left - 1, n++) {
        const double frames = (double)r->quiet_frames[__builtin_ctzll(left)];
        *least = fmin(*least, frames);
        *mean += frames;
    }
    *mean /= n > 0 ? n : 1;
}

/* Mean ratio of each band over frames and sectors: what the template of the pass before had too
 * much of at that radius. */
static void mean_ratios(const struct bragg_refinement *r, double *ratio)
{
    const struct bragg_background_plan *const plan = &r->reference->background;
    for (uint32_t b = 0; b < plan->n_bands; b++) {
        double exposure = 0, frames = 0;
        for (uint32_t s = 0; s < plan->n_sectors; s++) {
            exposure += (double)r->exposure[b * plan->n_sectors + s] / FIXED_POINT;
            frames += (double)r->quiet_frames[s];
        }
        ratio[b] = exposure / frames;
    }
}

/* The mean of a pixel in quiet sectors of mean ratio. A sector is quiet in other frames than the
 * next, so that its counts are first divided by the ratios that it had; between the bands on
 * straight lines. Pixels that were never exposed keep the template of the pass before. */
static double pixel_mean(const struct bragg_refinement *r, const double *ratio, uint32_t sector,
                         size_t at)
{
    const struct bragg_background_plan *const plan = &r->reference->background;
    const double band = r->reference->band_at[at];
    const uint32_t lower = (uint32_t)band, upper = lower + 1 < plan->n_bands ? lower + 1 : lower;
    const double share = band - lower;
    const double low = (double)r->exposure[lower * plan->n_sectors + sector];
    const double high = (double)r->exposure[upper * plan->n_sectors + sector];
    const double exposure = (low + share * (high - low)) / FIXED_POINT;
    const double before =
        exposure > 0 ? (double)r->counts[at] / exposure : r->reference->template[at];
    return before * (ratio[lower] + share * (ratio[upper] - ratio[lower]));
}

static void fill_part(struct bragg_refinement *r, const double *ratio, uint32_t part,
                      double n_frames)
{
    const struct bragg_background_plan *const plan = &r->reference->background;
    const struct bragg_grid *const grid = &r->reference->grid;
    for (uint32_t i = 0; i < plan->part_n[part]; i++) {
        const size_t at = bragg_part_pixel(plan, part, i);
        const double mean = pixel_mean(r, ratio, part % plan->n_sectors, at);
        const uint32_t row = (uint32_t)(at / grid->buffer_stride) - grid->border;
        const uint32_t column = (uint32_t)(at % grid->buffer_stride) - BRAGG_BORDER;
        r->template_sums[bragg_frame_at(grid, row, column)] = (uint64_t)llround(mean * n_frames);
    }
}

static void measure_noise(const struct bragg_refinement *r, struct bragg_reference_values *values)
{
    const struct bragg_settings *const s = &values->settings;
    if (r->noise.n_frames == 0)
        return;
    if (isnan(s->overdispersion)) {
        values->overdispersion =
            fmax(1, fmin(100, bragg_noise_overdispersion(&r->noise, r->reference)));
        values->overdispersion_measured = true;
    }
    if (isnan(s->speckle)) {
        bragg_noise_speckle(&r->noise, r->reference, values->overdispersion, values->speckle);
        values->speckle_measured = true;
    }
}

/* A sector must have been quiet in this share of the mean sector's frames. */
#define QUIET_SHARE 0.05

int bragg_refinement_values(struct bragg_refinement *refinement,
                            struct bragg_reference_values *values, struct error *error)
{
    double least, mean, ratio[BRAGG_BANDS_MAX] = {0};
    summarise_quiet(refinement, &least, &mean);
    if (!(mean >= 1) || least < QUIET_SHARE * mean)
        return error_set(error, -ENODATA,
                         "the background of the Bragg reference is not known all round: of %llu "
                         "frames the sectors of the annulus were quiet in %.1f on average and in "
                         "%.1f at least",
                         (unsigned long long)refinement->n_frames, mean, least);
    mean_ratios(refinement, ratio);
    *values = refinement->reference->values;
    values->n_frames = (uint64_t)llround(mean);
    values->template_sums = refinement->template_sums;
    const struct bragg_background_plan *const plan = &refinement->reference->background;
    for (uint32_t part = 0; part < plan->n_sectors * plan->n_bands; part++)
        fill_part(refinement, ratio, part, (double)values->n_frames);
    measure_noise(refinement, values);
    return 0;
}
