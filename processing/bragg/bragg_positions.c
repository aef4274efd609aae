#include "processing/bragg/bragg_positions.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Disks of which less is on used pixels are not looked for. */
#define SHARE_MIN 0.6

/* Wider disks are looked for at every second (third...) pixel of every second row. */
static uint32_t step_for(double radius)
{
    return radius < 5 ? 1 : (uint32_t)(radius / 5) + 1;
}

static int allocate(struct bragg_positions *p, const struct bragg_grid *grid, uint32_t n_bands)
{
    const size_t map_size = grid->map_size, margin = bragg_map_margin(grid, p->step);
    p->cell_room = malloc(map_size + 2 * margin);
    p->cell = p->cell_room ? p->cell_room + margin : NULL;
    p->bin = calloc(map_size, sizeof(*p->bin));
    p->share = calloc(map_size, sizeof(*p->share));
    p->weight = calloc(map_size, sizeof(*p->weight));
    p->speckle = calloc(map_size, sizeof(*p->speckle));
    p->mix = calloc((size_t)p->n_bins * n_bands, sizeof(*p->mix));
    p->first_band = calloc(p->n_bins, 1);
    p->end_band = calloc(p->n_bins, 1);
    if (!p->first_band || !p->end_band || !p->cell || !p->bin || !p->share || !p->weight ||
        !p->speckle || !p->mix)
        return -ENOMEM;
    memset(p->cell_room, BRAGG_NO_PLACE, map_size + 2 * margin);
    return 0;
}

/* What positions are measured from. */
struct source {
    const struct bragg_reference_values *values;
    enum bragg_width width;
    const struct bragg_grid *grid;
    const uint8_t *mask;
    const double *template;
    const struct bragg_background_plan *background;
};

static bool used(const struct source *source, int row, int column)
{
    const struct bragg_grid *const grid = source->grid;
    return row >= 0 && row < (int)grid->rows && column >= 0 && column < (int)grid->columns &&
           source->mask[bragg_map_at(grid, (uint32_t)row, (uint32_t)column)];
}

/* Sums over the used pixels of a disk; `by_band` gets the template's counts by band. */
struct disk_content {
    double weight;
    uint32_t n_used;
    double by_band[BRAGG_BANDS_MAX];
};

static void add_pixel(struct disk_content *content, const struct source *source, int row,
                      int column)
{
    const struct bragg_grid *const grid = source->grid;
    const double template = source->template[bragg_buffer_at(grid, row, column)];
    const double radius = bragg_radius_at(&source->values->settings, (double)grid->top + row,
                                          (double)grid->left + column);
    const struct bragg_between_bands share = bragg_between_bands(source->background, radius);
    content->n_used++;
    content->weight += template;
    content->by_band[share.band] += template * (1 - share.upper);
    if (share.upper > 0)
        content->by_band[share.band + 1] += template * share.upper;
}

static void sum_disk(struct disk_content *content, const struct source *source,
                     const struct bragg_disk *disk, int row, int column)
{
    *content = (struct disk_content){0};
    for (int dy = -disk->reach; dy <= disk->reach; dy++) {
        const int half = disk->half_width[dy < 0 ? -dy : dy];
        for (int dx = -half; dx <= half; dx++) {
            if (used(source, row + dy, column + dx))
                add_pixel(content, source, row + dy, column + dx);
        }
    }
}

/* V at a radius, and how well the sum of n frames knows the template. */
static double speckle_at(const struct source *source, double radius, double weight)
{
    const struct bragg_settings *const s = &source->values->settings;
    const double along = (radius - s->inner) / (s->outer - s->inner);
    const double speckle = bragg_profile_at(source->values->speckle[source->width], along);
    const double n = (double)source->values->n_frames;
    return speckle + source->values->overdispersion / (weight * n) + speckle / n;
}

