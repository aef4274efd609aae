#pragma once

#include <stddef.h>
#include <stdint.h>

#include "clients/ctl/array.h"
#include "common/class_colours.h"

/* What the pictures of a map of classes share. */
struct class_legend {
    size_t n_lines;
    struct {
        unsigned colour;
        char text[48]; /* "two-beam 1234 (12.3 %)", the percentage of positions with a class */
    } lines[CLASS_COLOURS];
};

/* Classes always; excluded and not analysed where there are any. */
void class_legend_fill(struct class_legend *legend, const struct array *classes);
