#include "processing/products/virtual_detector_shape.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "processing/pixels/mask_values.h"

/* Samples of a pixel at the border, along each side. */
#define SAMPLES 16

/* A border farther than this from a pixel's centre does not cross the pixel. */
#define REACH 0.7072

static int refuse(const struct virtual_detector_settings *settings, struct error *error,
                  const char *format, ...) __attribute__((format(printf, 3, 4)));

static int refuse(const struct virtual_detector_settings *settings, struct error *error,
                  const char *format, ...)
{
    char text[400];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    return error_set(error, -EINVAL, "virtual detector \"%s\": %s", settings->name, text);
}

static int check_length(const struct virtual_detector_settings *settings, const char *what,
                        double length, struct error *error)
{
    if (isfinite(length) && length >= 0)
        return 0;
    return refuse(settings, error, "%s %g is not a length; give pixels, 0 or more", what, length);
}

static int init_ring(struct detector_shape *shape, const struct virtual_detector_settings *settings,
                     struct error *error)
{
    const bool disk = settings->shape == VIRTUAL_DETECTOR_DISK;
    shape->inner = disk ? 0 : settings->inner;
    shape->outer = settings->outer;
    const int status =
        check_length(settings, disk ? "radius" : "outer radius", shape->outer, error);
    if (status)
        return status;
    if (check_length(settings, "inner radius", shape->inner, error))
        return -EINVAL;
    if (shape->inner > shape->outer)
        return refuse(settings, error, "inner radius %g is larger than outer radius %g; swap them",
                      shape->inner, shape->outer);
    return 0;
}

static int init_k_band(struct detector_shape *shape,
                       const struct virtual_detector_settings *settings, struct error *error)
{
    const double inner = settings->k_inner, outer = settings->k_outer;
    const double k = settings->pixel_size_k;
    if (!(inner >= 0) || !(outer >= inner) || !isfinite(outer))
        return refuse(settings, error,
                      "%g to %g nm^-1 is no band; give k_inner and k_outer = 1/d, 0 or more, the "
                      "smaller first",
                      inner, outer);
    if (k == 0)
        return refuse(settings, error,
                      "a band in nm^-1 needs to know k per pixel; calibrate the detector or give "
                      "pixel_size_k (nm^-1 per pixel), or give an annulus in pixels");
    if (!(k > 0) || !isfinite(k) || !isfinite(outer / k))
        return refuse(settings, error,
                      "pixel_size_k %g is not a size; give nm^-1 per pixel, more than 0", k);
    shape->inner = inner / k;
    shape->outer = outer / k;
    shape->kind = VIRTUAL_DETECTOR_ANNULUS;
    return 0;
}

static int init_sector(struct detector_shape *shape,
                       const struct virtual_detector_settings *settings, struct error *error)
{
    const double angle = settings->stop_angle - settings->start_angle;
    if (!isfinite(settings->start_angle) || !(angle > 0) || angle > 360)
        return refuse(settings, error,
                      "azimuths from %g to %g degrees are no sector; give [start, stop] with stop "
                      "larger than start by 360 at most",
                      settings->start_angle, settings->stop_angle);
    shape->start_angle = settings->start_angle;
    shape->sector_angle = angle;
    return init_ring(shape, settings, error);
}

static int init_segmented(struct detector_shape *shape,
                          const struct virtual_detector_settings *settings, struct error *error)
{
    if (settings->n_sectors < 2 || settings->n_sectors > VIRTUAL_DETECTOR_SECTORS_MAX)
        return refuse(settings, error, "%u sectors are not possible, 2 to %d are",
                      settings->n_sectors, VIRTUAL_DETECTOR_SECTORS_MAX);
    if (!isfinite(settings->start_angle))
        return refuse(settings, error, "start angle %g is no angle; give degrees",
                      settings->start_angle);
    shape->n_sectors = settings->n_sectors;
    shape->start_angle = settings->start_angle;
    shape->sector_angle = 360.0 / settings->n_sectors;
    return init_ring(shape, settings, error);
}

static int init_rectangle(struct detector_shape *shape,
                          const struct virtual_detector_settings *settings, struct error *error)
{
    shape->half_height = settings->height / 2;
    shape->half_width = settings->width / 2;
    const int status = check_length(settings, "height", settings->height, error);
    return status ? status : check_length(settings, "width", settings->width, error);
}