static void add_place(struct bragg_positions *p, const struct source *source, uint32_t row,
                      uint32_t column, double radius)
{
    struct disk_content content;
    sum_disk(&content, source, &p->disk, (int)row, (int)column);
    if (content.n_used < SHARE_MIN * p->disk.area || !(content.weight > 0))
        return;
    const size_t at = bragg_map_at(source->grid, row, column);
    const uint32_t n_bands = source->background->n_bands;
    p->n++;
    p->cell[at] = 0;
    p->bin[at] = (uint16_t)((radius - source->values->settings.inner) / BRAGG_BIN_WIDTH);
    p->share[at] = (float)content.n_used / (float)p->disk.area;
    p->weight[at] = content.weight;
    p->speckle[at] = speckle_at(source, radius, content.weight);
    for (uint32_t b = 0; b < n_bands; b++)
        p->mix[p->bin[at] * n_bands + b] += content.by_band[b];
}

static void find_places(struct bragg_positions *p, const struct source *source)
{
    const struct bragg_grid *const grid = source->grid;
    for (uint32_t row = 0; row < grid->rows; row += p->step) {
        for (uint32_t column = 0; column < grid->columns; column += p->step) {
            const double y = grid->top + row, x = grid->left + column;
            if (bragg_in_annulus(&source->values->settings, y, x))
                add_place(p, source, row, column, bragg_radius_at(&source->values->settings, y, x));
        }
    }
}

static void find_mixed_bands(struct bragg_positions *p, uint32_t bin, uint32_t n_bands)
{
    for (uint32_t b = n_bands; b-- > 0;) {
        if (p->mix[bin * n_bands + b] > 0) {
            p->first_band[bin] = (uint8_t)b;
            p->end_band[bin] = p->end_band[bin] ? p->end_band[bin] : (uint8_t)(b + 1);
        }
    }
}

static void normalise_mix(struct bragg_positions *p, uint32_t n_bands)
{
    for (uint32_t bin = 0; bin < p->n_bins; bin++) {
        double sum = 0;
        for (uint32_t b = 0; b < n_bands; b++)
            sum += p->mix[bin * n_bands + b];
        for (uint32_t b = 0; b < n_bands; b++)
            p->mix[bin * n_bands + b] /= sum > 0 ? sum : 1;
        find_mixed_bands(p, bin, n_bands);
    }
}

/* Cells of a ring: of places whose weight is near the ring's highest, lower, and low (masked, or
 * off the halo's middle). */
static const double level_limits[BRAGG_LEVELS - 1] = {0.88, 0.76};

static uint32_t ring_of(const struct bragg_positions *p, uint32_t bin)
{
    return p->n_bins > 0 ? bin * p->n_rings / p->n_bins : 0; /* it is never 0 */
}

static void make_rings(struct bragg_positions *p, size_t map_size)
{
    const uint32_t by_width = (p->n_bins + 1) / 2;
    p->n_rings = by_width < BRAGG_RINGS_MAX ? by_width : BRAGG_RINGS_MAX;
    for (uint32_t i = 0; i < p->n_rings; i++)
        p->rings[i] =
            (struct bragg_ring){.first_bin = UINT32_MAX, .weight = HUGE_VAL, .speckle = HUGE_VAL};
    for (size_t i = 0; i < map_size; i++) {
        if (p->cell[i] == BRAGG_NO_PLACE)
            continue;
        struct bragg_ring *const ring = &p->rings[ring_of(p, p->bin[i])];
        ring->first_bin = p->bin[i] < ring->first_bin ? p->bin[i] : ring->first_bin;
        ring->end_bin = p->bin[i] >= ring->end_bin ? p->bin[i] + 1u : ring->end_bin;
        ring->weight = fmin(ring->weight, p->weight[i]);
        ring->speckle = fmin(ring->speckle, p->speckle[i]);
        ring->most_weight = fmax(ring->most_weight, p->weight[i]);
        ring->most_speckle = fmax(ring->most_speckle, p->speckle[i]);
    }
}

