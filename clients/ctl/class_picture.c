#include "clients/ctl/class_picture.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "clients/ctl/class_legend.h"
#include "clients/ctl/output_file.h"
#include "clients/ctl/picture.h"
#include "clients/ctl/small_font.h"

#define LONGER_SIDE 512
#define ZOOM 2 /* of the letters */
#define LINE_HEIGHT ((FONT_HEIGHT + 1) * ZOOM)
#define LETTER_WIDTH ((FONT_WIDTH + 1) * ZOOM)
#define SWATCH (FONT_BASELINE * ZOOM)
#define MARGIN 8
#define TEXT_LEFT (MARGIN + SWATCH + MARGIN)

/* The map, and the legend below it on white. */
struct canvas {
    uint8_t *pixels;
    uint32_t width, height;
    uint32_t square; /* pixels of a position */
};

enum { INK = CLASS_COLOURS, FRAME, COLOURS };

static void map_size(const struct array *classes, size_t *ny, size_t *nx)
{
    *nx = classes->shape[classes->n_dims - 1];
    *ny = classes->count / *nx;
}

static int check(const char *path, const struct array *classes, struct error *error)
{
    if (classes->n_dims >= 2 && classes->n_dims <= 3 && classes->count > 0 &&
        classes->count <= INT32_MAX / 4)
        return 0;
    return error_set(error, -EINVAL, "cannot write %s: the map of classes is none", path);
}

static uint32_t legend_width(const struct class_legend *legend)
{
    size_t longest = 0;
    for (size_t i = 0; i < legend->n_lines; i++) {
        const size_t length = strlen(legend->lines[i].text);
        longest = length > longest ? length : longest;
    }
    return TEXT_LEFT + (uint32_t)longest * LETTER_WIDTH + MARGIN;
}

static void fill(struct canvas *canvas, uint32_t y, uint32_t x, uint32_t height, uint32_t width,
                 unsigned colour)
{
    for (uint32_t row = y; row < y + height; row++)
        memset(canvas->pixels + (size_t)row * canvas->width + x, (int)colour, width);
}

static void draw_map(struct canvas *canvas, const struct array *classes)
{
    size_t ny, nx;
    map_size(classes, &ny, &nx);
    for (size_t i = 0; i < classes->count; i++)
        fill(canvas, (uint32_t)(i / nx) * canvas->square, (uint32_t)(i % nx) * canvas->square,
             canvas->square, canvas->square, class_colour_of(array_value(classes, i)));
}

static void draw_text(struct canvas *canvas, uint32_t y, uint32_t x, const char *text)
{
    for (; *text; text++, x += LETTER_WIDTH)
        for (unsigned row = 0; row < FONT_HEIGHT; row++)
            for (unsigned column = 0; column < FONT_WIDTH; column++)
                if (small_font_pixel(*text, row, column))
                    fill(canvas, y + row * ZOOM, x + column * ZOOM, ZOOM, ZOOM, INK);
}

static void draw_legend(struct canvas *canvas, uint32_t top, const struct class_legend *legend)
{
    for (size_t i = 0; i < legend->n_lines; i++) {
        const uint32_t y = top + MARGIN + (uint32_t)i * LINE_HEIGHT;
        fill(canvas, y, MARGIN, SWATCH, SWATCH, FRAME);
        fill(canvas, y + 1, MARGIN + 1, SWATCH - 2, SWATCH - 2, legend->lines[i].colour);
        draw_text(canvas, y, TEXT_LEFT, legend->lines[i].text);
    }
}

