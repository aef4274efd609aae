#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "processing/bragg/bragg_background.h"

/* Sectors are about this wide at the annulus' middle, pixels: some must fit between the disks of a
 * lattice that touch. */
#define SECTOR_WIDTH 3.5
#define SECTORS_MIN 16
#define BAND_WIDTH 2.6

/* ln ratio: a level of which nothing is known, and a shape of this standard deviation that follows
 * the radius over this length (a halo's half width, pixels). */
#define LEVEL_DEVIATION 3.0
#define SHAPE_DEVIATION 0.6
#define SHAPE_LENGTH 5.0
#define ROUGHNESS 0.01 /* of each band alone */

/* Sectors with less of the template than this share of the mean are not used. */
#define USABLE_SHARE 0.3

static uint32_t clamp_count(double count, uint32_t low, uint32_t high)
{
    return count < low ? low : count > high ? high : (uint32_t)count;
}

static void choose_parts(struct bragg_background_plan *plan, const struct bragg_settings *s)
{
    const double middle = (s->inner + s->outer) / 2;
    plan->n_sectors = 4 * clamp_count(round(2 * M_PI * middle / (4 * SECTOR_WIDTH)),
                                      SECTORS_MIN / 4, BRAGG_SECTORS_MAX / 4);
    plan->n_bands = clamp_count(round((s->outer - s->inner) / BAND_WIDTH), 1, BRAGG_BANDS_MAX);
}

/* A disk whose middle is in the annulus reaches over so much of a turn. */
static void find_disk_sectors(struct bragg_background_plan *plan, const struct bragg_settings *s,
                              uint32_t reach)
{
    const double inner = s->inner > 0 ? (reach + 1) / s->inner : 1;
    const double turn = inner < 1 ? asin(inner) / M_PI : 1;
    const double sectors = ceil(turn * plan->n_sectors) + 1;
    plan->disk_sectors = sectors < plan->n_sectors ? (uint32_t)sectors : plan->n_sectors;
}

static uint32_t part_of(const struct bragg_background_plan *plan, const struct bragg_settings *s,
                        double y, double x)
{
    const double radius = bragg_radius_at(s, y, x);
    const double turn = atan2(y - s->centre_y, x - s->centre_x) / (2 * M_PI) + 0.5;
    const double along = (radius - s->inner) / (s->outer - s->inner);
    const uint32_t sector = (uint32_t)fmin(turn * plan->n_sectors, plan->n_sectors - 1);
    const uint32_t band = (uint32_t)fmin(along * plan->n_bands, plan->n_bands - 1);
    return band * plan->n_sectors + sector;
}

/* Calls of `visit` for each used pixel, in the order of rows. */
struct pixel {
    uint32_t row, column, part;
    size_t at;
    double radius, template;
};
typedef void (*visit_fn)(struct bragg_background_plan *plan, const struct pixel *pixel);

static void visit_pixels(struct bragg_background_plan *plan,
                         const struct bragg_reference_values *values, const struct bragg_grid *grid,
                         const uint8_t *mask, const double *template, visit_fn visit)
{
    for (uint32_t row = 0; row < grid->rows; row++) {
        for (uint32_t column = 0; column < grid->columns; column++) {
            if (!mask[bragg_map_at(grid, row, column)])
                continue;
            const double y = grid->top + row, x = grid->left + column;
            const size_t at = bragg_buffer_at(grid, (int)row, (int)column);
            const struct pixel pixel = {
                .row = row,
                .column = column,
                .part = part_of(plan, &values->settings, y, x),
                .at = at,
                .radius = bragg_radius_at(&values->settings, y, x),
                .template = template[at],
            };
            visit(plan, &pixel);
        }
    }
}

static void count_pixel(struct bragg_background_plan *plan, const struct pixel *pixel)
{
    plan->part_n[pixel->part]++;
    plan->part_template[pixel->part] += pixel->template;
}

/* part_n counts up again. */
static void place_pixel(struct bragg_background_plan *plan, const struct pixel *pixel)
{
    const uint32_t k = plan->part_n[pixel->part]++;
    plan->pixels[plan->part_start[pixel->part] + k * plan->n_sectors] = (uint32_t)pixel->at;
}

