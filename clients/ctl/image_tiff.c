#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <tiffio.h>

#include "clients/ctl/image_file.h"

/* What the pixels of a page are. */
struct page {
    uint32_t width, height;
    uint16_t bits, samples, format; /* of a sample; format: SAMPLEFORMAT_... */
    bool inverted;                  /* 0 is white */
};

static int read_page(struct page *page, TIFF *tiff, const char *path, struct error *error)
{
    uint16_t photometric = PHOTOMETRIC_MINISBLACK;
    TIFFGetField(tiff, TIFFTAG_IMAGEWIDTH, &page->width);
    TIFFGetField(tiff, TIFFTAG_IMAGELENGTH, &page->height);
    TIFFGetFieldDefaulted(tiff, TIFFTAG_BITSPERSAMPLE, &page->bits);
    TIFFGetFieldDefaulted(tiff, TIFFTAG_SAMPLESPERPIXEL, &page->samples);
    TIFFGetFieldDefaulted(tiff, TIFFTAG_SAMPLEFORMAT, &page->format);
    TIFFGetField(tiff, TIFFTAG_PHOTOMETRIC, &photometric);
    page->inverted = photometric == PHOTOMETRIC_MINISWHITE;
    const bool floating = page->format == SAMPLEFORMAT_IEEEFP;
    const bool whole = page->format == SAMPLEFORMAT_UINT || page->format == SAMPLEFORMAT_INT;
    if (page->samples != 1 || TIFFIsTiled(tiff) || photometric == PHOTOMETRIC_PALETTE ||
        !((whole && (page->bits == 8 || page->bits == 16 || page->bits == 32)) ||
          (floating && (page->bits == 32 || page->bits == 64))))
        return error_set(
            error, -EINVAL,
            "%s: only grey pixels of 8, 16 or 32 bits, or of floating point, in strips "
            "are read: save it so, or as .npy",
            path);
    return 0;
}

static double sample(const struct page *page, const uint8_t *at)
{
    const bool is_signed = page->format == SAMPLEFORMAT_INT;
    uint32_t bits = 0;
    float single;
    double number;
    if (page->format == SAMPLEFORMAT_IEEEFP && page->bits == 64) {
        memcpy(&number, at, sizeof number);
        return number;
    }
    memcpy(&bits, at, page->bits / 8);
    if (page->format == SAMPLEFORMAT_IEEEFP) {
        memcpy(&single, &bits, sizeof single);
        return single;
    }
    const unsigned unused = 32 - page->bits;
    return is_signed ? (double)((int32_t)(bits << unused) >> unused) : (double)bits;
}

static void put(struct image_file *file, size_t i, double value)
{
    const float single = (float)value;
    if (file->array.item_size == sizeof single)
        memcpy(file->bytes + i * sizeof single, &single, sizeof single);
    else
        memcpy(file->bytes + i * sizeof value, &value, sizeof value);
}

static int read_lines(struct image_file *file, TIFF *tiff, const struct page *page,
                      const char *path, struct error *error)
{
    uint8_t *const line = malloc((size_t)TIFFScanlineSize(tiff) + 1);
    const double sign = page->inverted ? -1 : 1;
    if (!line)
        return error_set(error, -ENOMEM, "no memory for %s", path);
    int r = 0;
    for (uint32_t y = 0; r == 0 && y < page->height; y++) {
        if (TIFFReadScanline(tiff, line, y, 0) != 1)
            r = error_set(error, -EINVAL, "%s: line %u cannot be read: the file is damaged", path,
                          y);
        for (uint32_t x = 0; r == 0 && x < page->width; x++)
            put(file, (size_t)y * page->width + x,
                sign * sample(page, line + (size_t)x * page->bits / 8));
    }
    free(line);
    return r;
}

int image_tiff_read(struct image_file *file, const char *path, const struct image_choice *choice,
                    struct error *error)
{
    struct page page = {0};
    TIFFSetWarningHandler(NULL); /* of tags that it does not know: microscopes write their own */
    TIFFSetErrorHandler(NULL);
    TIFF *const tiff = TIFFOpen(path, "r");
    if (!tiff)
        return error_set(error, -EINVAL, "%s cannot be read as a TIFF image", path);
    int r = 0;
    if (choice->page > UINT16_MAX || TIFFSetDirectory(tiff, (tdir_t)choice->page) != 1)
        r = error_set(error, -EINVAL, "%s has no page %u (from 0)", path, choice->page);
    if (r == 0)
        r = read_page(&page, tiff, path, error);
    if (r == 0)
        r = image_file_give_memory(file, path, page.height, page.width,
                                   page.bits <= 16 ||
                                           (page.bits == 32 && page.format == SAMPLEFORMAT_IEEEFP)
                                       ? sizeof(float)
                                       : sizeof(double),
                                   error);
    if (r == 0)
        r = read_lines(file, tiff, &page, path, error);
    TIFFClose(tiff);
    return r;
}
