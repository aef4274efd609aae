#include "processing/bragg/bragg_reference.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "processing/bragg/bragg_reference_parts.h"

double bragg_profile_at(const double profile[BRAGG_SPECKLE_POINTS], double along)
{
    const double at = fmax(0, fmin(1, along)) * (BRAGG_SPECKLE_POINTS - 1);
    const uint32_t i = at < BRAGG_SPECKLE_POINTS - 2 ? (uint32_t)at : BRAGG_SPECKLE_POINTS - 2;
    return profile[i] + (profile[i + 1] - profile[i]) * (at - i);
}

void bragg_speckle_fill(struct bragg_reference_values *values, double speckle)
{
    const double radius = values->settings.disk_radius;
    const double wide = bragg_wide_radius(&values->settings);
    const double to_wide =
        wide > 0 ? bragg_speckle_in_disk(1, radius, wide) / bragg_speckle_in_disk(1, radius, radius)
                 : 1;
    for (uint32_t i = 0; i < BRAGG_SPECKLE_POINTS; i++) {
        values->speckle[BRAGG_MATCHED][i] = speckle;
        values->speckle[BRAGG_WIDE][i] = speckle * to_wide;
    }
}

static int check_values(const struct bragg_reference_values *v, struct error *error)
{
    const int rc = bragg_settings_check(&v->settings, v->height, v->width, v->bad, error);
    if (rc < 0)
        return rc;
    if (!v->template_sums || v->n_frames == 0)
        return error_set(error, -EINVAL, "the Bragg reference has no template");
    if (!(v->overdispersion >= 1 && v->overdispersion <= 100))
        return error_set(error, -EINVAL, "bragg.overdispersion: %g must be from 1 to 100",
                         v->overdispersion);
    for (uint32_t i = 0; i < BRAGG_WIDTHS * BRAGG_SPECKLE_POINTS; i++) {
        const double speckle = v->speckle[i / BRAGG_SPECKLE_POINTS][i % BRAGG_SPECKLE_POINTS];
        if (!(speckle >= 0 && speckle <= 2))
            return error_set(error, -EINVAL, "bragg.speckle: %g must be from 0 to 1", speckle);
    }
    return 0;
}

static void *copy_of(const void *from, size_t size)
{
    void *const copy = malloc(size);
    if (copy)
        memcpy(copy, from, size);
    return copy;
}

static int copy_values(struct bragg_reference *r, const struct bragg_reference_values *values)
{
    const size_t n = (size_t)values->height * values->width;
    r->values = *values;
    r->values.template_sums = r->template_sums =
        copy_of(values->template_sums, n * sizeof(uint64_t));
    r->values.bad = r->bad = values->bad ? copy_of(values->bad, n) : NULL;
    return r->template_sums && (r->bad || !values->bad) ? 0 : -ENOMEM;
}

static uint32_t longest_reach(const double radius[BRAGG_WIDTHS])
{
    uint32_t reach = 0;
    for (uint32_t w = 0; w < BRAGG_WIDTHS; w++) {
        struct bragg_disk disk;
        bragg_disk_init(&disk, radius[w]);
        reach = (uint32_t)disk.reach > reach ? (uint32_t)disk.reach : reach;
    }
    return reach;
}

static int make_template(struct bragg_reference *r, struct error *error)
{
    r->mask = calloc(r->grid.map_size, sizeof(*r->mask));
    r->template = calloc(r->grid.buffer_size, sizeof(*r->template));
    r->is_static = calloc((size_t)r->values.height * r->values.width, 1);
    if (!r->mask || !r->template || !r->is_static)
        return error_set(error, -ENOMEM, "not enough memory for the Bragg template");
    const int rc = bragg_template_prepare(&r->pixels, &r->values, &r->grid, r->mask, r->template,
                                          r->is_static, error);
    for (size_t i = 0; rc == 0 && i < r->grid.buffer_size; i++)
        r->counts_per_pixel += r->template[i] / r->pixels.n_used;
    return rc;
}

static int locate_pixels(struct bragg_reference *r, struct error *error)
{
    r->band_at = calloc(r->grid.buffer_size, sizeof(*r->band_at));
    if (!r->band_at)
        return error_set(error, -ENOMEM, "not enough memory for the Bragg template");
    for (uint32_t row = 0; row < r->grid.rows; row++) {
        for (uint32_t column = 0; column < r->grid.columns; column++) {
            const double radius =
                bragg_radius_at(&r->values.settings, r->grid.top + row, r->grid.left + column);
            const struct bragg_between_bands at = bragg_between_bands(&r->background, radius);
            r->band_at[bragg_buffer_at(&r->grid, (int)row, (int)column)] =
                (float)(at.band + at.upper);
        }
    }
    return 0;
}

/* Frames this many times darker or brighter than the template are still classified. */
#define RATIO_RANGE 64.0
/* The least V that is told apart from 0, and what a ratio of few counts may add to it. */
#define SPECKLE_FLOOR 0x1p-20
#define SCALE_VARIANCE_MAX 1.0

static int make_thresholds(struct bragg_reference *r, struct error *error)
{
    double background[2] = {HUGE_VAL, 0}, speckle[2] = {HUGE_VAL, 0};
    uint32_t n = 0;
    for (uint32_t w = 0; w < r->n_widths; w++) {
        const struct bragg_positions *const p = &r->positions[w];
        n += p->n;
        for (size_t i = 0; i < r->grid.map_size; i++) {
            if (p->cell[i] == BRAGG_NO_PLACE)
                continue;
            background[0] = fmin(background[0], p->weight[i]);
            background[1] = fmax(background[1], p->weight[i]);
            speckle[0] = fmin(speckle[0], p->speckle[i]);
            speckle[1] = fmax(speckle[1], p->speckle[i]);
        }
    }
    background[0] /= RATIO_RANGE;
    background[1] *= RATIO_RANGE;
    speckle[0] = fmax(speckle[0], SPECKLE_FLOOR);
    speckle[1] = fmax(speckle[1], SPECKLE_FLOOR) + SCALE_VARIANCE_MAX;
    r->level = r->values.settings.alpha / n;
    return bragg_thresholds_init(&r->thresholds, log(r->level), r->values.overdispersion,
                                 background, speckle, error);
}

