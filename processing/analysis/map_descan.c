#include "processing/analysis/map_descan.h"

#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "processing/analysis/least_squares.h"

static const unsigned terms_of_model[] = {
    [DESCAN_CONSTANT] = 1, [DESCAN_PLANE] = 3, [DESCAN_PARABOLA] = 6};

/* Below this, residuals are rounding and nothing is an outlier. Pixels. */
static const double smallest_rms = 1e-9;

/* Leaving out what lies beyond 2 rms also costs good positions, and those that tell most: with
 * Gaussian noise the coefficients scatter 1.2 times as much as those of plain least squares
 * (simulated). */
static const double cost_of_trimming = 1.2;

/* Rows and columns are scaled to about -1 ... 1, else the parabola's equations lose digits. */
struct problem {
    struct descan_fit *fit;
    const double *com_y, *com_x;
    uint32_t ny, nx;
    double scale_y, scale_x;
    bool *used;
};

static void terms_at(double *terms, unsigned n_terms, double v, double u)
{
    const double all[DESCAN_MAX_TERMS] = {1, v, u, v * v, v * u, u * u};
    memcpy(terms, all, n_terms * sizeof *terms);
}

static double dot(const double *a, const double *b, unsigned n)
{
    double sum = 0;
    for (unsigned i = 0; i < n; i++)
        sum += a[i] * b[i];
    return sum;
}

void descan_at(const struct descan_fit *fit, double row, double column, double *shift_y,
               double *shift_x)
{
    double terms[DESCAN_MAX_TERMS];
    terms_at(terms, fit->n_terms, row - fit->centre_y, column - fit->centre_x);
    *shift_y = dot(fit->y, terms, fit->n_terms);
    *shift_x = dot(fit->x, terms, fit->n_terms);
}

void descan_subtract(const struct descan_fit *fit, double *com_y, double *com_x, uint32_t ny,
                     uint32_t nx)
{
    for (uint32_t y = 0; y < ny; y++) {
        for (uint32_t x = 0; x < nx; x++) {
            double shift_y, shift_x;
            descan_at(fit, y, x, &shift_y, &shift_x);
            com_y[(uint64_t)y * nx + x] -= shift_y;
            com_x[(uint64_t)y * nx + x] -= shift_x;
        }
    }
}

/* Position i from the middle of the map. */
static void place_of(const struct problem *problem, uint64_t i, double *v, double *u)
{
    const uint64_t row = i / problem->nx, column = i % problem->nx;
    *v = (double)row - problem->fit->centre_y;
    *u = (double)column - problem->fit->centre_x;
}

static bool is_measured(const struct problem *problem, uint64_t i)
{
    return isfinite(problem->com_y[i]) && isfinite(problem->com_x[i]);
}

static void residuals_at(const struct problem *problem, uint64_t i, double *residual_y,
                         double *residual_x)
{
    const struct descan_fit *const fit = problem->fit;
    double terms[DESCAN_MAX_TERMS], v, u;
    place_of(problem, i, &v, &u);
    terms_at(terms, fit->n_terms, v, u);
    *residual_y = problem->com_y[i] - dot(fit->y, terms, fit->n_terms);
    *residual_x = problem->com_x[i] - dot(fit->x, terms, fit->n_terms);
}

/* Takes the scales out of the coefficients; the covariance's diagonal goes where the errors will
 * be. */
static void unscale(const struct problem *problem, least_squares_matrix covariance)
{
    struct descan_fit *const fit = problem->fit;
    double units[DESCAN_MAX_TERMS];
    terms_at(units, fit->n_terms, 1 / problem->scale_y, 1 / problem->scale_x);
    for (unsigned i = 0; i < fit->n_terms; i++) {
        fit->y[i] *= units[i];
        fit->x[i] *= units[i];
        fit->y_error[i] = fit->x_error[i] = sqrt(covariance[i][i]) * units[i];
    }
}

static int solve_used(const struct problem *problem)
{
    struct descan_fit *const fit = problem->fit;
    struct normal_equations for_y, for_x;
    least_squares_matrix covariance;
    normal_equations_init(&for_y, fit->n_terms);
    normal_equations_init(&for_x, fit->n_terms);
    for (uint64_t i = 0; i < (uint64_t)problem->ny * problem->nx; i++) {
        double terms[DESCAN_MAX_TERMS], v, u;
        if (!problem->used[i])
            continue;
        place_of(problem, i, &v, &u);
        terms_at(terms, fit->n_terms, v / problem->scale_y, u / problem->scale_x);
        normal_equations_add(&for_y, terms, problem->com_y[i], 1);
        normal_equations_add(&for_x, terms, problem->com_x[i], 1);
    }
    const int result = normal_equations_solve(&for_y, 0, fit->y, covariance);
    if (result < 0)
        return result;
    normal_equations_solve(&for_x, 0, fit->x, NULL);
    unscale(problem, covariance);
    return 0;
}

