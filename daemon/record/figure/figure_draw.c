#include "daemon/record/figure/figure_parts.h"

#include <cairo-pdf.h>
#include <cairo-svg.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/record/figure/round_numbers.h"

/* Lengths in points. */
#define LONGER_SIDE 340.0
#define MARGIN 14.0
#define TITLE 22.0 /* from the top to the picture */
#define BAR_LINE 24.0
#define LEGEND_LINE 15.0
#define GREYS_WIDTH 12.0
#define GREYS_ROOM 70.0 /* with its numbers */
#define LEAST_WIDTH 250.0
#define PROFILE_WIDTH 400.0
#define PROFILE_HEIGHT 250.0
#define PROFILE_LEFT 64.0
#define PROFILE_BELOW 44.0

struct sheet {
    double width, height; /* of the sheet */
    double scale;         /* points of a pixel of the figure */
};

static struct sheet sheet_for(const struct figure *figure)
{
    if (figure->kind == FIGURE_PROFILE)
        return (struct sheet){PROFILE_WIDTH, PROFILE_HEIGHT, 1};
    const bool classes = figure->kind == FIGURE_CLASSES;
    const double longer = (double)(figure->width > figure->height ? figure->width : figure->height);
    struct sheet sheet = {.scale = LONGER_SIDE / longer};
    sheet.width = 2 * MARGIN + (double)figure->width * sheet.scale + (classes ? 0 : GREYS_ROOM);
    sheet.width = fmax(sheet.width, LEAST_WIDTH);
    sheet.height = TITLE + (double)figure->height * sheet.scale + BAR_LINE + MARGIN +
                   (classes                   ? LEGEND_LINE * CLASS_COLOURS
                    : figure_has_gaps(figure) ? LEGEND_LINE
                                              : 0);
    return sheet;
}

void figure_text(cairo_t *cairo, double x, double y, double align, const char *text)
{
    cairo_text_extents_t extents;
    cairo_text_extents(cairo, text, &extents);
    cairo_move_to(cairo, x - align * extents.x_advance, y);
    cairo_show_text(cairo, text);
}

static void draw_title(cairo_t *cairo, const struct figure *figure)
{
    cairo_select_font_face(cairo, "sans-serif", CAIRO_FONT_SLANT_NORMAL, CAIRO_FONT_WEIGHT_BOLD);
    cairo_set_font_size(cairo, 10);
    figure_text(cairo, MARGIN, 14, 0, figure->title);
    cairo_select_font_face(cairo, "sans-serif", CAIRO_FONT_SLANT_NORMAL, CAIRO_FONT_WEIGHT_NORMAL);
    cairo_set_font_size(cairo, 9);
}

/* ---- pictures ---- */

static void units_in_words(const struct reader_axis *axis, char words[FILE_NAME_SIZE])
{
    const char *const units = axis->units;
    snprintf(words, FILE_NAME_SIZE, "%s",
             strcmp(units, "1/nm") == 0 ? "nm\u207b\u00b9"
             : units[0]                 ? units
                                        : "positions");
}

static void draw_scale_bar(cairo_t *cairo, const struct figure *figure, const struct sheet *sheet)
{
    char words[FILE_NAME_SIZE], text[FILE_NAME_SIZE + 32];
    const double step = figure->x.step > 0 ? figure->x.step : 1;
    const double length = round_number_below(fmax(0.3 * (double)figure->width, 1) * step);
    const double points = length / step * sheet->scale;
    const double y = TITLE + (double)figure->height * sheet->scale + 8;
    units_in_words(&figure->x, words);
    snprintf(text, sizeof text, "%g %s", length, words);
    cairo_rectangle(cairo, MARGIN, y, points, 4);
    cairo_fill(cairo);
    figure_text(cairo, MARGIN + points + 6, y + 6, 0, text);
}

static void draw_grey_scale(cairo_t *cairo, const struct figure *figure, const struct sheet *sheet)
{
    const double x = MARGIN + (double)figure->width * sheet->scale + 12;
    const double height = (double)figure->height * sheet->scale;
    const struct round_marks marks = round_marks_between(figure->low, figure->high, 6);
    char text[FILE_NAME_SIZE + 32];
    cairo_pattern_t *const ramp = cairo_pattern_create_linear(0, TITLE + height, 0, TITLE);
    cairo_pattern_add_color_stop_rgb(ramp, 0, 0, 0, 0);
    cairo_pattern_add_color_stop_rgb(ramp, 1, 1, 1, 1);
    cairo_rectangle(cairo, x, TITLE, GREYS_WIDTH, height);
    cairo_set_source(cairo, ramp);
    cairo_fill_preserve(cairo);
    cairo_pattern_destroy(ramp);
    cairo_set_source_rgb(cairo, 0, 0, 0);
    cairo_set_line_width(cairo, 0.5);
    cairo_stroke(cairo);
    for (unsigned i = 0; i < marks.n; i++) {
        const double value = marks.first + i * marks.step;
        const double range = figure->high - figure->low;
        const double y = TITLE + height * (range > 0 ? (figure->high - value) / range : 0.5);
        snprintf(text, sizeof text, "%.6g", fabs(value) < marks.step * 1e-6 ? 0 : value);
        cairo_move_to(cairo, x + GREYS_WIDTH, y);
        cairo_line_to(cairo, x + GREYS_WIDTH + 3, y);
        cairo_stroke(cairo);
        figure_text(cairo, x + GREYS_WIDTH + 5, y + 3, 0, text);
    }
    snprintf(text, sizeof text, "%s%s", figure->logarithmic ? "log\u2081\u2080 " : "",
             figure->units);
    figure_text(cairo, x, 14, 0, text);
}