/* Disks that are fitted where their edges do not serve. Smaller ones have a fit of their own,
 * larger ones have edges enough. */
static bool is_fitted(const double radius[BRAGG_WIDTHS])
{
    return radius[BRAGG_MATCHED] >= BRAGG_FIT_RADIUS &&
           radius[BRAGG_WIDE] < BRAGG_PROFILE_REACH - BRAGG_FIT_MARGIN;
}

static int build(struct bragg_reference *r, struct error *error)
{
    const struct bragg_settings *const s = &r->values.settings;
    const double radius[BRAGG_WIDTHS] = {s->disk_radius, bragg_wide_radius(s)};
    bragg_disk_fit_init(&r->fit, s->disk_radius, r->values.overdispersion);
    bragg_grid_init(&r->grid, s, r->values.height, r->values.width, longest_reach(radius));
    int rc = make_template(r, error);
    if (rc == 0)
        rc = bragg_background_plan_init(&r->background, &r->values, &r->grid, r->mask, r->template,
                                        error);
    if (rc == 0)
        rc = locate_pixels(r, error);
    const uint32_t n_widths = radius[BRAGG_WIDE] > 0 ? 2 : 1;
    for (; rc == 0 && r->n_widths < n_widths; r->n_widths++)
        rc = bragg_positions_init(&r->positions[r->n_widths], &r->values,
                                  (enum bragg_width)r->n_widths, radius[r->n_widths], &r->grid,
                                  r->mask, r->template, &r->background, error);
    if (rc == 0 && n_widths > 1 && is_fitted(radius))
        bragg_profile_fit_init(&r->profile_fit, &r->positions[BRAGG_MATCHED].disk,
                               &r->positions[BRAGG_WIDE].disk, r->values.overdispersion);
    return rc == 0 ? make_thresholds(r, error) : rc;
}

int bragg_reference_create(struct bragg_reference **reference,
                           const struct bragg_reference_values *values, struct error *error)
{
    *reference = NULL;
    int rc = check_values(values, error);
    if (rc < 0)
        return rc;
    struct bragg_reference *const r = calloc(1, sizeof(*r));
    if (!r)
        return error_set(error, -ENOMEM, "not enough memory for the Bragg reference");
    atomic_init(&r->references, 1);
    if (copy_values(r, values) < 0)
        rc = error_set(error, -ENOMEM, "not enough memory for the Bragg reference");
    else
        rc = build(r, error);
    if (rc < 0) {
        bragg_reference_unref(r);
        return rc;
    }
    *reference = r;
    return 0;
}

struct bragg_reference *bragg_reference_ref(struct bragg_reference *reference)
{
    atomic_fetch_add_explicit(&reference->references, 1, memory_order_relaxed);
    return reference;
}

void bragg_reference_unref(struct bragg_reference *reference)
{
    if (!reference ||
        atomic_fetch_sub_explicit(&reference->references, 1, memory_order_acq_rel) != 1)
        return;
    bragg_thresholds_finish(&reference->thresholds);
    for (uint32_t w = 0; w < BRAGG_WIDTHS; w++)
        bragg_positions_finish(&reference->positions[w]);
    bragg_background_plan_finish(&reference->background);
    free(reference->is_static);
    free(reference->band_at);
    free(reference->template);
    free(reference->mask);
    free(reference->bad);
    free(reference->template_sums);
    free(reference);
}

const struct bragg_reference_values *bragg_reference_values(const struct bragg_reference *reference)
{
    return &reference->values;
}

void bragg_reference_report(const struct bragg_reference *reference,
                            struct bragg_reference_report *report)
{
    *report = (struct bragg_reference_report){
        .n_pixels = reference->pixels.n_used,
        .n_bad = reference->pixels.n_bad,
        .n_static = reference->pixels.n_static,
        .counts_per_pixel = reference->counts_per_pixel,
    };
    for (uint32_t w = 0; w < reference->n_widths; w++) {
        report->n_positions[w] = reference->positions[w].n;
        report->step[w] = reference->positions[w].step;
    }
}

const uint8_t *bragg_reference_static(const struct bragg_reference *reference)
{
    return reference->is_static;
}

int bragg_reference_suits(const struct bragg_reference *reference,
                          const struct pixel_format *format, struct error *error)
{
    if (format->height != reference->values.height || format->width != reference->values.width)
        return error_set(error, -EINVAL,
                         "bragg.reference: made for frames of %u x %u pixels, these have %u x %u "
                         "(y, x)",
                         reference->values.height, reference->values.width, format->height,
                         format->width);
    if (format->counter_depth == 1 && reference->counts_per_pixel > BRAGG_ONE_BIT_COUNTS_MAX)
        return error_set(error, -ENOTSUP,
                         "Bragg reflections of 1-bit frames are not looked for above %g counts per "
                         "pixel, since a counter that holds one count hides them: the annulus has "
                         "%.3g; choose a deeper counter or a shorter exposure",
                         BRAGG_ONE_BIT_COUNTS_MAX, reference->counts_per_pixel);
    return 0;
}
