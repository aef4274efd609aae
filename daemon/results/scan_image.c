#include "daemon/results/scan_image.h"

#include <math.h>
#include <stddef.h>

/* Of one position along one axis: pixels [first, end) and where the part begins and ends. */
struct span {
    double from, to;
    uint32_t first, end;
};

static struct span span_of(double position, double scale, uint32_t n_pixels)
{
    const double from = position * scale, to = (position + 1) * scale;
    return (struct span){
        .from = from,
        .to = to,
        .first = (uint32_t)fmin(fmax(floor(from), 0), n_pixels),
        .end = (uint32_t)fmin(fmax(ceil(to), 0), n_pixels),
    };
}

/* How much of a pixel lies in the part. */
static double share(const struct span *span, uint32_t pixel)
{
    return fmin(span->to, pixel + 1.0) - fmax(span->from, pixel);
}

static double mean_of(const struct scan_image *image, const struct span *rows,
                      const struct span *columns)
{
    double sum = 0, area = 0;
    for (uint32_t y = rows->first; y < rows->end; y++) {
        const double *const row = image->pixels + (size_t)y * image->width;
        const double of_row = share(rows, y);
        for (uint32_t x = columns->first; x < columns->end; x++) {
            const double weight = of_row * share(columns, x);
            if (isnan(row[x]) || weight <= 0)
                continue;
            sum += weight * row[x];
            area += weight;
        }
    }
    /* Half of it, but for rounding. */
    const double whole = (rows->to - rows->from) * (columns->to - columns->from);
    return area > 0.499999 * whole ? sum / area : NAN;
}

void scan_image_values(double *values, const struct scan_image *image, uint32_t ny, uint32_t nx,
                       double shift_y, double shift_x)
{
    const double scale_y = (double)image->height / ny, scale_x = (double)image->width / nx;
    for (uint32_t y = 0; y < ny; y++) {
        const struct span rows = span_of(y + shift_y, scale_y, image->height);
        for (uint32_t x = 0; x < nx; x++) {
            const struct span columns = span_of(x + shift_x, scale_x, image->width);
            values[(size_t)y * nx + x] = mean_of(image, &rows, &columns);
        }
    }
}
