#include "processing/analysis/map_ricom.h"

#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

struct map_ricom {
    uint32_t ny, nx, radius;
    size_t width;                /* of the kernels, 2 radius + 1 */
    double *kernel_y, *kernel_x; /* [width][width], the middle is the probe position */
    double *shift_y, *shift_x;   /* [ny][nx], what was added; NaN: nothing */
    double *phi;                 /* [ny][nx] */
};

static void fill_kernels(const struct map_ricom *ricom, double step)
{
    const double radius = ricom->radius;
    for (size_t i = 0; i < ricom->width; i++) {
        for (size_t j = 0; j < ricom->width; j++) {
            const double y = (double)i - radius, x = (double)j - radius;
            const double square = y * y + x * x;
            const double weight =
                square > 0 && square <= radius * radius ? step / (2 * M_PI * square) : 0;
            ricom->kernel_y[i * ricom->width + j] = weight * y;
            ricom->kernel_x[i * ricom->width + j] = weight * x;
        }
    }
}

int map_ricom_create(struct map_ricom **out, uint32_t ny, uint32_t nx, uint32_t radius, double step,
                     struct error *error)
{
    if (ny < 1 || nx < 1 || ny > 1U << 15 || nx > 1U << 15)
        return error_set(error, -EINVAL, "a map of %u x %u cannot be integrated: give 1 to 32768",
                         ny, nx);
    if (radius < 1 || radius > 4096 || !(step > 0) || !isfinite(step))
        return error_set(
            error, -EINVAL,
            "kernel radius %u and step %g: give 1 to 4096 positions and a step above 0", radius,
            step);
    struct map_ricom *const ricom = calloc(1, sizeof *ricom);
    if (!ricom)
        return error_set(error, -ENOMEM, "no memory for riCOM");
    const size_t n = (size_t)ny * nx, width = 2 * (size_t)radius + 1;
    *ricom = (struct map_ricom){
        .ny = ny,
        .nx = nx,
        .radius = radius,
        .width = width,
        .kernel_y = malloc(width * width * sizeof(double)),
        .kernel_x = malloc(width * width * sizeof(double)),
        .shift_y = malloc(n * sizeof(double)),
        .shift_x = malloc(n * sizeof(double)),
        .phi = malloc(n * sizeof(double)),
    };
    if (!ricom->kernel_y || !ricom->kernel_x || !ricom->shift_y || !ricom->shift_x || !ricom->phi) {
        map_ricom_destroy(ricom);
        return error_set(error, -ENOMEM, "no memory for riCOM over %u x %u positions", ny, nx);
    }
    fill_kernels(ricom, step);
    map_ricom_clear(ricom);
    *out = ricom;
    return 0;
}

void map_ricom_destroy(struct map_ricom *ricom)
{
    if (!ricom)
        return;
    free(ricom->kernel_y);
    free(ricom->kernel_x);
    free(ricom->shift_y);
    free(ricom->shift_x);
    free(ricom->phi);
    free(ricom);
}

void map_ricom_clear(struct map_ricom *ricom)
{
    for (size_t i = 0; i < (size_t)ricom->ny * ricom->nx; i++) {
        ricom->shift_y[i] = ricom->shift_x[i] = NAN;
        ricom->phi[i] = 0;
    }
}

/* Adds shift times kernel, cut off at the map's borders. */
static void add_kernel(const struct map_ricom *ricom, uint32_t row, uint32_t column, double shift_y,
                       double shift_x)
{
    const uint32_t radius = ricom->radius;
    const uint32_t top = row > radius ? row - radius : 0;
    const uint32_t left = column > radius ? column - radius : 0;
    const uint32_t bottom = ricom->ny - 1 - row > radius ? row + radius : ricom->ny - 1;
    const uint32_t right = ricom->nx - 1 - column > radius ? column + radius : ricom->nx - 1;
    for (uint32_t y = top; y <= bottom; y++) {
        const size_t start = (size_t)(y + radius - row) * ricom->width + (left + radius - column);
        const double *const kernel_y = ricom->kernel_y + start;
        const double *const kernel_x = ricom->kernel_x + start;
        double *const phi = ricom->phi + (size_t)y * ricom->nx + left;
        for (uint32_t i = 0; i <= right - left; i++)
            phi[i] += shift_y * kernel_y[i] + shift_x * kernel_x[i];
    }
}

int map_ricom_add(struct map_ricom *ricom, uint32_t row, uint32_t column, double shift_y,
                  double shift_x)
{
    if (row >= ricom->ny || column >= ricom->nx)
        return -EINVAL;
    const size_t i = (size_t)row * ricom->nx + column;
    const double before_y = ricom->shift_y[i], before_x = ricom->shift_x[i];
    const bool was_there = !isnan(before_y), is_there = isfinite(shift_y) && isfinite(shift_x);
    ricom->shift_y[i] = is_there ? shift_y : NAN;
    ricom->shift_x[i] = is_there ? shift_x : NAN;
    const double more_y = (is_there ? shift_y : 0) - (was_there ? before_y : 0);
    const double more_x = (is_there ? shift_x : 0) - (was_there ? before_x : 0);
    if (more_y != 0 || more_x != 0)
        add_kernel(ricom, row, column, more_y, more_x);
    return 0;
}

void map_ricom_get(const struct map_ricom *ricom, double *phi)
{
    for (size_t i = 0; i < (size_t)ricom->ny * ricom->nx; i++)
        phi[i] = isnan(ricom->shift_y[i]) ? NAN : ricom->phi[i];
}