static void draw_swatch(cairo_t *cairo, double y, const uint8_t colour[3], const char *text)
{
    cairo_rectangle(cairo, MARGIN, y, 10, 10);
    cairo_set_source_rgb(cairo, colour[0] / 255.0, colour[1] / 255.0, colour[2] / 255.0);
    cairo_fill_preserve(cairo);
    cairo_set_source_rgb(cairo, 0, 0, 0);
    cairo_set_line_width(cairo, 0.5);
    cairo_stroke(cairo);
    figure_text(cairo, MARGIN + 16, y + 8.5, 0, text);
}

static void draw_legend(cairo_t *cairo, const struct figure *figure, const struct sheet *sheet)
{
    const double top = TITLE + (double)figure->height * sheet->scale + BAR_LINE;
    uint64_t counts[CLASS_COLOURS] = {0}, n = 0;
    for (uint64_t i = 0; i < figure->height * figure->width; i++)
        counts[class_colour_of(figure->values[i])]++;
    for (unsigned i = 0; i < CLASSES_THAT_COUNT; i++)
        n += counts[i];
    for (unsigned i = 0; i < CLASS_COLOURS; i++) {
        char text[80];
        if (i < CLASSES_THAT_COUNT)
            snprintf(text, sizeof text, "%s %llu (%.1f %%)", class_words[i],
                     (unsigned long long)counts[i], n ? 100.0 * (double)counts[i] / (double)n : 0);
        else
            snprintf(text, sizeof text, "%s %llu", class_words[i], (unsigned long long)counts[i]);
        draw_swatch(cairo, top + i * LEGEND_LINE, class_colours[i], text);
    }
}

static int draw_picture(cairo_t *cairo, const struct figure *figure, const struct sheet *sheet)
{
    const double width = (double)figure->width * sheet->scale;
    const double height = (double)figure->height * sheet->scale;
    if (figure_paint(cairo, figure, MARGIN, TITLE, sheet->scale) < 0)
        return -1;
    cairo_set_source_rgb(cairo, 0, 0, 0);
    cairo_set_line_width(cairo, 0.5);
    cairo_rectangle(cairo, MARGIN, TITLE, width, height);
    cairo_stroke(cairo);
    draw_scale_bar(cairo, figure, sheet);
    if (figure->kind == FIGURE_CLASSES)
        draw_legend(cairo, figure, sheet);
    else
        draw_grey_scale(cairo, figure, sheet);
    if (figure->kind == FIGURE_IMAGE && figure_has_gaps(figure))
        draw_swatch(cairo, TITLE + height + BAR_LINE, figure_gap_colour, "no value");
    return 0;
}

/* ---- profiles ---- */

struct plot {
    double left, top, width, height;
    double x_low, x_high, y_low, y_high;
};

static double plot_x(const struct plot *plot, double x)
{
    return plot->left + plot->width * (x - plot->x_low) / (plot->x_high - plot->x_low);
}

static double plot_y(const struct plot *plot, double y)
{
    return plot->top + plot->height * (plot->y_high - y) / (plot->y_high - plot->y_low);
}

static void draw_marks(cairo_t *cairo, const struct plot *plot)
{
    const struct round_marks x = round_marks_between(plot->x_low, plot->x_high, 8);
    const struct round_marks y = round_marks_between(plot->y_low, plot->y_high, 6);
    const double bottom = plot->top + plot->height;
    char text[40];
    for (unsigned i = 0; i < x.n; i++) {
        const double value = x.first + i * x.step;
        cairo_move_to(cairo, plot_x(plot, value), bottom);
        cairo_rel_line_to(cairo, 0, 4);
        snprintf(text, sizeof text, "%.6g", fabs(value) < x.step * 1e-6 ? 0 : value);
        cairo_stroke(cairo);
        figure_text(cairo, plot_x(plot, value), bottom + 14, 0.5, text);
    }
    for (unsigned i = 0; i < y.n; i++) {
        const double value = y.first + i * y.step;
        cairo_move_to(cairo, plot->left, plot_y(plot, value));
        cairo_rel_line_to(cairo, -4, 0);
        snprintf(text, sizeof text, "%.6g", fabs(value) < y.step * 1e-6 ? 0 : value);
        cairo_stroke(cairo);
        figure_text(cairo, plot->left - 6, plot_y(plot, value) + 3, 1, text);
    }
}

