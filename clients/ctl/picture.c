#include "clients/ctl/picture.h"

#include <errno.h>
#include <math.h>
#include <png.h>
#include <stdlib.h>

#include "clients/ctl/output_file.h"

/* The palette: grey levels, even steps of which look even because sRGB is about as the eye is, and
 * two blues that no grey can be taken for. */
#define GREYS 254
#define HATCH_DARK 254
#define HATCH_LIGHT 255
#define PALETTE_SIZE 256

static void fill_palette(uint8_t palette[PALETTE_SIZE][3])
{
    for (unsigned i = 0; i < GREYS; i++)
        for (unsigned channel = 0; channel < 3; channel++)
            palette[i][channel] = (uint8_t)(i * 255 / (GREYS - 1));
    static const uint8_t blues[2][3] = {{0x1b, 0x2a, 0x49}, {0x3d, 0x5a, 0x99}};
    for (unsigned i = 0; i < 2; i++)
        for (unsigned channel = 0; channel < 3; channel++)
            palette[HATCH_DARK + i][channel] = blues[i][channel];
}

static uint8_t grey_level(double value, const struct array_statistics *statistics)
{
    const double range = statistics->high - statistics->low;
    if (!(range > 0))
        return GREYS / 2;
    const double level = (value - statistics->low) / range * (GREYS - 1);
    return (uint8_t)lrint(fmin(fmax(level, 0), GREYS - 1));
}

static void draw(uint8_t *pixels, const struct array *array, const struct array *measured,
                 const struct array_statistics *statistics)
{
    const size_t width = array->shape[array->n_dims - 1];
    for (size_t i = 0; i < array->count; i++) {
        if (array_is_measured(array, measured, i))
            pixels[i] = grey_level(array_value(array, i), statistics);
        else
            pixels[i] = (i / width + i % width) % 4 < 2 ? HATCH_DARK : HATCH_LIGHT;
    }
}

int picture_write_colours(const char *path, const uint8_t *pixels, uint32_t height, uint32_t width,
                          const uint8_t *palette, unsigned n_colours, struct error *error)
{
    struct output_file file;
    const int result = output_file_open(&file, path, error);
    if (result)
        return result;
    png_image image = {
        .version = PNG_IMAGE_VERSION,
        .height = height,
        .width = width,
        .format = PNG_FORMAT_RGB_COLORMAP,
        .colormap_entries = n_colours,
    };
    const bool written = png_image_write_to_stdio(&image, file.stream, 0, pixels, 0, palette);
    if (!written && !ferror(file.stream)) {
        output_file_abandon(&file);
        return error_set(error, -EIO, "cannot write %s: %s", path, image.message);
    }
    /* Where a write failed, this says why. */
    return output_file_commit(&file, error);
}

int picture_write(const char *path, const struct array *array, const struct array *measured,
                  const struct array_statistics *statistics, struct error *error)
{
    if (array->n_dims < 2 || array->n_dims > 3 || array->count == 0)
        return error_set(error, -EINVAL,
                         "cannot write %s: a picture needs two dimensions, and something in them; "
                         "take a .npy",
                         path);
    /* The passes of a scan with repeats come below each other. */
    const size_t width = array->shape[array->n_dims - 1];
    if (width > PNG_UINT_31_MAX || array->count / width > PNG_UINT_31_MAX)
        return error_set(error, -EINVAL, "cannot write %s: too large for a PNG; take a .npy", path);
    uint8_t *const pixels = malloc(array->count);
    if (!pixels)
        return error_set(error, -ENOMEM, "cannot write %s: no memory", path);
    uint8_t palette[PALETTE_SIZE][3];
    fill_palette(palette);
    draw(pixels, array, measured, statistics);
    const int result = picture_write_colours(path, pixels, (uint32_t)(array->count / width),
                                             (uint32_t)width, &palette[0][0], PALETTE_SIZE, error);
    free(pixels);
    return result;
}
