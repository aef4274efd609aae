#include "processing/bragg/bragg_disk_fit.h"

#include <stdlib.h>

#include "processing/bragg/bragg_reference.h"

/* An electron of F = 2 counts in one to four pixels of a corner (45, 35, 15, 5 %): the mean product
 * of counts in two pixels side by side, and across a corner, over the mean counts of a pixel. With
 * the pixel itself they add up to F of whole clusters, 2.2. */
#define CLUSTER_SIDE 0.236
#define CLUSTER_CORNER 0.069

void bragg_disk_fit_init(struct bragg_disk_fit *fit, double radius, double overdispersion)
{
    *fit = (struct bragg_disk_fit){.is_small = radius < BRAGG_FIT_RADIUS};
    if (!fit->is_small)
        return;
    const double sharing = fmin(1, overdispersion - 1);
    const double more = bragg_whole_clusters(overdispersion) / bragg_whole_clusters(1 + sharing);
    const double speckle = 1 / bragg_speckle_in_disk(1, radius, radius);
    fit->radius = radius;
    fit->reach = (int)(radius + BRAGG_FIT_MARGIN);
    fit->shared = bragg_disk_shared(overdispersion);
    fit->clusters[0][0] = more;
    fit->clusters[0][1] = fit->clusters[1][0] = more * sharing * CLUSTER_SIDE;
    fit->clusters[1][1] = more * sharing * CLUSTER_CORNER;
    for (int i = 0; i < BRAGG_IMAGE_SIDE * BRAGG_IMAGE_SIDE; i++) {
        const int dy = i / BRAGG_IMAGE_SIDE, dx = i % BRAGG_IMAGE_SIDE;
        fit->speckle[dy][dx] = speckle * bragg_speckle_correlation(radius, hypot(dy, dx));
    }
}

/* The covariance of the window's pixels, or its root; only j >= i is used. */
struct covariance {
    double at[BRAGG_FIT_PIXELS][BRAGG_FIT_PIXELS];
};

/* Of what chance and speckle do to pixels together; deviation: of each pixel's counts. */
static void find_covariance(struct covariance *covariance, const struct bragg_disk_fit *fit,
                            const struct bragg_fit_window *window, const double *deviation)
{
    for (int i = 0; i < window->n; i++) {
        const double speckle = window->speckle * window->background[i];
        for (int j = i; j < window->n; j++) {
            const int dy = abs(window->dy[i] - window->dy[j]);
            const int dx = abs(window->dx[i] - window->dx[j]);
            const double clusters = dy < 2 && dx < 2 ? fit->clusters[dy][dx] : 0;
            covariance->at[i][j] = clusters * deviation[i] * deviation[j] +
                                   speckle * fit->speckle[dy][dx] * window->background[j];
        }
    }
}

/* a[i] -= factor * b[i] from `first` on. */
static void subtract(double *restrict a, const double *restrict b, double factor, int first, int n)
{
    for (int i = first; i < n; i++)
        a[i] -= factor * b[i];
}

/* Makes a covariance its root (Cholesky), in place; false: it has none. */
static bool take_root(struct covariance *covariance, int n)
{
    for (int k = 0; k < n; k++) {
        double *const row = covariance->at[k];
        if (!(row[k] > 0))
            return false;
        const double root = sqrt(row[k]);
        for (int i = k; i < n; i++)
            row[i] /= root;
        for (int i = k + 1; i < n; i++)
            subtract(covariance->at[i], row, row[i], i, n);
    }
    return true;
}

/* Divides the pixels' values by the root: what is left has variance 1 and no covariance. */
static void whiten(double *values, const struct covariance *root, int n)
{
    for (int k = 0; k < n; k++) {
        values[k] /= root->at[k][k];
        subtract(values, root->at[k], values[k], k + 1, n);
    }
}

static double product(const double *a, const double *b, int n)
{
    double sum = 0;
    for (int i = 0; i < n; i++)
        sum += a[i] * b[i];
    return sum;
}

/* What is fitted: the amplitude (counts of a pixel inside the disk) and the place. They grow with
 * the layers of the disk's image. */
enum parameter {
    AMPLITUDE = BRAGG_IMAGE_COUNTS,
    Y = BRAGG_IMAGE_ALONG_Y,
    X = BRAGG_IMAGE_ALONG_X,
    PARAMETERS = BRAGG_IMAGE_LAYERS
};

struct matrix {
    double at[PARAMETERS][PARAMETERS];
};

/* What the pixels tell of the parameters: information, and the score of each. */
struct told {
    struct matrix information;
    double score[PARAMETERS];
};

/* What a window should hold by some parameters. */
struct model {
    double growth[PARAMETERS][BRAGG_FIT_PIXELS]; /* of a pixel's counts, with each parameter */
    double left[BRAGG_FIT_PIXELS];               /* counts that are not explained */
    double deviation[BRAGG_FIT_PIXELS];          /* standard deviation of Poisson counts */
};

/* Chance in any pixel is at least that of this part of the disk's counts: no edge is so sharp that
 * a count beside it is out of the question, however dark it is there. */
#define SOFT_PART 0.02

