#include "daemon/record/figure/figure.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <tiffio.h>
#include <unistd.h>

/* ImageJ takes the unit from the description and, with it, the resolution as pixels per unit. */
static int describe(TIFF *tiff, const struct figure *figure)
{
    char text[512];
    const bool scaled = figure->x.units[0] && figure->x.step > 0;
    snprintf(text, sizeof text, "ImageJ=1.53t\nunit=%s\nmin=%.9g\nmax=%.9g\n%s (%s%s)\n",
             scaled ? figure->x.units : "pixel", figure->low, figure->high, figure->title,
             figure->logarithmic ? "log10 of " : "", figure->units);
    const float x = scaled ? (float)(1 / figure->x.step) : 1;
    const float y = scaled && figure->y.step > 0 ? (float)(1 / figure->y.step) : x;
    return TIFFSetField(tiff, TIFFTAG_IMAGEDESCRIPTION, text) &&
                   TIFFSetField(tiff, TIFFTAG_XRESOLUTION, x) &&
                   TIFFSetField(tiff, TIFFTAG_YRESOLUTION, y) &&
                   TIFFSetField(tiff, TIFFTAG_RESOLUTIONUNIT, RESUNIT_NONE) &&
                   TIFFSetField(tiff, TIFFTAG_SOFTWARE, "merlin-file " MERLIND_VERSION)
               ? 0
               : -1;
}

static int lay_out(TIFF *tiff, const struct figure *figure)
{
    return TIFFSetField(tiff, TIFFTAG_IMAGEWIDTH, (uint32_t)figure->width) &&
                   TIFFSetField(tiff, TIFFTAG_IMAGELENGTH, (uint32_t)figure->height) &&
                   TIFFSetField(tiff, TIFFTAG_BITSPERSAMPLE, 32) &&
                   TIFFSetField(tiff, TIFFTAG_SAMPLESPERPIXEL, 1) &&
                   TIFFSetField(tiff, TIFFTAG_SAMPLEFORMAT, SAMPLEFORMAT_IEEEFP) &&
                   TIFFSetField(tiff, TIFFTAG_PHOTOMETRIC, PHOTOMETRIC_MINISBLACK) &&
                   TIFFSetField(tiff, TIFFTAG_PLANARCONFIG, PLANARCONFIG_CONTIG) &&
                   TIFFSetField(tiff, TIFFTAG_ROWSPERSTRIP, (uint32_t)figure->height)
               ? 0
               : -1;
}

static int write_rows(TIFF *tiff, const struct figure *figure)
{
    float *const row = malloc(figure->width * sizeof *row);
    int r = row ? 0 : -1;
    for (uint32_t y = 0; r == 0 && y < figure->height; y++) {
        for (uint64_t x = 0; x < figure->width; x++)
            row[x] = (float)figure->values[y * figure->width + x];
        r = TIFFWriteScanline(tiff, row, y, 0) == 1 ? 0 : -1;
    }
    free(row);
    return r;
}

int figure_tiff(const struct figure *figure, struct plain_file *file, struct error *error)
{
    if (figure->kind == FIGURE_PROFILE)
        return error_set(error, -ENOTSUP, "a profile is no picture: take .svg or .pdf");
    const int descriptor = dup(fileno(file->stream));
    TIFF *const tiff = descriptor < 0 ? NULL : TIFFFdOpen(descriptor, file->name, "w");
    errno = 0;
    int r = -1;
    if (tiff && lay_out(tiff, figure) == 0 && describe(tiff, figure) == 0 &&
        write_rows(tiff, figure) == 0 && TIFFFlush(tiff) == 1)
        r = 0;
    if (r < 0)
        plain_file_failed(file, error);
    if (tiff)
        TIFFClose(tiff);
    else if (descriptor >= 0)
        close(descriptor);
    return r < 0 ? error->code : 0;
}