static void draw_curve(cairo_t *cairo, const struct figure *figure, const struct plot *plot)
{
    bool drawing = false;
    for (uint64_t i = 0; i < figure->width; i++) {
        const double value = figure->values[i];
        const double x = plot_x(plot, figure->x.first + (double)i * figure->x.step);
        if (isfinite(value) && drawing)
            cairo_line_to(cairo, x, plot_y(plot, value));
        else if (isfinite(value))
            cairo_move_to(cairo, x, plot_y(plot, value));
        drawing = isfinite(value);
    }
    cairo_set_line_width(cairo, 1.2);
    cairo_stroke(cairo);
}

static void draw_profile(cairo_t *cairo, const struct figure *figure, const struct sheet *sheet)
{
    const double last = figure->x.first + (double)(figure->width - 1) * figure->x.step;
    const struct plot plot = {
        .left = PROFILE_LEFT,
        .top = TITLE,
        .width = sheet->width - PROFILE_LEFT - MARGIN,
        .height = sheet->height - TITLE - PROFILE_BELOW,
        .x_low = figure->x.first,
        .x_high = last > figure->x.first ? last : figure->x.first + 1,
        .y_low = figure->low,
        .y_high = figure->high > figure->low ? figure->high : figure->low + 1,
    };
    char text[2 * FILE_NAME_SIZE], units[FILE_NAME_SIZE];
    const char *const name = strncmp(figure->x.name, "index_", 6) == 0 ? "index" : figure->x.name;
    cairo_set_line_width(cairo, 0.8);
    cairo_rectangle(cairo, plot.left, plot.top, plot.width, plot.height);
    cairo_stroke(cairo);
    draw_marks(cairo, &plot);
    units_in_words(&figure->x, units);
    snprintf(text, sizeof text, figure->x.units[0] ? "%.100s (%.100s)" : "%.100s", name, units);
    figure_text(cairo, plot.left + plot.width / 2, plot.top + plot.height + 32, 0.5, text);
    snprintf(text, sizeof text, "%s%s", figure->logarithmic ? "log\u2081\u2080 " : "",
             figure->units);
    figure_text(cairo, plot.left + plot.width, 14, 1, text);
    cairo_rectangle(cairo, plot.left, plot.top, plot.width, plot.height);
    cairo_clip(cairo);
    draw_curve(cairo, figure, &plot);
}

/* ---- the sheet ---- */

static cairo_status_t write_to_stream(void *stream, const unsigned char *bytes, unsigned length)
{
    return fwrite(bytes, 1, length, stream) == length ? CAIRO_STATUS_SUCCESS
                                                      : CAIRO_STATUS_WRITE_ERROR;
}

static int draw(cairo_t *cairo, const struct figure *figure, const struct sheet *sheet)
{
    cairo_set_source_rgb(cairo, 1, 1, 1);
    cairo_paint(cairo);
    cairo_set_source_rgb(cairo, 0, 0, 0);
    draw_title(cairo, figure);
    if (figure->kind != FIGURE_PROFILE)
        return draw_picture(cairo, figure, sheet);
    draw_profile(cairo, figure, sheet);
    return 0;
}

int figure_draw(const struct figure *figure, enum figure_form form, struct plain_file *file,
                struct error *error)
{
    const struct sheet sheet = sheet_for(figure);
    cairo_surface_t *const surface =
        form == FIGURE_PDF ? cairo_pdf_surface_create_for_stream(write_to_stream, file->stream,
                                                                 sheet.width, sheet.height)
                           : cairo_svg_surface_create_for_stream(write_to_stream, file->stream,
                                                                 sheet.width, sheet.height);
    cairo_t *const cairo = cairo_create(surface);
    errno = 0;
    int r = draw(cairo, figure, &sheet);
    cairo_show_page(cairo);
    const cairo_status_t status = cairo_status(cairo);
    cairo_destroy(cairo);
    cairo_surface_finish(surface);
    if (status != CAIRO_STATUS_SUCCESS || cairo_surface_status(surface) != CAIRO_STATUS_SUCCESS)
        r = -1;
    if (r < 0 && !ferror(file->stream))
        r = error_set(error, -ENOMEM, "cannot draw %.250s: %s", file->name,
                      cairo_status_to_string(status));
    else if (r < 0)
        r = plain_file_failed(file, error);
    cairo_surface_destroy(surface);
    return r;
}
