#include "processing/bragg/bragg_profile_fit.h"

#include "processing/bragg/bragg_disk_fit.h"

/* ---- profiles ---- */

/* Of the normal law that smears a disk of 3.4 pixels, pixels: of clusters down to 0.7 nm where a
 * pixel is 0.12 nm^-1. */
static const double blurs[BRAGG_PROFILES] = {0, 0.7, 1.2, 1.8, 2.5, 3.3, 4.2, 5.4};
#define BLURS_OF_RADIUS 3.4

/* Strips that a disk is cut into. */
#define STRIPS 64

/* Density at this distance from the middle of a disk that is smeared. */
static double smeared(double radius, double sigma, double distance)
{
    double sum = 0;
    const double strip = 2 * radius / STRIPS;
    for (int i = 0; i < STRIPS; i++) {
        const double u = (i + 0.5) * strip - radius;
        const double off = (u - distance) / sigma;
        const double half = sqrt(radius * radius - u * u);
        sum += exp(-off * off / 2) * erf(half / (M_SQRT2 * sigma));
    }
    return sum * strip / (sigma * sqrt(2 * M_PI));
}

/* Beyond the last point as there. */
static double between(const double *values, double distance)
{
    const double at = distance * BRAGG_PROFILE_STEPS;
    if (!(at < BRAGG_PROFILE_POINTS - 1))
        return values[BRAGG_PROFILE_POINTS - 1];
    const int i = (int)at;
    return values[i] + (at - i) * (values[i + 1] - values[i]);
}

/* Where in its pixel the disk lies whose windows are looked at. */
#define WINDOW_OFF 0.25

static double window_sum(const struct bragg_profile *profile, const struct bragg_disk *disk)
{
    double sum = 0;
    for (int dy = -disk->reach; dy <= disk->reach; dy++) {
        const int half = disk->half_width[dy < 0 ? -dy : dy];
        for (int dx = -half; dx <= half; dx++)
            sum += between(profile->at, hypot(dy - WINDOW_OFF, dx - WINDOW_OFF));
    }
    return sum;
}

static void init_profile(struct bragg_profile *profile, const struct bragg_disk *matched,
                         const struct bragg_disk *wide, double blur, double shared)
{
    const double radius = matched->radius;
    const double sigma = sqrt(blur * blur + BRAGG_PIXEL_VARIANCE + 2 * shared);
    for (int i = 0; i < BRAGG_PROFILE_POINTS; i++)
        profile->at[i] = smeared(radius, sigma, (double)i / BRAGG_PROFILE_STEPS);
    for (int i = 1; i < BRAGG_PROFILE_POINTS - 1; i++)
        profile->slope[i] = (profile->at[i + 1] - profile->at[i - 1]) * BRAGG_PROFILE_STEPS / 2;
    const double sum = window_sum(profile, matched);
    profile->caught = sum / (M_PI * radius * radius);
    profile->wide_excess = window_sum(profile, wide) / sum;
    profile->reach = (int)fmin(BRAGG_PROFILE_REACH, radius + BRAGG_FIT_MARGIN + 2.2 * blur);
}

void bragg_profile_fit_init(struct bragg_profile_fit *fit, const struct bragg_disk *matched,
                            const struct bragg_disk *wide, double overdispersion)
{
    *fit = (struct bragg_profile_fit){.is_possible = true,
                                      .radius = matched->radius,
                                      .clusters = bragg_whole_clusters(overdispersion)};
    for (int i = 0; i < BRAGG_PROFILES; i++)
        init_profile(&fit->profiles[i], matched, wide, blurs[i] * matched->radius / BLURS_OF_RADIUS,
                     bragg_disk_shared(overdispersion));
}

const struct bragg_profile *bragg_profile_of(const struct bragg_profile_fit *fit,
                                             double wide_excess)
{
    int i = 0;
    while (i + 1 < BRAGG_PROFILES &&
           wide_excess > (fit->profiles[i].wide_excess + fit->profiles[i + 1].wide_excess) / 2)
        i++;
    return &fit->profiles[i];
}

/* ---- the fit ---- */

/* What is fitted: counts of a pixel inside the disk, and its place. */
enum parameter { AMPLITUDE, Y, X, PARAMETERS };

struct matrix {
    double at[PARAMETERS][PARAMETERS]; /* only rows from the diagonal on down are set */
};

struct question {
    const struct bragg_profile_fit *fit;
    const struct bragg_profile *profile;
    const struct bragg_profile_window *window;
};

/* What the pixels tell were their counts independent: information on the parameters, and the score
 * of each. */
struct told {
    struct matrix information;
    double score[PARAMETERS];
};

/* A pixel: how its counts grow with each parameter, what they should be in all, and what of them is
 * not explained. */
struct model_pixel {
    double growth[PARAMETERS];
    double counts, left;
};

/* Chance in any pixel is at least that of this part of the disk's counts: no edge is so sharp that
 * a count beside it is out of the question, however dark it is there. */
#define SOFT_PART 0.02