int class_picture_png(const char *path, const struct array *classes, struct error *error)
{
    const int checked = check(path, classes, error);
    if (checked)
        return checked;
    size_t ny, nx;
    struct class_legend legend;
    map_size(classes, &ny, &nx);
    class_legend_fill(&legend, classes);
    const size_t longer = ny > nx ? ny : nx;
    const uint32_t square = longer < LONGER_SIDE ? (uint32_t)((LONGER_SIDE - 1) / longer + 1) : 1;
    const uint32_t map_width = (uint32_t)nx * square, map_height = (uint32_t)ny * square;
    const uint32_t least = legend_width(&legend);
    struct canvas canvas = {
        .width = map_width > least ? map_width : least,
        .height = map_height + 2 * MARGIN + (uint32_t)legend.n_lines * LINE_HEIGHT,
        .square = square,
    };
    canvas.pixels = malloc((size_t)canvas.width * canvas.height);
    if (!canvas.pixels)
        return error_set(error, -ENOMEM, "cannot write %s: no memory", path);
    uint8_t palette[COLOURS][3] = {[INK] = {0x22, 0x22, 0x22}, [FRAME] = {0x88, 0x88, 0x88}};
    memcpy(palette, class_colours, sizeof class_colours);
    /* White is the colour of what is excluded: the fifth. */
    fill(&canvas, 0, 0, canvas.height, canvas.width, class_colour_of(254));
    draw_map(&canvas, classes);
    draw_legend(&canvas, map_height, &legend);
    const int result = picture_write_colours(path, canvas.pixels, canvas.height, canvas.width,
                                             &palette[0][0], COLOURS, error);
    free(canvas.pixels);
    return result;
}

static void svg_colour(FILE *out, unsigned colour)
{
    const uint8_t *const c = class_colours[colour];
    fprintf(out, "#%02x%02x%02x", c[0], c[1], c[2]);
}

/* A rectangle for each run of one class in a row. */
static void svg_map(FILE *out, const struct array *classes)
{
    size_t ny, nx;
    map_size(classes, &ny, &nx);
    for (size_t y = 0; y < ny; y++)
        for (size_t x = 0, end; x < nx; x = end) {
            const unsigned colour = class_colour_of(array_value(classes, y * nx + x));
            for (end = x + 1; end < nx; end++)
                if (class_colour_of(array_value(classes, y * nx + end)) != colour)
                    break;
            fprintf(out, "<rect x=\"%zu\" y=\"%zu\" width=\"%zu\" height=\"1\" fill=\"", x, y,
                    end - x);
            svg_colour(out, colour);
            fprintf(out, "\"/>\n");
        }
}

/* In units of a position, a thirtieth of the map's width a line. */
static void svg_legend(FILE *out, size_t ny, double unit, const struct class_legend *legend)
{
    for (size_t i = 0; i < legend->n_lines; i++) {
        const double y = (double)ny + unit * (0.5 + 1.4 * (double)i);
        fprintf(out,
                "<rect x=\"%g\" y=\"%g\" width=\"%g\" height=\"%g\" stroke=\"#888888\" "
                "stroke-width=\"%g\" fill=\"",
                unit / 2, y, unit, unit, unit / 20);
        svg_colour(out, legend->lines[i].colour);
        fprintf(out, "\"/>\n<text x=\"%g\" y=\"%g\" font-size=\"%g\">%s</text>\n", 2 * unit,
                y + 0.85 * unit, unit, legend->lines[i].text);
    }
}

int class_picture_svg(const char *path, const struct array *classes, struct error *error)
{
    struct output_file file;
    struct class_legend legend;
    size_t ny, nx;
    int result = check(path, classes, error);
    if (result == 0)
        result = output_file_open(&file, path, error);
    if (result)
        return result;
    map_size(classes, &ny, &nx);
    class_legend_fill(&legend, classes);
    const double unit = (double)nx / 25;
    fprintf(file.stream,
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %zu %g\" "
            "font-family=\"sans-serif\" shape-rendering=\"crispEdges\">\n"
            "<title>Classes of Bragg reflections</title>\n",
            nx, (double)ny + unit * (1 + 1.4 * (double)legend.n_lines));
    svg_map(file.stream, classes);
    svg_legend(file.stream, ny, unit, &legend);
    fprintf(file.stream, "</svg>\n");
    return output_file_commit(&file, error);
}
