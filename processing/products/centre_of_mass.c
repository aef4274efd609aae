#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "processing/kernels/kernels.h"
#include "processing/products/bit_mask.h"
#include "processing/products/product.h"

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

/*
 * The moments of a 1-bit frame are counts of bits: with x_d the binary digits of x,
 * sum(x n) = sum over d of 2^d * (set pixels whose x_d is 1).
 */
#define MAX_DIGITS 16

struct digit_masks {
    unsigned n; /* digits that a coordinate can have */
    struct bit_mask masks[MAX_DIGITS];
};

struct centre_of_mass {
    const struct kernels *kernels;
    struct bit_mask everything; /* without words: frames have no bits */
    struct digit_masks y, x;
};

static uint64_t moment_of_bits(const struct digit_masks *digits, const uint8_t *bits)
{
    uint64_t moment = 0;
    for (unsigned digit = 0; digit < digits->n; digit++)
        moment += bit_mask_count(&digits->masks[digit], bits) << digit;
    return moment;
}

static void frame(const struct product *product, struct frame *frame, uint64_t *columns)
{
    const struct centre_of_mass *const state = product->state;
    const uint8_t *const bits = state->everything.words ? frame_bits(frame) : NULL;
    struct moments moments;
    if (bits)
        moments =
            (struct moments){bit_mask_count(&state->everything, bits),
                             moment_of_bits(&state->y, bits), moment_of_bits(&state->x, bits)};
    else
        state->kernels->moments(&moments, frame_image(frame), product->format.height,
                                product->format.width);
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

static void digit_masks_finish(struct digit_masks *digits)
{
    for (unsigned digit = 0; digit < digits->n; digit++)
        bit_mask_finish(&digits->masks[digit]);
}

static void finish(struct product *product)
{
    struct centre_of_mass *const state = product->state;
    if (state) {
        bit_mask_finish(&state->everything);
        digit_masks_finish(&state->y);
        digit_masks_finish(&state->x);
    }
    free(state);
    free(product->maps);
    product->state = NULL;
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

/* ---- masks for 1-bit frames ---- */

/* What the masks are made from, and memory for one of them. */
struct making {
    const struct pixel_format *format;
    struct bit_order order;
    uint8_t *selected;
    enum cpu_isa isa;
};

/* Selects the pixels whose y, or x, has the digit. */
static void select_digit(const struct making *making, bool of_y, unsigned digit)
{
    const uint32_t width = making->format->width;
    for (uint32_t y = 0; y < making->format->height; y++) {
        for (uint32_t x = 0; x < width; x++)
            making->selected[(size_t)y * width + x] = (of_y ? y : x) >> digit & 1;
    }
}

static int make_digits(const struct making *making, struct digit_masks *digits, bool of_y)
{
    const uint32_t length = of_y ? making->format->height : making->format->width;
    int status = 0;
    for (unsigned digit = 0; digit < MAX_DIGITS && (length - 1) >> digit && !status; digit++) {
        select_digit(making, of_y, digit);
        status =
            bit_mask_init(&digits->masks[digit], making->selected, &making->order, making->isa);
        digits->n = digit + 1;
    }
    return status;
}

static int make_masks(struct centre_of_mass *state, const struct making *making)
{
    memset(making->selected, 1, (size_t)making->format->height * making->format->width);
    int status = bit_mask_init(&state->everything, making->selected, &making->order, making->isa);
    if (!status && state->everything.words)
        status = make_digits(making, &state->y, true);
    if (!status && state->everything.words)
        status = make_digits(making, &state->x, false);
    return status;
}

static int prepare_bits(struct centre_of_mass *state, const struct pixel_format *format,
                        enum cpu_isa isa)
{
    struct making making = {.format = format, .isa = isa};
    if (!bit_order_applies(format) || format->width > UINT32_C(1) << MAX_DIGITS ||
        format->height > UINT32_C(1) << MAX_DIGITS)
        return 0;
    making.selected = malloc((size_t)format->height * format->width);
    int status = making.selected ? bit_order_init(&making.order, format) : -ENOMEM;
    if (!status)
        status = make_masks(state, &making);
    bit_order_finish(&making.order);
    free(making.selected);
    return status;
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
    struct centre_of_mass *const state = calloc(1, sizeof *state);
    product->state = state;
    product->maps = malloc(sizeof map_descriptions);
    if (!state || !product->maps || prepare_bits(state, format, isa) < 0) {
        finish(product);
        return error_set(error, -ENOMEM, "no memory for the centre of mass");
    }
    state->kernels = kernels;
    memcpy(product->maps, map_descriptions, sizeof map_descriptions);
    product->class = &class;
    product->format = *format;
    product->n_columns = N_COLUMNS;
    product->n_maps = N_MAPS;
    return 0;
}
