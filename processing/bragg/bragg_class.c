#include "processing/bragg/bragg_lattice.h"

/* From the list of reflections to the class of the pattern. */

#define DIRECTION_MIN (10 * M_PI / 180) /* reflections at smaller angles are of one direction */
#define DIRECTION_TANGENT 0.17632698070846498

/* The relaxed test of a single place: false-alarm rate, and looks it has in a patch of one pixel's
 * radius. */
#define PARTNER_ALPHA 0.01
#define PATCH_LOOKS 5

static double square(double value)
{
    return value * value;
}

static void find_partners(struct bragg_vectors *vectors)
{
    struct bragg_reflection *const all = vectors->result->reflections;
    for (uint32_t i = 0; i < vectors->result->n_reflections; i++) {
        for (uint32_t j = i + 1; j < vectors->result->n_reflections && all[i].partner < 0; j++) {
            const struct bragg_vector opposite = {-vectors->g[i].y, -vectors->g[i].x};
            const double within2 =
                bragg_tolerance2(vectors, square(all[i].sigma) + square(all[j].sigma), 2);
            if (all[j].partner >= 0 || !bragg_is_near(vectors->g[j], opposite, within2))
                continue;
            all[i].partner = (int16_t)j;
            all[j].partner = (int16_t)i;
            all[i].flags |= BRAGG_PARTNER;
            all[j].flags |= BRAGG_PARTNER;
        }
    }
}

/* Light of a reflection that is in the list must not be taken for that of another. */
static bool is_taken(const struct bragg_vectors *vectors, struct bragg_vector g)
{
    const double radius = vectors->scratch->reference->values.settings.disk_radius;
    for (uint32_t i = 0; i < vectors->result->n_reflections; i++) {
        if (bragg_is_near(vectors->g[i], g, square(2 * radius + 1)))
            return true;
    }
    return false;
}

/* The place of most excess within `within` of g; false where there is none. */
static bool best_place(const struct bragg_vectors *vectors, struct bragg_vector g, double within,
                       struct bragg_candidate *best)
{
    const struct bragg_reference *const r = vectors->scratch->reference;
    const struct bragg_positions *const p = &r->positions[BRAGG_MATCHED];
    const double row = r->values.settings.centre_y + g.y - r->grid.top;
    const double column = r->values.settings.centre_x + g.x - r->grid.left;
    bool found = false;
    for (int y = (int)ceil(row - within); y <= (int)floor(row + within); y++) {
        for (int x = (int)ceil(column - within); x <= (int)floor(column + within); x++) {
            if (y < 0 || x < 0 || y >= (int)r->grid.rows || x >= (int)r->grid.columns ||
                square(y - row) + square(x - column) > square(within))
                continue;
            const size_t place = bragg_map_at(&r->grid, (uint32_t)y, (uint32_t)x);
            if (p->cell[place] == BRAGG_NO_PLACE)
                continue;
            const uint32_t counts = bragg_sum_at(vectors->scratch, BRAGG_MATCHED, place);
            const double b = bragg_background_at(vectors->scratch, BRAGG_MATCHED, place, counts);
            const double v = bragg_speckle_at(vectors->scratch, BRAGG_MATCHED, place);
            if (found && counts - b <= best->excess)
                continue;
            *best = (struct bragg_candidate){(uint32_t)place, counts, b, v, counts - b};
            found = true;
        }
    }
    return found;
}

bool bragg_is_there(const struct bragg_vectors *vectors, struct bragg_vector g, double centres,
                    uint32_t tests)
{
    const double step = vectors->scratch->reference->positions[BRAGG_MATCHED].step;
    const double within = fmax(fmax(1, step), 2 * centres * vectors->centre_sigma);
    struct bragg_candidate best;
    if (is_taken(vectors, g) || !best_place(vectors, g, within, &best) || best.counts == 0)
        return false;
    const double looks = PATCH_LOOKS * fmax(1, square(within) / 2) * tests;
    return bragg_null_tail_log(best.counts, best.background,
                               vectors->scratch->reference->values.overdispersion,
                               best.speckle) < log(PARTNER_ALPHA / looks);
}

static void find_weak_partners(struct bragg_vectors *vectors)
{
    for (uint32_t i = 0; i < vectors->result->n_reflections; i++) {
        struct bragg_reflection *const reflection = &vectors->result->reflections[i];
        const struct bragg_vector opposite = {-vectors->g[i].y, -vectors->g[i].x};
        if (reflection->partner < 0 &&
            bragg_is_there(vectors, opposite, 2, vectors->result->n_reflections))
            reflection->flags |= BRAGG_WEAK_PARTNER;
    }
}

/* Angle between two lines, 0 to pi/2. */
static double angle_between(struct bragg_vector a, struct bragg_vector b)
{
    return atan2(fabs(a.y * b.x - a.x * b.y), fabs(a.y * b.y + a.x * b.x));
}

/* Of tangents, what is too near to leave it at that. */
#define ROUNDING 1e-9

/* The angle itself takes ten times as long as its tangent. */
bool bragg_is_within(struct bragg_vector a, struct bragg_vector b, struct bragg_angle limit)
{
    const double sine = fabs(a.y * b.x - a.x * b.y), cosine = fabs(a.y * b.y + a.x * b.x);
    if (sine > (1 + ROUNDING) * limit.tangent * cosine)
        return false;
    return sine < (1 - ROUNDING) * limit.tangent * cosine || angle_between(a, b) <= limit.angle;
}

static double length_of(struct bragg_vector a)
{
    return sqrt(square(a.y) + square(a.x));
}

static uint32_t count_directions(const struct bragg_vectors *vectors)
{
    struct bragg_vector first[BRAGG_REFLECTIONS_MAX];
    uint32_t n = 0;
    for (uint32_t i = 0; i < vectors->result->n_reflections; i++) {
        const double sigma = vectors->result->reflections[i].sigma;
        const double within = BRAGG_DEVIATIONS * sigma / fmax(length_of(vectors->g[i]), 1);
        const struct bragg_angle limit =
            within > DIRECTION_MIN ? (struct bragg_angle){within, NAN}
                                   : (struct bragg_angle){DIRECTION_MIN, DIRECTION_TANGENT};
        uint32_t j = 0;
        while (j < n && !bragg_is_within(first[j], vectors->g[i], limit))
            j++;
        if (j == n)
            first[n++] = vectors->g[i];
    }
    return n;
}

static bool any_partner(const struct bragg_result *result)
{
    for (uint32_t i = 0; i < result->n_reflections; i++) {
        if (result->reflections[i].flags & (BRAGG_PARTNER | BRAGG_WEAK_PARTNER))
            return true;
    }
    return false;
}

void bragg_find_class(const struct bragg_scratch *scratch, struct bragg_result *result)
{
    const struct bragg_settings *const s = &scratch->reference->values.settings;
    struct bragg_vectors vectors = {
        .scratch = scratch, .result = result, .centre_sigma = s->centre_uncertainty};
    if (result->n_reflections == 0)
        return;
    for (uint32_t i = 0; i < result->n_reflections; i++)
        vectors.g[i] = (struct bragg_vector){result->reflections[i].y - s->centre_y,
                                             result->reflections[i].x - s->centre_x};
    find_partners(&vectors);
    find_weak_partners(&vectors);
    result->n_directions = (uint8_t)count_directions(&vectors);
    if (result->n_directions == 1)
        result->class = any_partner(result) ? BRAGG_THREE_BEAM : BRAGG_TWO_BEAM;
    else
        result->class = bragg_find_lattice(&vectors) ? BRAGG_ON_AXIS : BRAGG_MULTIPLE;
}
