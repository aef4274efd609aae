#include "processing/bragg/bragg_fits.h"

/* ---- pixels that are fitted ---- */

/* Pixels, generously: how far a disk's middle may be from the place where it was found. */
#define NEAR_PEAK 10

static double distance2(double dy, double dx)
{
    return dy * dy + dx * dx;
}

/* A peak, and those that some of the pixels may be nearer to. */
struct company {
    const struct bragg_peak *peak;
    uint32_t n;
    const struct bragg_peak *others[BRAGG_REFLECTIONS_MAX];
};

/* `reach`: how far from it the pixels are. */
static void find_company(struct company *company, const struct bragg_scratch *scratch,
                         const struct bragg_peak *peak, double reach)
{
    company->peak = peak;
    company->n = 0;
    for (uint32_t i = 0; i < scratch->n_peaks; i++) {
        const struct bragg_peak *const other = &scratch->peaks[i];
        if (other != peak &&
            distance2(other->row - peak->row, other->column - peak->column) < 4 * reach * reach)
            company->others[company->n++] = other;
    }
}

/* Whether a pixel is nearer to another reflection. */
static bool is_of_another(const struct company *company, int y, int x)
{
    const struct bragg_peak *const peak = company->peak;
    const double own = distance2(y - peak->row, x - peak->column);
    for (uint32_t i = 0; i < company->n; i++) {
        if (distance2(y - company->others[i]->row, x - company->others[i]->column) < own)
            return true;
    }
    return false;
}

/* What a pixel of the grid should have without a reflection, and what it has beyond that; false: it
 * is not used, or another reflection's. */
static bool ask_pixel(const struct bragg_scratch *scratch, const struct company *company, int y,
                      int x, double *background, double *excess)
{
    const struct bragg_reference *const r = scratch->reference;
    if (y < 0 || y >= (int)r->grid.rows || x < 0 || x >= (int)r->grid.columns ||
        !r->mask[bragg_map_at(&r->grid, (uint32_t)y, (uint32_t)x)] || is_of_another(company, y, x))
        return false;
    const size_t at = bragg_buffer_at(&r->grid, y, x);
    const uint32_t counts = scratch->has_wide ? scratch->pixels[at] : scratch->narrow[at];
    *background = bragg_expected_at(scratch, at);
    *excess = counts - *background;
    return *background > 0;
}

static double share_of(const struct bragg_scratch *scratch, const struct bragg_peak *peak)
{
    return scratch->reference->positions[peak->width].share[peak->candidate.place];
}

/* ---- small disks ---- */

void bragg_fit_small_disk(const struct bragg_scratch *scratch, const struct bragg_peak *peak,
                          struct bragg_place *place)
{
    const struct bragg_disk_fit *const fit = &scratch->reference->fit;
    const double farthest = fit->radius + BRAGG_FIT_MARGIN;
    const int y = (int)rint(place->row), x = (int)rint(place->column);
    struct bragg_fit_window window = {.speckle = peak->candidate.speckle};
    struct company company;
    find_company(&company, scratch, peak, farthest + NEAR_PEAK);
    struct bragg_fitted fitted = {place->row - y, place->column - x, place->sigma};
    for (int dy = -fit->reach; dy <= fit->reach; dy++) {
        for (int dx = -fit->reach; dx <= fit->reach; dx++) {
            const int i = window.n;
            if (dy * dy + dx * dx > farthest * farthest ||
                !ask_pixel(scratch, &company, y + dy, x + dx, &window.background[i],
                           &window.excess[i]))
                continue;
            window.dy[i] = dy;
            window.dx[i] = dx;
            window.n++;
        }
    }
    if (bragg_disk_fit_place(fit, &window, peak->candidate.excess / share_of(scratch, peak),
                             &fitted))
        *place = (struct bragg_place){y + fitted.y, x + fitted.x, fitted.sigma};
}

/* ---- others ---- */

static void fill_window(struct bragg_profile_window *window, const struct bragg_scratch *scratch,
                        const struct bragg_peak *peak, int reach, int y, int x)
{
    struct company company;
    find_company(&company, scratch, peak, reach + NEAR_PEAK);
    window->n = 0;
    window->speckle = peak->candidate.speckle * peak->candidate.background;
    for (int dy = -reach; dy <= reach; dy++) {
        for (int dx = -reach; dx <= reach; dx++) {
            const int i = window->n;
            if (dy * dy + dx * dx > reach * reach ||
                !ask_pixel(scratch, &company, y + dy, x + dx, &window->background[i],
                           &window->excess[i]))
                continue;
            window->dy[i] = dy;
            window->dx[i] = dx;
            window->n++;
        }
    }
}

/* Pixels between the edges of disks of which the one is still in the other's windows. */
#define TOUCHING 2

bool bragg_touches_another(const struct bragg_scratch *scratch, const struct bragg_peak *peak)
{
    for (uint32_t i = 0; i < scratch->n_peaks; i++) {
        const struct bragg_peak *const other = &scratch->peaks[i];
        const double reach = peak->radius + other->radius + TOUCHING;
        if (other != peak &&
            distance2(other->row - peak->row, other->column - peak->column) < reach * reach)
            return true;
    }
    return false;
}

void bragg_fit_profile(const struct bragg_scratch *scratch, const struct bragg_peak *peak,
                       bool touches, struct bragg_place *place)
{
    const struct bragg_profile_fit *const fit = &scratch->reference->profile_fit;
    /* Of one that touches it the wide window sees a part. */
    const bool is_soft = peak->is_surely_soft && (peak->width == BRAGG_WIDE || !touches);
    const struct bragg_profile *const profile =
        bragg_profile_of(fit, is_soft ? peak->wide_excess : 0);
    const int y = (int)rint(place->row), x = (int)rint(place->column);
    const double excess = peak->candidate.excess / share_of(scratch, peak);
    const double matched = peak->width == BRAGG_WIDE ? excess / profile->wide_excess : excess;
    struct bragg_profile_window window;
    struct bragg_profile_place fitted = {place->row - y, place->column - x, place->sigma};
    fill_window(&window, scratch, peak, profile->reach, y, x);
    if (bragg_profile_fit_place(fit, profile, &window, matched, &fitted))
        *place = (struct bragg_place){y + fitted.y, x + fitted.x, fitted.sigma};
}
