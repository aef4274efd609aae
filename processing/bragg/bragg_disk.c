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