static void make_model(struct model *model, const struct bragg_disk_fit *fit,
                       const struct bragg_fit_window *window, const double *at)
{
    struct bragg_disk_image image;
    const double amplitude = at[AMPLITUDE];
    bragg_disk_image_draw(&image, fit->radius, fit->reach, fit->shared, at[Y], at[X]);
    for (int i = 0; i < window->n; i++) {
        const int row = BRAGG_IMAGE_REACH + window->dy[i];
        const int column = BRAGG_IMAGE_REACH + window->dx[i];
        const double share = image.at[AMPLITUDE][row][column];
        model->growth[AMPLITUDE][i] = share;
        model->growth[Y][i] = amplitude * image.at[Y][row][column];
        model->growth[X][i] = amplitude * image.at[X][row][column];
        model->left[i] = window->excess[i] - amplitude * share;
        model->deviation[i] = sqrt(window->background[i] + amplitude * (share + SOFT_PART));
    }
}

static bool ask_pixels(struct told *told, const struct bragg_disk_fit *fit,
                       const struct bragg_fit_window *window, const double *at)
{
    struct model model;
    struct covariance covariance;
    const int n = window->n;
    make_model(&model, fit, window, at);
    find_covariance(&covariance, fit, window, model.deviation);
    if (!take_root(&covariance, n))
        return false;
    whiten(model.left, &covariance, n);
    for (int i = 0; i < PARAMETERS; i++)
        whiten(model.growth[i], &covariance, n);
    for (int i = 0; i < PARAMETERS; i++) {
        told->score[i] = product(model.growth[i], model.left, n);
        for (int j = 0; j < PARAMETERS; j++)
            told->information.at[i][j] = product(model.growth[i], model.growth[j], n);
    }
    return true;
}

/* The inverse of a symmetric matrix that is positive; false: it is not. */
static bool invert(struct matrix *inverse, const struct matrix *matrix)
{
    for (int i = 0; i < PARAMETERS; i++) {
        const int a = (i + 1) % PARAMETERS, b = (i + 2) % PARAMETERS;
        for (int j = 0; j < PARAMETERS; j++) {
            const int c = (j + 1) % PARAMETERS, d = (j + 2) % PARAMETERS;
            inverse->at[j][i] =
                matrix->at[a][c] * matrix->at[b][d] - matrix->at[a][d] * matrix->at[b][c];
        }
    }
    double whole = 0;
    for (int i = 0; i < PARAMETERS; i++)
        whole += matrix->at[0][i] * inverse->at[i][0];
    if (!(whole > 0))
        return false;
    for (int i = 0; i < PARAMETERS * PARAMETERS; i++)
        inverse->at[i / PARAMETERS][i % PARAMETERS] /= whole;
    return true;
}

#define ROUNDS 6
#define STEP_MAX 0.5   /* pixels */
#define STEP_LAST 0.02 /* smaller ones are the last */
/* The amplitude is not taken for less than this part of what it was thought to be. */
#define AMPLITUDE_LEAST 0.25

/* Fisher's scoring: from place to place as long as the pixels say so. false: they do not tell. */
static bool find_place(const struct bragg_disk_fit *fit, const struct bragg_fit_window *window,
                       double *at, struct matrix *variance)
{
    const double least = AMPLITUDE_LEAST * at[AMPLITUDE];
    double farthest;
    int round = 0;
    do {
        struct told told;
        if (!ask_pixels(&told, fit, window, at) || !invert(variance, &told.information))
            return false;
        at[AMPLITUDE] += product(variance->at[AMPLITUDE], told.score, PARAMETERS);
        at[AMPLITUDE] = fmax(at[AMPLITUDE], least);
        farthest = 0;
        for (int i = Y; i <= X; i++) {
            const double step = product(variance->at[i], told.score, PARAMETERS);
            at[i] += fmax(-STEP_MAX, fmin(STEP_MAX, step));
            farthest = fmax(farthest, fabs(step));
        }
    } while (farthest > STEP_LAST && ++round < ROUNDS);
    return hypot(at[Y], at[X]) <= fit->radius;
}

/* Standard deviation that a disk far above everything still has, pixels. */
#define SIGMA_FLOOR 0.03
/* The image of a disk is another where its middle moves by a variance of this part of the radius
 * squared, or by that of where in a pixel it lies. */
#define CHANGES (1. / 27)

/* What one image says, and more where chance moves the disk so far that its image is another. */
static double sigma_of(const struct matrix *variance, double radius)
{
    const double mean = (variance->at[Y][Y] + variance->at[X][X]) / 2;
    const double changes = fmax(BRAGG_PIXEL_VARIANCE, CHANGES * radius * radius);
    return sqrt(mean * (1 + mean / changes) + SIGMA_FLOOR * SIGMA_FLOOR);
}

bool bragg_disk_fit_place(const struct bragg_disk_fit *fit, const struct bragg_fit_window *window,
                          double counts, struct bragg_fitted *fitted)
{
    struct matrix variance;
    double at[PARAMETERS] = {counts / (M_PI * fit->radius * fit->radius), fitted->y, fitted->x};
    if (!find_place(fit, window, at, &variance))
        return false;
    *fitted = (struct bragg_fitted){at[Y], at[X], sigma_of(&variance, fit->radius)};
    return true;
}
