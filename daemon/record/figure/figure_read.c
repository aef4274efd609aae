#include "daemon/record/figure/figure.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int figure_make_room(struct figure *figure, struct error *error)
{
    figure->values = calloc(figure->height * figure->width + 1, sizeof *figure->values);
    return figure->values ? 0 : error_set(error, -ENOMEM, "no memory for the figure");
}

void figure_finish(struct figure *figure)
{
    free(figure->values);
    figure->values = NULL;
}

/* ---- a stored pattern ---- */

/* "Y,X" or "N"; false: it is no place but a name. */
static bool parse_place(const char *text, const struct image_store *store, uint64_t pass,
                        uint64_t *place)
{
    unsigned long long y = 0, x = 0;
    int end = 0;
    const bool stack = store->rank == 3;
    const int found =
        stack ? sscanf(text, "%llu%n", &x, &end) : sscanf(text, "%llu,%llu%n", &y, &x, &end);
    if (strspn(text, "0123456789,") != strlen(text) || found < (stack ? 1 : 2) || text[end] != '\0')
        return false;
    /* What lies beside the scan is beyond all places. */
    *place = y < store->ny && x < store->nx ? (pass * store->ny + y) * store->nx + x : UINT64_MAX;
    return true;
}

static double pixel_value(const uint8_t *at, size_t size)
{
    uint32_t value = 0;
    memcpy(&value, at, size); /* little-endian, as the file */
    return value;
}

static int read_frame(struct figure *figure, const struct image_store *store, uint64_t place,
                      struct error *error)
{
    uint32_t n;
    const uint64_t first = image_store_chunk(store, place, &n);
    uint8_t *const pixels = malloc(n * store->frame_size + 1);
    if (!pixels)
        return error_set(error, -ENOMEM, "no memory");
    int r = figure_make_room(figure, error);
    if (r == 0 && image_store_read(store, first, n, pixels) < 0)
        r = error_set(error, -EIO, "the pattern cannot be read: the file is damaged");
    for (uint64_t i = 0; r == 0 && i < figure->height * figure->width; i++)
        figure->values[i] =
            pixel_value(pixels + (place - first) * store->frame_size + i * store->pixel_size,
                        store->pixel_size);
    free(pixels);
    return r;
}

static int read_pattern(struct figure *figure, const struct file_recording *recording,
                        uint64_t place, const char *what, struct error *error)
{
    struct reader_axis axes[FILE_RANK_MAX];
    const struct image_store *const store = &recording->layers[0].images;
    if (place >= image_store_places(store))
        return error_set(error, -EINVAL, "there is no position %.40s in the scan", what);
    const hid_t group = H5Gopen2(recording->entry, recording->layers[0].group, H5P_DEFAULT);
    const unsigned n = group < 0 ? 0 : reader_axes(group, axes);
    if (group >= 0)
        H5Gclose(group);
    if (n < 2)
        return error_set(error, -EINVAL, "the patterns of the file have no axes");
    figure->y = axes[n - 2];
    figure->x = axes[n - 1];
    figure->height = store->extent[store->rank - 2];
    figure->width = store->extent[store->rank - 1];
    snprintf(figure->title, sizeof figure->title, "pattern %.60s", what);
    snprintf(figure->units, sizeof figure->units, "counts");
    return read_frame(figure, store, place, error);
}

/* ---- the range ---- */

static void take_logarithms(struct figure *figure)
{
    for (uint64_t i = 0; i < figure->height * figure->width; i++)
        figure->values[i] = figure->values[i] > 0 ? log10(figure->values[i]) : NAN;
    figure->logarithmic = true;
}

static int compare(const void *a, const void *b)
{
    const double one = *(const double *)a, *const other = b;
    return one < *other ? -1 : one > *other;
}

/* Of a picture the 0.1 and 99.9 percentiles, as merlinctl has them: the beam itself is brighter
 * than all the rest. Of a profile the least and the largest value. */
static int measure_range(struct figure *figure, struct error *error)
{
    const uint64_t n = figure->height * figure->width;
    double *const sorted = malloc((n + 1) * sizeof *sorted);
    if (!sorted)
        return error_set(error, -ENOMEM, "no memory for the figure");
    uint64_t n_sorted = 0;
    for (uint64_t i = 0; i < n; i++) {
        if (isfinite(figure->values[i]))
            sorted[n_sorted++] = figure->values[i];
    }
    qsort(sorted, n_sorted, sizeof *sorted, compare);
    const double left_out = figure->kind == FIGURE_PROFILE ? 0 : 0.001;
    const uint64_t low = (uint64_t)(left_out * (double)n_sorted);
    figure->low = n_sorted > 0 ? sorted[low] : 0;
    figure->high = n_sorted > 0 ? sorted[n_sorted - 1 - low] : 1;
    free(sorted);
    return 0;
}

static int find_range(struct figure *figure, const struct figure_wish *wish, struct error *error)
{
    if (!wish->has_range)
        return measure_range(figure, error);
    figure->low = wish->logarithmic ? log10(wish->low) : wish->low;
    figure->high = wish->logarithmic ? log10(wish->high) : wish->high;
    return 0;
}

int figure_read(struct figure *figure, const struct file_recording *recording,
                const struct figure_wish *wish, struct error *error)
{
    uint64_t place;
    *figure = (struct figure){.kind = FIGURE_IMAGE};
    const bool pattern = recording->n_layers > 0 &&
                         parse_place(wish->what, &recording->layers[0].images, wish->pass, &place);
    const int r = pattern ? read_pattern(figure, recording, place, wish->what, error)
                          : figure_read_result(figure, recording->entry, wish, error);
    if (r < 0)
        return r;
    if (wish->logarithmic && figure->kind != FIGURE_CLASSES)
        take_logarithms(figure);
    return find_range(figure, wish, error);
}
