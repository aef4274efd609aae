#include "processing/products/product_rings.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

int product_rings_init(struct product_rings *rings, const struct radial_settings *settings,
                       const uint8_t *bad, const struct pixel_format *format, uint32_t max_bins,
                       enum cpu_isa isa, const char *what, struct error *error)
{
    *rings = (struct product_rings){.kernels = radial_kernels_for(isa, format->pixel_size)};
    if (!rings->kernels)
        return error_set(error, -ENOTSUP, "%s: no code for pixels of %" PRIu32 " bytes", what,
                         format->pixel_size);
    int status = radial_bins_init(&rings->bins, settings, bad, format->height, format->width,
                                  max_bins, error);
    if (status)
        return status;
    status = radial_plan_init(&rings->plan, &rings->bins, radial_kernels_need_tiles(isa));
    if (!status)
        return 0;
    product_rings_finish(rings);
    return error_set(error, -ENOMEM, "no memory for the %s", what);
}

void product_rings_finish(struct product_rings *rings)
{
    radial_plan_finish(&rings->plan);
    radial_bins_finish(&rings->bins);
    memset(rings, 0, sizeof *rings);
}

int product_of_rings_begin(struct product *product, const struct product_class *class,
                           const struct pixel_format *format, size_t state_size, const char *what,
                           struct error *error)
{
    product->state = calloc(1, state_size);
    if (!product->state)
        return error_set(error, -ENOMEM, "no memory for the %s", what);
    product->class = class;
    product->format = *format;
    return 0;
}

int product_of_rings_end(struct product *product, int status, struct product_array *arrays,
                         unsigned n_arrays, const char *what, struct error *error)
{
    product->arrays = arrays;
    if (!status && !arrays)
        status = error_set(error, -ENOMEM, "no memory for the %s", what);
    if (status)
        product_of_rings_finish(product);
    else
        product->n_arrays = n_arrays;
    return status;
}

void product_of_rings_finish(struct product *product)
{
    struct product_rings *const rings = product->state;
    if (rings)
        product_rings_finish(rings);
    free(rings);
    free(product->arrays);
    product->class = NULL;
    product->state = NULL;
    product->arrays = NULL;
}