static int init_mask(struct detector_shape *shape, const struct virtual_detector_settings *settings,
                     const struct pixel_format *format, struct error *error)
{
    const struct mask_values *const mask = settings->mask;
    if (!mask)
        return refuse(settings, error,
                      "it has no weights; name a .npy file, or send them with the request");
    if (mask->height != format->height || mask->width != format->width)
        return refuse(settings, error,
                      "its mask has %" PRIu32 " x %" PRIu32 " weights, frames have %" PRIu32
                      " x %" PRIu32 " pixels; make a mask for these frames",
                      mask->height, mask->width, format->height, format->width);
    shape->mask = mask;
    return 0;
}

static int init_centre(struct detector_shape *shape,
                       const struct virtual_detector_settings *settings,
                       const struct pixel_format *format, struct error *error)
{
    shape->centre_y = settings->centre_given ? settings->centre_y : (format->height - 1.0) / 2;
    shape->centre_x = settings->centre_given ? settings->centre_x : (format->width - 1.0) / 2;
    if (isfinite(shape->centre_y) && isfinite(shape->centre_x))
        return 0;
    return refuse(settings, error, "centre (%g, %g) is not a place; give [y, x] in pixels",
                  shape->centre_y, shape->centre_x);
}

int detector_shape_init(struct detector_shape *shape,
                        const struct virtual_detector_settings *settings,
                        const struct pixel_format *format, struct error *error)
{
    *shape = (struct detector_shape){
        .kind = settings->shape,
        .edge = settings->edge,
        .sector_angle = 360,
        .n_sectors = 1,
    };
    const int status = init_centre(shape, settings, format, error);
    if (status)
        return status;
    switch (settings->shape) {
    case VIRTUAL_DETECTOR_DISK:
    case VIRTUAL_DETECTOR_ANNULUS:
        shape->kind = VIRTUAL_DETECTOR_ANNULUS;
        return init_ring(shape, settings, error);
    case VIRTUAL_DETECTOR_SECTOR:
        return init_sector(shape, settings, error);
    case VIRTUAL_DETECTOR_SEGMENTED:
        return init_segmented(shape, settings, error);
    case VIRTUAL_DETECTOR_RECTANGLE:
        return init_rectangle(shape, settings, error);
    case VIRTUAL_DETECTOR_POINT:
        return 0;
    case VIRTUAL_DETECTOR_K_BAND:
        return init_k_band(shape, settings, error);
    case VIRTUAL_DETECTOR_MASK:
        return init_mask(shape, settings, format, error);
    }
    return refuse(settings, error, "its shape is unknown");
}

/* Azimuth from the start angle on, 0 <= azimuth < 360. */
static double azimuth_from_start(const struct detector_shape *shape, double dy, double dx)
{
    const double degrees = atan2(dy, dx) * (180 / M_PI) - shape->start_angle;
    const double wrapped = fmod(degrees, 360);
    const double positive = wrapped < 0 ? wrapped + 360 : wrapped;
    return positive < 360 ? positive : 0;
}

/* Sectors are counted and not compared with both borders, so that each point is in one of them. */
static bool in_sector(const struct detector_shape *shape, unsigned sector, double dy, double dx)
{
    if (shape->sector_angle == 360)
        return true;
    const double count = floor(azimuth_from_start(shape, dy, dx) / shape->sector_angle);
    const double last = shape->n_sectors - 1;
    return (shape->kind == VIRTUAL_DETECTOR_SEGMENTED && count > last ? last : count) == sector;
}

static bool in_ring(const struct detector_shape *shape, double dy, double dx)
{
    const double distance_squared = dy * dy + dx * dx;
    return shape->inner * shape->inner <= distance_squared &&
           distance_squared <= shape->outer * shape->outer;
}

static bool contains(const struct detector_shape *shape, unsigned sector, double dy, double dx)
{
    if (shape->kind == VIRTUAL_DETECTOR_RECTANGLE)
        return fabs(dy) <= shape->half_height && fabs(dx) <= shape->half_width;
    return in_ring(shape, dy, dx) && in_sector(shape, sector, dy, dx);
}

/* Not more than the distance to the nearest border; a ray counts as the whole line. */
static double distance_to_border(const struct detector_shape *shape, unsigned sector, double dy,
                                 double dx)
{
    if (shape->kind == VIRTUAL_DETECTOR_RECTANGLE)
        return fmin(fabs(fabs(dy) - shape->half_height), fabs(fabs(dx) - shape->half_width));
    const double radius = hypot(dy, dx);
    double distance = fabs(radius - shape->outer);
    if (shape->inner > 0)
        distance = fmin(distance, fabs(radius - shape->inner));
    if (shape->sector_angle == 360)
        return distance;
    for (unsigned side = 0; side < 2; side++) {
        const double ray = (shape->start_angle + (sector + side) * shape->sector_angle);
        const double angle = ray * (M_PI / 180);
        distance = fmin(distance, fabs(dy * cos(angle) - dx * sin(angle)));
    }
    return distance;
}

