#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "processing/kernels/kernels.h"
#include "processing/product.h"

/* Centre of mass of the whole frame. Columns are the integer sums; the division is left to whoever
 * looks at a map. */
enum { COLUMN_SUM, COLUMN_Y, COLUMN_X, N_COLUMNS };
enum { MAP_Y, MAP_X, N_MAPS };

static const struct product_map map_descriptions[N_MAPS] = {
    [MAP_Y] =
        {"com_y", MAP_DTYPE_F64, "px",
         "centre of mass of the frame along y, sum(y n) / sum(n); row 0 is 0, NaN without counts"},
    [MAP_X] = {"com_x", MAP_DTYPE_F64, "px",
               "centre of mass of the frame along x, sum(x n) / sum(n); column 0 is 0, NaN without "
               "counts"},
};

static void frame(const struct product *product, struct frame *frame, uint64_t *columns)
{
    const void *const image = frame_image(frame);
    const struct kernels *const kernels = product->state;
    struct moments moments;
    kernels->moments(&moments, image, product->format.height, product->format.width);
    columns[COLUMN_SUM] = moments.sum;
    columns[COLUMN_Y] = moments.y;
    columns[COLUMN_X] = moments.x;
}

static void map_value(const struct product *product, unsigned map, const uint64_t *columns,
                      void *value)
{
    const uint64_t moment = columns[map == MAP_Y ? COLUMN_Y : COLUMN_X];
    const uint64_t sum = columns[COLUMN_SUM];
    const double centre = sum ? (double)moment / (double)sum : NAN;
    memcpy(value, &centre, sizeof centre);
}

static void finish(struct product *product)
{
    free(product->maps);
    product->maps = NULL;
}

static const struct product_class class = {
    .kind = "centre_of_mass",
    .frame = frame,
    .map_value = map_value,
    .finish = finish,
};

/* Whether sum(y n) and sum(x n) of a frame with every pixel at full scale fit 64 bits. */
static bool moments_fit(const struct pixel_format *format)
{
    const uint64_t full_scale = UINT64_MAX >> (64 - 8 * format->pixel_size);
    const uint64_t longer = format->height > format->width ? format->height : format->width;
    uint64_t bound = full_scale * longer; /* at most 64 bits */
    return !__builtin_mul_overflow(bound, format->height, &bound) &&
           !__builtin_mul_overflow(bound, format->width, &bound);
}

int centre_of_mass_prepare(struct product *product, const struct pixel_format *format,
                           enum cpu_isa isa, struct error *error)
{
    const struct kernels *const kernels = kernels_for(isa, format->pixel_size);
    if (!kernels)
        return error_set(error, -ENOTSUP, "centre of mass: no code for pixels of %" PRIu32 " bytes",
                         format->pixel_size);
    if (!moments_fit(format))
        return error_set(error, -EOVERFLOW,
                         "centre of mass: frames of %" PRIu32 " x %" PRIu32 " pixels of %" PRIu32
                         " bytes are too large for 64-bit sums",
                         format->height, format->width, format->pixel_size);
    product->maps = malloc(sizeof map_descriptions);
    if (!product->maps)
        return error_set(error, -ENOMEM, "no memory for the centre of mass");
    memcpy(product->maps, map_descriptions, sizeof map_descriptions);
    product->class = &class;
    product->format = *format;
    product->n_columns = N_COLUMNS;
    product->n_maps = N_MAPS;
    product->state = (void *)kernels;
    return 0;
}
