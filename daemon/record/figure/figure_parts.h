#pragma once

#include <cairo.h>

#include "common/class_colours.h"
#include "daemon/record/figure/figure.h"

/* What figure_draw is put together from. */

extern const uint8_t figure_gap_colour[3]; /* of pixels without a value */
bool figure_has_gaps(const struct figure *figure);

/* The pixels, with the first one's corner at (x, y), `scale` points each. -1: no memory. */
int figure_paint(cairo_t *cairo, const struct figure *figure, double x, double y, double scale);

/* `align`: 0 begins at x, 0.5 is centred, 1 ends there. */
void figure_text(cairo_t *cairo, double x, double y, double align, const char *text);