/* Gives the parts of each band the room of the largest of them; returns the room of all. */
static size_t make_room(struct bragg_background_plan *plan)
{
    uint32_t all = 0;
    for (uint32_t b = 0; b < plan->n_bands; b++) {
        const uint32_t first = b * plan->n_sectors;
        uint32_t most = 0;
        for (uint32_t i = first; i < first + plan->n_sectors; i++)
            most = plan->part_n[i] > most ? plan->part_n[i] : most;
        plan->band_room[b] = most;
        for (uint32_t i = first; i < first + plan->n_sectors; i++) {
            plan->part_start[i] = all + i - first;
            plan->part_pixels[i] = plan->part_n[i];
            plan->part_n[i] = 0;
        }
        all += most * plan->n_sectors;
    }
    return all;
}

static void add_radius(struct bragg_background_plan *plan, const struct pixel *pixel)
{
    plan->band_radius[pixel->part / plan->n_sectors] += pixel->radius * pixel->template;
}

/* The next word of a part: its pixels from number `first` on, up to four beside each other; returns
 * the number of the first that it does not hold. */
static uint32_t cut_word(const struct bragg_background_plan *plan, uint32_t part, uint32_t first,
                         uint32_t *at, uint32_t *wanted)
{
    uint8_t bytes[sizeof(*wanted)] = {0};
    uint32_t k = first;
    *at = bragg_part_pixel(plan, part, first);
    for (; k < plan->part_n[part] && bragg_part_pixel(plan, part, k) - *at < sizeof(bytes); k++)
        bytes[bragg_part_pixel(plan, part, k) - *at] = 1;
    memcpy(wanted, bytes, sizeof(bytes));
    return k;
}

static uint32_t count_words(const struct bragg_background_plan *plan, uint32_t part)
{
    uint32_t n = 0, at, wanted;
    for (uint32_t k = 0; k < plan->part_n[part]; n++)
        k = cut_word(plan, part, k, &at, &wanted);
    return n;
}

static int make_words(struct bragg_background_plan *plan, struct error *error)
{
    const uint32_t n = plan->n_sectors;
    size_t first = 0;
    for (uint32_t part = 0; part < n * plan->n_bands; part++) {
        uint32_t *const most = &plan->band_words[part / n];
        const uint32_t words = count_words(plan, part);
        *most = words > *most ? words : *most;
    }
    for (uint32_t b = 0; b < plan->n_bands; b++)
        first += (size_t)plan->band_words[b] * n;
    plan->words.at = calloc(first + 1, sizeof(*plan->words.at));
    plan->words.wanted = calloc(first + 1, sizeof(*plan->words.wanted));
    if (!plan->words.at || !plan->words.wanted)
        return error_set(error, -ENOMEM, "not enough memory for the sectors of the Bragg annulus");
    first = 0;
    for (uint32_t part = 0; part < n * plan->n_bands; part++) {
        size_t word = first + part % n;
        for (uint32_t k = 0; k < plan->part_n[part]; word += n)
            k = cut_word(plan, part, k, &plan->words.at[word], &plan->words.wanted[word]);
        first += part % n == n - 1 ? (size_t)plan->band_words[part / n] * n : 0;
    }
    return 0;
}

static int sort_pixels(struct bragg_background_plan *plan,
                       const struct bragg_reference_values *values, const struct bragg_grid *grid,
                       const uint8_t *mask, const double *template, struct error *error)
{
    visit_pixels(plan, values, grid, mask, template, count_pixel);
    plan->pixels = calloc(make_room(plan) + 1, sizeof(*plan->pixels));
    if (!plan->pixels)
        return error_set(error, -ENOMEM, "not enough memory for the sectors of the Bragg annulus");
    visit_pixels(plan, values, grid, mask, template, place_pixel);
    visit_pixels(plan, values, grid, mask, template, add_radius);
    return make_words(plan, error);
}

