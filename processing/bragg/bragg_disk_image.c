#include "processing/bragg/bragg_disk_image.h"

/* One pixel more on each side, from which charge is shared. */
#define DRAWN_REACH (BRAGG_IMAGE_REACH + 1)
#define DRAWN_SIDE (2 * DRAWN_REACH + 1)

/* The edge of a row or a column of pixels, as it cuts the disk. */
struct edge {
    double at;          /* its distance from the disk's middle, signed */
    double distance;    /* the same, at most the radius, not signed */
    double half;        /* of the chord */
    double area;        /* of a quarter of the disk, the part nearer to the middle than the edge */
    double area_beyond; /* the same of an edge at a distance of `half` */
};

/* Drawn pixel i lies between the edges i and i + 1. */
struct edges {
    struct edge of[DRAWN_SIDE + 1];
};

struct drawing {
    double at[BRAGG_IMAGE_LAYERS][DRAWN_SIDE][DRAWN_SIDE];
};

static void find_edges(struct edges *edges, double radius, double middle)
{
    for (int i = 0; i <= DRAWN_SIDE; i++) {
        struct edge *const edge = &edges->of[i];
        edge->at = i - DRAWN_REACH - 0.5 - middle;
        edge->distance = fmin(fabs(edge->at), radius);
        edge->half = sqrt(radius * radius - edge->distance * edge->distance);
        const double triangles = edge->distance * edge->half / 2;
        const double angle = asin(edge->distance / radius);
        edge->area = triangles + radius * radius / 2 * angle;
        edge->area_beyond = triangles + radius * radius / 2 * (M_PI / 2 - angle);
    }
}

/* Area of the disk between its axes and the two edges, negative on one side of one of them. */
static double corner_area(const struct edge *row, const struct edge *column)
{
    const double area = column->distance <= row->half
                            ? column->distance * row->distance
                            : row->half * row->distance + column->area - row->area_beyond;
    return (row->at < 0) == (column->at < 0) ? area : -area;
}

static double pixel_area(const struct edge *row, const struct edge *column)
{
    return corner_area(row + 1, column + 1) - corner_area(row + 1, column) -
           corner_area(row, column + 1) + corner_area(row, column);
}

/* Of the side that a pixel has on an edge, the length inside the disk; across[0] and across[1] are
 * the edges where it ends. */
static double side_inside(const struct edge *edge, const struct edge *across)
{
    return fmax(0, fmin(edge->half, across[1].at) - fmax(-edge->half, across[0].at));
}

/* A disk that moves comes in at one side of a pixel and goes out at the other. */
static double growth(const struct edge *edge, const struct edge *across)
{
    return side_inside(edge, across) - side_inside(edge + 1, across);
}

static void draw(struct drawing *drawing, const struct edges *rows, const struct edges *columns,
                 int reach)
{
    for (int y = DRAWN_REACH - reach; y <= DRAWN_REACH + reach; y++) {
        for (int x = DRAWN_REACH - reach; x <= DRAWN_REACH + reach; x++) {
            const struct edge *const row = &rows->of[y], *const column = &columns->of[x];
            drawing->at[BRAGG_IMAGE_COUNTS][y][x] = pixel_area(row, column);
            drawing->at[BRAGG_IMAGE_ALONG_Y][y][x] = growth(row, column);
            drawing->at[BRAGG_IMAGE_ALONG_X][y][x] = growth(column, row);
        }
    }
}

static double with_sharing(const struct drawing *drawing, int layer, double shared, int y, int x)
{
    double sum = 0;
    for (int dy = -1; dy <= 1; dy++) {
        const double part = dy ? shared : 1 - 2 * shared;
        const double *const row = drawing->at[layer][y + dy] + x;
        sum += part * ((1 - 2 * shared) * row[0] + shared * (row[-1] + row[1]));
    }
    return sum;
}

void bragg_disk_image_draw(struct bragg_disk_image *image, double radius, int reach, double shared,
                           double y, double x)
{
    struct drawing drawing;
    struct edges rows, columns;
    find_edges(&rows, radius, y);
    find_edges(&columns, radius, x);
    draw(&drawing, &rows, &columns, reach + 1);
    const int first = BRAGG_IMAGE_REACH - reach, last = BRAGG_IMAGE_REACH + reach;
    for (int i = 0; i < BRAGG_IMAGE_LAYERS; i++)
        for (int row = first; row <= last; row++)
            for (int column = first; column <= last; column++)
                image->at[i][row][column] = with_sharing(&drawing, i, shared, row + 1, column + 1);
}