/* Chooses anew, among all measured positions, those within twice the rms of the present ones. */
static void leave_outliers_out(struct problem *problem)
{
    const uint64_t n_positions = (uint64_t)problem->ny * problem->nx;
    double squares_y = 0, squares_x = 0, residual_y, residual_x;
    for (uint64_t i = 0; i < n_positions; i++) {
        if (!problem->used[i])
            continue;
        residuals_at(problem, i, &residual_y, &residual_x);
        squares_y += residual_y * residual_y;
        squares_x += residual_x * residual_x;
    }
    const double n_used = (double)problem->fit->n_used;
    const double limit_y = 2 * fmax(sqrt(squares_y / n_used), smallest_rms);
    const double limit_x = 2 * fmax(sqrt(squares_x / n_used), smallest_rms);
    problem->fit->n_used = 0;
    for (uint64_t i = 0; i < n_positions; i++) {
        if (!is_measured(problem, i))
            continue;
        residuals_at(problem, i, &residual_y, &residual_x);
        problem->used[i] = fabs(residual_y) <= limit_y && fabs(residual_x) <= limit_x;
        problem->fit->n_used += problem->used[i];
    }
}

static int compare_doubles(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double robust_deviation(double *magnitudes, uint64_t n)
{
    qsort(magnitudes, n, sizeof *magnitudes, compare_doubles);
    return 1.4826 * magnitudes[n / 2];
}

static int find_errors(const struct problem *problem)
{
    struct descan_fit *const fit = problem->fit;
    double *const magnitudes = malloc(2 * fit->n_measured * sizeof *magnitudes);
    if (!magnitudes)
        return -ENOMEM;
    uint64_t n = 0;
    for (uint64_t i = 0; i < (uint64_t)problem->ny * problem->nx; i++) {
        double residual_y, residual_x;
        if (!is_measured(problem, i))
            continue;
        residuals_at(problem, i, &residual_y, &residual_x);
        magnitudes[n] = fabs(residual_y);
        magnitudes[fit->n_measured + n++] = fabs(residual_x);
    }
    fit->noise_y = robust_deviation(magnitudes, n);
    fit->noise_x = robust_deviation(magnitudes + fit->n_measured, n);
    for (unsigned i = 0; i < fit->n_terms; i++) {
        fit->y_error[i] *= cost_of_trimming * fit->noise_y;
        fit->x_error[i] *= cost_of_trimming * fit->noise_x;
    }
    free(magnitudes);
    return 0;
}

static int fit_robustly(struct problem *problem, struct error *error)
{
    struct descan_fit *const fit = problem->fit;
    enum { ROBUST_STEPS = 3 };
    for (unsigned step = 0;; step++) {
        if (fit->n_used <= fit->n_terms)
            return error_set(error, -ENODATA,
                             "descan of %u terms needs more than %u positions, of %llu measured "
                             "ones %llu could be used",
                             fit->n_terms, fit->n_terms, (unsigned long long)fit->n_measured,
                             (unsigned long long)fit->n_used);
        if (solve_used(problem) < 0)
            return error_set(error, -EDOM,
                             "the %llu measured positions do not fix a descan of %u terms: take a "
                             "simpler model or a wider scan",
                             (unsigned long long)fit->n_measured, fit->n_terms);
        if (step == ROBUST_STEPS)
            break;
        leave_outliers_out(problem);
    }
    return find_errors(problem) == 0 ? 0 : error_set(error, -ENOMEM, "no memory for a descan fit");
}

int descan_fit(struct descan_fit *fit, enum descan_model model, const double *com_y,
               const double *com_x, uint32_t ny, uint32_t nx, struct error *error)
{
    const uint64_t n_positions = (uint64_t)ny * nx;
    struct problem problem = {
        .fit = fit,
        .com_y = com_y,
        .com_x = com_x,
        .ny = ny,
        .nx = nx,
        .scale_y = ny > 1 ? (ny - 1) / 2.0 : 1,
        .scale_x = nx > 1 ? (nx - 1) / 2.0 : 1,
        .used = calloc(n_positions ? n_positions : 1, sizeof *problem.used),
    };
    if (!problem.used)
        return error_set(error, -ENOMEM, "no memory for a descan fit");
    *fit = (struct descan_fit){
        .model = model,
        .n_terms = terms_of_model[model],
        .centre_y = ny ? (ny - 1) / 2.0 : 0,
        .centre_x = nx ? (nx - 1) / 2.0 : 0,
    };
    for (uint64_t i = 0; i < n_positions; i++)
        fit->n_measured += problem.used[i] = is_measured(&problem, i);
    fit->n_used = fit->n_measured;
    const int result = fit_robustly(&problem, error);
    free(problem.used);
    return result;
}