static void make_cells(struct bragg_positions *p, size_t map_size)
{
    for (uint32_t i = 0; i < BRAGG_CELLS; i++)
        p->cells[i] = (struct bragg_cell){.weight = HUGE_VAL, .speckle = HUGE_VAL};
    for (size_t i = 0; i < map_size; i++) {
        if (p->cell[i] == BRAGG_NO_PLACE)
            continue;
        const uint32_t ring = ring_of(p, p->bin[i]);
        const double high = p->rings[ring].most_weight;
        const uint32_t level =
            (p->weight[i] < level_limits[0] * high) + (p->weight[i] < level_limits[1] * high);
        struct bragg_cell *const cell = &p->cells[BRAGG_LEVELS * ring + level];
        p->cell[i] = (uint8_t)(BRAGG_LEVELS * ring + level);
        cell->has_places = true;
        cell->weight = fmin(cell->weight, p->weight[i]);
        cell->speckle = fmin(cell->speckle, p->speckle[i]);
    }
}

/* The most rings that places are apart of which one is `beside` the other, or `other`. */
static uint32_t rings_between(const struct bragg_positions *p, const struct bragg_grid *grid,
                              ptrdiff_t beside, ptrdiff_t other)
{
    uint32_t most = 0;
    for (size_t i = 0; i < 2 * grid->map_size; i++) {
        const uint8_t first = p->cell[i / 2];
        const uint8_t second = p->cell[(ptrdiff_t)(i / 2) + (i % 2 ? beside : other)];
        if (first == BRAGG_NO_PLACE || second == BRAGG_NO_PLACE)
            continue;
        const uint32_t apart = (uint32_t)abs(first / BRAGG_LEVELS - second / BRAGG_LEVELS);
        most = apart > most ? apart : most;
    }
    return most;
}

int bragg_positions_init(struct bragg_positions *positions,
                         const struct bragg_reference_values *values, enum bragg_width width,
                         double radius, const struct bragg_grid *grid, const uint8_t *mask,
                         const double *template, const struct bragg_background_plan *background,
                         struct error *error)
{
    const struct source source = {values, width, grid, mask, template, background};
    const struct bragg_settings *const s = &values->settings;
    struct bragg_positions *const p = positions;
    *p = (struct bragg_positions){
        .step = step_for(radius),
        .n_bins = (uint32_t)((s->outer - s->inner) / BRAGG_BIN_WIDTH) + 1,
    };
    bragg_disk_init(&p->disk, radius);
    p->off_slope = bragg_disk_off_slope(&p->disk, values->overdispersion);
    if (allocate(p, grid, background->n_bands) < 0) {
        bragg_positions_finish(p);
        return error_set(error, -ENOMEM, "not enough memory for the places of Bragg disks");
    }
    find_places(p, &source);
    if (p->n == 0) {
        bragg_positions_finish(p);
        return error_set(error, -EINVAL,
                         "bragg.annulus: no disk of radius %g fits [%g, %g]: %g of its pixels must "
                         "lie in the annulus and not be masked",
                         radius, s->inner, s->outer, SHARE_MIN);
    }
    normalise_mix(p, background->n_bands);
    make_rings(p, grid->map_size);
    make_cells(p, grid->map_size);
    const ptrdiff_t column = (ptrdiff_t)p->step, row = (ptrdiff_t)grid->stride * column;
    p->rings_beside = rings_between(p, grid, row, column);
    p->rings_across = rings_between(p, grid, row + column, row - column);
    return 0;
}

void bragg_positions_finish(struct bragg_positions *positions)
{
    free(positions->end_band);
    free(positions->first_band);
    free(positions->mix);
    free(positions->speckle);
    free(positions->weight);
    free(positions->share);
    free(positions->bin);
    free(positions->cell_room);
    *positions = (struct bragg_positions){0};
}
