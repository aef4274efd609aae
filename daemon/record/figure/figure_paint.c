#include "daemon/record/figure/figure_parts.h"

#include <math.h>

/* A viewer that smooths pictures must not smooth these: each pixel is drawn as a square of several,
 * until the picture has about so many. */
#define FINE_SIDE 680

const uint8_t figure_gap_colour[3] = {0xb8, 0xcc, 0xe4};

bool figure_has_gaps(const struct figure *figure)
{
    for (uint64_t i = 0; i < figure->height * figure->width; i++) {
        if (!isfinite(figure->values[i]))
            return true;
    }
    return false;
}

static uint32_t packed(const uint8_t colour[3])
{
    return (uint32_t)colour[0] << 16 | (uint32_t)colour[1] << 8 | colour[2];
}

static uint32_t colour_of(const struct figure *figure, double value)
{
    if (figure->kind == FIGURE_CLASSES)
        return packed(class_colours[class_colour_of(value)]);
    if (!isfinite(value))
        return packed(figure_gap_colour);
    const double range = figure->high - figure->low;
    const double level = range > 0 ? (value - figure->low) / range : 0.5;
    const uint8_t grey = (uint8_t)lrint(255 * fmin(fmax(level, 0), 1));
    return packed((uint8_t[]){grey, grey, grey});
}

static void fill(cairo_surface_t *image, const struct figure *figure, uint32_t zoom)
{
    uint8_t *const pixels = cairo_image_surface_get_data(image);
    const size_t stride = (size_t)cairo_image_surface_get_stride(image);
    cairo_surface_flush(image);
    for (uint64_t y = 0; y < figure->height * zoom; y++) {
        /* Lines are aligned for 32-bit pixels. */
        uint32_t *const line = __builtin_assume_aligned(pixels + y * stride, sizeof(uint32_t));
        const double *const row = figure->values + y / zoom * figure->width;
        for (uint64_t x = 0; x < figure->width * zoom; x++)
            line[x] = colour_of(figure, row[x / zoom]);
    }
    cairo_surface_mark_dirty(image);
}

int figure_paint(cairo_t *cairo, const struct figure *figure, double x, double y, double scale)
{
    const uint64_t longer = figure->width > figure->height ? figure->width : figure->height;
    const uint32_t zoom = longer < FINE_SIDE ? (uint32_t)((FINE_SIDE + longer - 1) / longer) : 1;
    cairo_surface_t *const image = cairo_image_surface_create(
        CAIRO_FORMAT_RGB24, (int)(figure->width * zoom), (int)(figure->height * zoom));
    if (cairo_surface_status(image) != CAIRO_STATUS_SUCCESS) {
        cairo_surface_destroy(image);
        return -1;
    }
    fill(image, figure, zoom);
    cairo_save(cairo);
    cairo_translate(cairo, x, y);
    cairo_scale(cairo, scale / zoom, scale / zoom);
    cairo_set_source_surface(cairo, image, 0, 0);
    cairo_pattern_set_filter(cairo_get_source(cairo), CAIRO_FILTER_NEAREST);
    cairo_paint(cairo);
    cairo_restore(cairo);
    cairo_surface_destroy(image);
    return 0;
}