static double area_inside(const struct detector_shape *shape, unsigned sector, double dy, double dx)
{
    unsigned n = 0;
    for (unsigned i = 0; i < SAMPLES; i++) {
        const double y = dy + (i + 0.5) / SAMPLES - 0.5;
        for (unsigned j = 0; j < SAMPLES; j++)
            n += contains(shape, sector, y, dx + (j + 0.5) / SAMPLES - 0.5);
    }
    return n / (double)(SAMPLES * SAMPLES);
}

static double weight_of(const struct detector_shape *shape, unsigned sector, double dy, double dx)
{
    if (shape->edge == VIRTUAL_DETECTOR_ANTIALIASED &&
        distance_to_border(shape, sector, dy, dx) < REACH)
        return area_inside(shape, sector, dy, dx);
    return contains(shape, sector, dy, dx);
}

static void draw_point(const struct detector_shape *shape, uint32_t height, uint32_t width,
                       double *weights)
{
    const double y = floor(shape->centre_y + 0.5), x = floor(shape->centre_x + 0.5);
    memset(weights, 0, (size_t)height * width * sizeof *weights);
    if (y >= 0 && y < height && x >= 0 && x < width)
        weights[(size_t)y * width + (size_t)x] = 1;
}

void detector_shape_draw(const struct detector_shape *shape, unsigned sector, uint32_t height,
                         uint32_t width, double *weights)
{
    if (shape->kind == VIRTUAL_DETECTOR_POINT) {
        draw_point(shape, height, width, weights);
        return;
    }
    for (uint32_t y = 0; y < height; y++) {
        for (uint32_t x = 0; x < width; x++) {
            const size_t i = (size_t)y * width + x;
            weights[i] = shape->mask
                             ? shape->mask->values[i]
                             : weight_of(shape, sector, y - shape->centre_y, x - shape->centre_x);
        }
    }
}

static const char *file_name(const char *path)
{
    const char *const slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

/* The shape without where it is. */
static void describe_form(const struct detector_shape *shape,
                          const struct virtual_detector_settings *settings, unsigned sector,
                          char *text, size_t size)
{
    const double start = shape->start_angle + sector * shape->sector_angle;
    switch (settings->shape) {
    case VIRTUAL_DETECTOR_DISK:
        snprintf(text, size, "the disk of radius %g px", shape->outer);
        break;
    case VIRTUAL_DETECTOR_SECTOR:
    case VIRTUAL_DETECTOR_SEGMENTED:
        snprintf(text, size, "the sector from %g to %g deg, %g to %g px", start,
                 start + shape->sector_angle, shape->inner, shape->outer);
        break;
    case VIRTUAL_DETECTOR_RECTANGLE:
        snprintf(text, size, "the rectangle of %g x %g px", settings->height, settings->width);
        break;
    case VIRTUAL_DETECTOR_K_BAND:
        snprintf(text, size, "the band from %g to %g nm^-1 (%.6g to %.6g px)", settings->k_inner,
                 settings->k_outer, shape->inner, shape->outer);
        break;
    default:
        snprintf(text, size, "the annulus from %g to %g px", shape->inner, shape->outer);
    }
}

void detector_shape_describe(const struct detector_shape *shape,
                             const struct virtual_detector_settings *settings, unsigned sector,
                             char *text, size_t size)
{
    char form[100];
    if (shape->kind == VIRTUAL_DETECTOR_MASK) {
        snprintf(text, size, "the mask %.60s",
                 settings->mask_path[0] ? file_name(settings->mask_path) : "that was sent");
        return;
    }
    if (shape->kind == VIRTUAL_DETECTOR_POINT) {
        snprintf(text, size, "the pixel (y, x) = (%.0f, %.0f)", floor(shape->centre_y + 0.5),
                 floor(shape->centre_x + 0.5));
        return;
    }
    describe_form(shape, settings, sector, form, sizeof form);
    snprintf(text, size, "%s around (y, x) = (%g, %g), %s edge", form, shape->centre_y,
             shape->centre_x, virtual_detector_edge_name(shape->edge));
}