/* Bands without a used pixel keep the middle of theirs. */
static void find_band_radii(struct bragg_background_plan *plan, const struct bragg_settings *s)
{
    for (uint32_t b = 0; b < plan->n_bands; b++) {
        double sum = 0;
        for (uint32_t sector = 0; sector < plan->n_sectors; sector++)
            sum += plan->part_template[b * plan->n_sectors + sector];
        plan->band_radius[b] = sum > 0
                                   ? plan->band_radius[b] / sum
                                   : s->inner + (b + 0.5) * (s->outer - s->inner) / plan->n_bands;
    }
}

static void find_usable(struct bragg_background_plan *plan)
{
    double mean = 0;
    for (uint32_t i = 0; i < plan->n_sectors * plan->n_bands; i++)
        plan->sector_template[i % plan->n_sectors] += plan->part_template[i];
    for (uint32_t s = 0; s < plan->n_sectors; s++)
        mean += plan->sector_template[s] / plan->n_sectors;
    for (uint32_t s = 0; s < plan->n_sectors; s++)
        plan->usable |= (uint64_t)(plan->sector_template[s] > USABLE_SHARE * mean) << s;
}

static double speckle_at(const struct bragg_reference_values *values, double radius)
{
    const struct bragg_settings *const s = &values->settings;
    return bragg_profile_at(values->speckle[BRAGG_MATCHED],
                            (radius - s->inner) / (s->outer - s->inner));
}

#define SAMPLES_MAX 256

/* Pixels of a sector, every n-th where there are too many. */
static uint32_t sample_sector(uint32_t *pixels, const struct bragg_background_plan *plan,
                              uint32_t sector)
{
    uint32_t n = 0, seen = 0, all = 0;
    for (uint32_t b = 0; b < plan->n_bands; b++)
        all += plan->part_n[b * plan->n_sectors + sector];
    for (uint32_t b = 0; b < plan->n_bands; b++) {
        const uint32_t part = b * plan->n_sectors + sector;
        for (uint32_t i = 0; i < plan->part_n[part]; i++) {
            if (seen++ % (1 + all / SAMPLES_MAX) == 0)
                pixels[n++] = bragg_part_pixel(plan, part, i);
        }
    }
    return n;
}

/* Mean correlation of speckle between two pixels of a sector. */
static double sector_correlation(const struct bragg_background_plan *plan,
                                 const struct bragg_grid *grid, double disk_radius, uint32_t sector)
{
    uint32_t pixels[SAMPLES_MAX];
    const uint32_t n = sample_sector(pixels, plan, sector);
    double sum = 0;
    for (uint32_t i = 0; i < n * n; i++) {
        const uint32_t a = pixels[i / n], b = pixels[i % n];
        const uint32_t row_a = a / grid->buffer_stride, row_b = b / grid->buffer_stride;
        const double dy = (double)row_a - row_b;
        const double dx = (double)(a % grid->buffer_stride) - (double)(b % grid->buffer_stride);
        sum += bragg_speckle_correlation(disk_radius, sqrt(dy * dy + dx * dx));
    }
    return n > 0 ? sum / ((double)n * n) : 0;
}

static void set_noise(struct bragg_background_plan *plan,
                      const struct bragg_reference_values *values, const struct bragg_grid *grid)
{
    const double radius = values->settings.disk_radius;
    const double of_pixel = bragg_speckle_in_disk(1, radius, radius);
    const double area = bragg_speckle_area(radius);
    double mean = 0;
    for (uint32_t b = 0; b < plan->n_bands; b++) {
        const double speckle_px = speckle_at(values, plan->band_radius[b]) / of_pixel;
        plan->band_grains[b] = speckle_px * area;
        mean += speckle_px / plan->n_bands;
    }
    const uint32_t samples[4] = {0, plan->n_sectors / 4, plan->n_sectors / 2,
                                 3 * plan->n_sectors / 4};
    double correlation = 0;
    for (int i = 0; i < 4; i++)
        correlation = fmax(correlation, sector_correlation(plan, grid, radius, samples[i]));
    plan->sector_speckle = mean * correlation;
    const double middle = (values->settings.inner + values->settings.outer) / 2;
    plan->disk_share = radius < middle ? asin(radius / middle) / M_PI : 1;
    plan->arc_speckle = plan->sector_speckle * fmax(1, plan->disk_share * plan->n_sectors);
    plan->overdispersion = values->overdispersion;
}