static struct model_pixel model_of(const struct question *question, int i, const double *at)
{
    const struct bragg_profile_window *const window = question->window;
    const double dy = window->dy[i] - at[Y], dx = window->dx[i] - at[X];
    const double distance = sqrt(dy * dy + dx * dx), amplitude = at[AMPLITUDE];
    const double share = between(question->profile->at, distance);
    const double slope = -amplitude * between(question->profile->slope, distance) /
                         (distance + 1e-6); /* 0 in the middle */
    return (struct model_pixel){
        .growth = {share, slope * dy, slope * dx},
        .counts = window->background[i] + amplitude * (share + SOFT_PART),
        .left = window->excess[i] - amplitude * share,
    };
}

static void ask_pixels(struct told *told, const struct question *question, const double *at)
{
    *told = (struct told){0};
    for (int i = 0; i < question->window->n; i++) {
        const struct model_pixel pixel = model_of(question, i, at);
        for (int j = 0; j < PARAMETERS; j++) {
            const double weighted = pixel.growth[j] / pixel.counts;
            told->score[j] += weighted * pixel.left;
            for (int k = 0; k <= j; k++)
                told->information.at[j][k] += weighted * pixel.growth[k];
        }
    }
}

/* Makes a matrix its root (Cholesky), in place; false: it has none. */
static bool take_root(struct matrix *matrix)
{
    for (int i = 0; i < PARAMETERS; i++) {
        for (int j = 0; j <= i; j++) {
            double left = matrix->at[i][j];
            for (int k = 0; k < j; k++)
                left -= matrix->at[i][k] * matrix->at[j][k];
            if (i == j && !(left > 0))
                return false;
            matrix->at[i][j] = i == j ? sqrt(left) : left / matrix->at[j][j];
        }
    }
    return true;
}

/* Solves root root^T x = values, in place. */
static void solve(const struct matrix *root, double *values)
{
    for (int i = 0; i < PARAMETERS; i++) {
        for (int k = 0; k < i; k++)
            values[i] -= root->at[i][k] * values[k];
        values[i] /= root->at[i][i];
    }
    for (int i = PARAMETERS - 1; i >= 0; i--) {
        for (int k = i + 1; k < PARAMETERS; k++)
            values[i] -= root->at[k][i] * values[k];
        values[i] /= root->at[i][i];
    }
}

/* Variance of a coordinate, the mean of both: what the counts' own variance does to the parameters.
 * `root`: of the information. */
static double variance_of_place(const struct question *question, const double *at,
                                const struct matrix *root)
{
    const struct bragg_profile_window *const window = question->window;
    double weights[2][PARAMETERS] = {{0}}, sum = 0;
    for (int i = 0; i < 2; i++) {
        weights[i][Y + i] = 1;
        solve(root, weights[i]);
    }
    for (int i = 0; i < window->n; i++) {
        const struct model_pixel pixel = model_of(question, i, at);
        const double variance =
            question->fit->clusters * pixel.counts + window->speckle * window->background[i];
        double moved[2] = {0};
        for (int j = 0; j < PARAMETERS; j++) {
            moved[0] += weights[0][j] * pixel.growth[j] / pixel.counts;
            moved[1] += weights[1][j] * pixel.growth[j] / pixel.counts;
        }
        sum += (moved[0] * moved[0] + moved[1] * moved[1]) / 2 * variance;
    }
    return sum;
}

#define ROUNDS 8
#define STEP_MAX 0.7   /* pixels */
#define STEP_LAST 0.02 /* smaller ones are the last */
/* The amplitude is not taken for less than this part of what it was thought to be. */
#define AMPLITUDE_LEAST 0.25

static double clamped(double value, double most)
{
    return fmax(-most, fmin(most, value));
}

/* Fisher's scoring: from place to place as long as the pixels say so. Returns the variance of a
 * coordinate, 0: they do not tell. */
static double find_place(const struct question *question, double *at)
{
    const double least = AMPLITUDE_LEAST * at[AMPLITUDE], radius = question->fit->radius;
    struct told told;
    struct matrix root;
    double farthest;
    int round = 0;
    do {
        ask_pixels(&told, question, at);
        root = told.information;
        if (!take_root(&root))
            return 0;
        solve(&root, told.score);
        at[AMPLITUDE] = fmax(at[AMPLITUDE] + told.score[AMPLITUDE], least);
        for (int i = Y; i <= X; i++)
            at[i] += clamped(told.score[i], STEP_MAX);
        farthest = fmax(fabs(told.score[Y]), fabs(told.score[X]));
    } while (farthest > STEP_LAST && ++round < ROUNDS);
    if (hypot(at[Y], at[X]) > radius)
        return 0;
    return variance_of_place(question, at, &root);
}

/* Standard deviation that a reflection far above everything still has, pixels. */
#define SIGMA_FLOOR 0.05

bool bragg_profile_fit_place(const struct bragg_profile_fit *fit,
                             const struct bragg_profile *profile,
                             const struct bragg_profile_window *window, double counts,
                             struct bragg_profile_place *place)
{
    const struct question question = {.fit = fit, .profile = profile, .window = window};
    const double inside = counts / (M_PI * fit->radius * fit->radius * profile->caught);
    double at[PARAMETERS] = {inside, place->y, place->x};
    const double variance = find_place(&question, at);
    if (!(variance > 0))
        return false;
    *place = (struct bragg_profile_place){at[Y], at[X], sqrt(variance + SIGMA_FLOOR * SIGMA_FLOOR)};
    return true;
}
