#pragma once

#include "clients/ctl/array.h"

/*
 * A map of classes (0 none, 1 two-beam, 2 three-beam, 3 on-axis, 4 multiple, 254 excluded, the rest
 * not analysed) as a picture, row 0 on top, the passes of a scan with repeats below each other,
 * with a legend that counts them. Colours that people with any colour vision tell apart (Okabe and
 * Ito 2008). 0 or a negative errno with a sentence.
 */

/* Each position a square of pixels, so that the longer side has 512 or more. */
int class_picture_png(const char *path, const struct array *classes, struct error *error);

/* Each position a square of 1 unit; scales without loss. */
int class_picture_svg(const char *path, const struct array *classes, struct error *error);