/* Rows of the matrix are this far apart. */
#define ROW BRAGG_BANDS_MAX

/* Inverse of a symmetric positive matrix by Gauss-Jordan, in place. */
static void invert(double *a, uint32_t n)
{
    for (uint32_t p = 0; p < n; p++) {
        const double pivot = 1 / a[p * ROW + p];
        a[p * ROW + p] = 1;
        for (uint32_t j = 0; j < n; j++)
            a[p * ROW + j] *= pivot;
        for (uint32_t i = 0; i < n; i++) {
            if (i == p)
                continue;
            const double factor = a[i * ROW + p];
            a[i * ROW + p] = 0;
            for (uint32_t j = 0; j < n; j++)
                a[i * ROW + j] -= factor * a[p * ROW + j];
        }
    }
}

static void set_prior(struct bragg_background_plan *plan)
{
    const uint32_t n = plan->n_bands;
    for (uint32_t i = 0; i < n; i++) {
        for (uint32_t j = 0; j < n; j++) {
            const double t = (plan->band_radius[i] - plan->band_radius[j]) / SHAPE_LENGTH;
            plan->prior[i * ROW + j] = LEVEL_DEVIATION * LEVEL_DEVIATION +
                                       SHAPE_DEVIATION * SHAPE_DEVIATION * exp(-t * t / 2) +
                                       (i == j ? ROUGHNESS * ROUGHNESS : 0);
        }
    }
    invert(plan->prior, n);
    for (uint32_t i = 0; i < n; i++) {
        for (uint32_t j = 0; j < n; j++)
            plan->prior_of_one[i] += plan->prior[i * ROW + j];
    }
}

/* Mean of the lowest quarter of a negative binomial law of this mean and variance. */
static double lowest_quarter(double mean, double variance)
{
    const double excess = fmax(variance - mean, 1e-9 * mean);
    const double r = mean * mean / excess, q = mean / (r + mean);
    double log_mass = r * log1p(-q), below = 0, sum = 0;
    for (uint32_t k = 0; below < 0.25; k++) {
        const double mass = fmin(exp(log_mass), 0.25 - below);
        below += mass > 0 ? mass : 0;
        sum += k * mass;
        log_mass += log((k + r) / (k + 1) * q);
        if (k > 100 * (mean + 1))
            break;
    }
    return sum / 0.25;
}

static void fill_quarter_table(struct bragg_background_plan *plan)
{
    for (uint32_t i = 0; i < BRAGG_QUARTER_POINTS; i++) {
        const double mean = exp2(i / 4.0 - 2);
        const double variance = (plan->overdispersion + plan->sector_speckle * mean) * mean;
        plan->quarter.lowest[i] = lowest_quarter(mean, variance);
    }
}

int bragg_background_plan_init(struct bragg_background_plan *plan,
                               const struct bragg_reference_values *values,
                               const struct bragg_grid *grid, const uint8_t *mask,
                               const double *template, struct error *error)
{
    *plan = (struct bragg_background_plan){0};
    choose_parts(plan, &values->settings);
    find_disk_sectors(plan, &values->settings, grid->border);
    const int rc = sort_pixels(plan, values, grid, mask, template, error);
    if (rc < 0)
        return rc;
    find_band_radii(plan, &values->settings);
    find_usable(plan);
    set_noise(plan, values, grid);
    set_prior(plan);
    fill_quarter_table(plan);
    return 0;
}

void bragg_background_plan_finish(struct bragg_background_plan *plan)
{
    free(plan->words.wanted);
    free(plan->words.at);
    free(plan->pixels);
    plan->words = (struct bragg_words){0};
    plan->pixels = NULL;
}

struct bragg_between_bands bragg_between_bands(const struct bragg_background_plan *plan,
                                               double radius)
{
    const double *const at = plan->band_radius;
    const uint32_t last = plan->n_bands - 1;
    if (radius <= at[0] || last == 0)
        return (struct bragg_between_bands){0, 0};
    if (radius >= at[last])
        return (struct bragg_between_bands){last - 1, 1};
    uint32_t b = 0;
    while (at[b + 1] < radius)
        b++;
    return (struct bragg_between_bands){b, (radius - at[b]) / (at[b + 1] - at[b])};
}
