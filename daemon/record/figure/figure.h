#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "common/error.h"
#include "daemon/record/file_recording.h"
#include "daemon/record/plain_file.h"
#include "daemon/record/reader_views.h"

/* A result or a pattern of a recorded file as a figure: read by figure_read, drawn by figure_draw
 * (SVG, PDF) or written as numbers by figure_tiff. */

enum figure_kind {
    FIGURE_IMAGE,   /* a map or a pattern */
    FIGURE_CLASSES, /* a map of classes of Bragg reflections (class_colours.h) */
    FIGURE_PROFILE, /* height 1, over the axis x */
};

struct figure {
    enum figure_kind kind;
    char title[FILE_NAME_SIZE], units[FILE_NAME_SIZE]; /* of the values */
    uint64_t height, width;
    double *values;          /* [height][width]; NaN: none */
    struct reader_axis y, x; /* units "": only counted */
    double low, high;        /* of the grey scale, or of a profile's axis */
    bool logarithmic;        /* values are their logarithms to base 10 */
};

/* What of the file is wanted. */
struct figure_wish {
    const char *what; /* a result's name, or "Y,X" (of a stack "N"): the pattern stored there */
    uint64_t pass;    /* of a scan with several, from 0 */
    bool logarithmic;
    bool has_range;
    double low, high;
};

/* -ENOENT, -EINVAL, -EIO, -ENOMEM with a sentence. figure_finish in any case. */
int figure_read(struct figure *figure, const struct file_recording *recording,
                const struct figure_wish *wish, struct error *error);
void figure_finish(struct figure *figure);

/* Values of a map or a profile of /entry/results, for figure_read. */
int figure_read_result(struct figure *figure, hid_t entry, const struct figure_wish *wish,
                       struct error *error);
/* 0: memory for height * width values, or -ENOMEM with a sentence. */
int figure_make_room(struct figure *figure, struct error *error);

enum figure_form { FIGURE_SVG, FIGURE_PDF };

/* With a scale bar, a scale of greys with its units or a legend of classes; profiles with axes. */
int figure_draw(const struct figure *figure, enum figure_form form, struct plain_file *file,
                struct error *error);

/* One page of 32-bit floats; NaN where there is no value. Resolution in pixels per unit of the
 * axes, and the unit in the description as ImageJ has it. -ENOTSUP: a profile. */
int figure_tiff(const struct figure *figure, struct plain_file *file, struct error *error);
