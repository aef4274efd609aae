#include "processing/bragg/bragg_disk.h"

#include "processing/bragg/bragg_reference.h"

void bragg_disk_init(struct bragg_disk *disk, double radius)
{
    const double reach2 = (radius + BRAGG_DISK_MARGIN) * (radius + BRAGG_DISK_MARGIN);
    *disk = (struct bragg_disk){.radius = radius, .reach = (int)floor(sqrt(reach2))};
    for (int dy = 0; dy <= disk->reach; dy++) {
        disk->half_width[dy] = (int)floor(sqrt(reach2 - dy * dy));
        disk->area += (uint32_t)(2 * disk->half_width[dy] + 1) * (dy > 0 ? 2 : 1);
    }
}

/* Part of a circle of radius r beyond a chord at this (signed) distance from its middle. */
static double segment_area(double r, double chord)
{
    const double c = fmax(-1, fmin(1, chord / r));
    return r * r * (acos(c) - c * sqrt(1 - c * c));
}

double bragg_lens_area(double a, double b, double distance)
{
    if (distance >= a + b)
        return 0;
    const double smaller = fmin(a, b);
    if (distance <= fabs(a - b))
        return M_PI * smaller * smaller;
    const double chord = (distance * distance + a * a - b * b) / (2 * distance);
    return segment_area(a, chord) + segment_area(b, distance - chord);
}

double bragg_speckle_correlation(double disk_radius, double distance)
{
    const double overlap =
        bragg_lens_area(disk_radius, disk_radius, distance) / (M_PI * disk_radius * disk_radius);
    return overlap * overlap;
}

double bragg_speckle_area(double disk_radius)
{
    const int n = 200;
    const double step = 2 * disk_radius / n;
    double area = 0;
    for (int i = 0; i < n; i++) {
        const double distance = (i + 0.5) * step;
        area += 2 * M_PI * distance * step * bragg_speckle_correlation(disk_radius, distance);
    }
    return area;
}

uint64_t bragg_disk_pairs(const struct bragg_disk *disk, int dy, int dx)
{
    uint64_t pairs = 0;
    for (int y = -disk->reach; y + dy <= disk->reach; y++) {
        const int first = disk->half_width[y < 0 ? -y : y];
        const int second = disk->half_width[y + dy < 0 ? -(y + dy) : y + dy];
        const int low = -first > -second - dx ? -first : -second - dx;
        const int high = first < second - dx ? first : second - dx;
        pairs += high >= low ? (uint64_t)(high - low + 1) : 0;
    }
    return pairs;
}

double bragg_speckle_in_disk(double speckle_px, double disk_radius, double window_radius)
{
    struct bragg_disk disk;
    bragg_disk_init(&disk, window_radius);
    double sum = 0;
    for (int dy = 0; dy <= 2 * disk.reach; dy++) {
        for (int dx = -2 * disk.reach; dx <= 2 * disk.reach; dx++)
            sum += (dy > 0 ? 2 : 1) * (double)bragg_disk_pairs(&disk, dy, dx) *
                   bragg_speckle_correlation(disk_radius, sqrt((double)dy * dy + (double)dx * dx));
    }
    return speckle_px * sum / ((double)disk.area * disk.area);
}

/* ---- a disk that lies off the middle of its window ---- */

#define IMAGE_REACH (BRAGG_REACH_MAX + 4)
#define IMAGE_SIDE (2 * IMAGE_REACH + 1)
/* A pixel is looked at in this many points along each axis. */
#define POINTS 8
/* Counts that an electron of F = 2 puts into the pixels on each side, along each axis: what
 * clusters of one to four pixels (45, 35, 15, 5 %) spread it, 0.22 pixels^2. */
#define SHARED 0.11

struct disk_image {
    double pixels[IMAGE_SIDE][IMAGE_SIDE];
};

static double covered_part(double radius, double dy, double dx)
{
    int inside = 0;
    for (int i = 0; i < POINTS * POINTS; i++) {
        const int row = i / POINTS, column = i % POINTS;
        const double y = dy + (row + 0.5) / POINTS - 0.5;
        const double x = dx + (column + 0.5) / POINTS - 0.5;
        inside += y * y + x * x <= radius * radius;
    }
    return inside / (double)(POINTS * POINTS);
}

static void draw_disk(struct disk_image *image, double radius, double y, double x)
{
    const int reach = (int)radius + 2;
    *image = (struct disk_image){0};
    for (int row = -reach; row <= reach; row++) {
        for (int column = -reach; column <= reach; column++)
            image->pixels[IMAGE_REACH + row][IMAGE_REACH + column] =
                covered_part(radius, row - y, column - x);
    }
}

/* Counts in the window moved down by `down` pixels, spread along columns; spread along rows moves
 * nothing of what is wanted. */
static double moved_sum(const struct disk_image *image, const struct bragg_disk *disk, int down)
{
    double sum = 0;
    for (int dy = -disk->reach; dy <= disk->reach; dy++) {
        const int half = disk->half_width[dy < 0 ? -dy : dy];
        for (int dx = -half; dx <= half; dx++)
            sum += image->pixels[IMAGE_REACH + dy + down][IMAGE_REACH + dx];
    }
    return sum;
}

static double shared_sum(const struct disk_image *image, const struct bragg_disk *disk, int down,
                         double shared)
{
    return (1 - 2 * shared) * moved_sum(image, disk, down) +
           shared * (moved_sum(image, disk, down + 1) + moved_sum(image, disk, down - 1));
}

double bragg_disk_shared(double overdispersion)
{
    return SHARED * fmin(1, overdispersion - 1);
}

double bragg_disk_off_slope(const struct bragg_disk *disk, double overdispersion)
{
    static const double offs[] = {0.125, 0.375};
    const int away = bragg_edge_distance(disk->radius);
    const double shared = bragg_disk_shared(overdispersion);
    double products = 0, squares = 0;
    struct disk_image image;
    for (int i = 0; i < 4; i++) {
        const double y = offs[i / 2];
        draw_disk(&image, disk->radius, y, offs[i % 2]);
        const double slope =
            (shared_sum(&image, disk, away, shared) - shared_sum(&image, disk, -away, shared)) /
            shared_sum(&image, disk, 0, shared);
        products += slope * y;
        squares += slope * slope;
    }
    return products / squares;
}
