#include "detector/sim/speckle.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "detector/sim/random.h"

enum purpose { PURPOSE_FIELD = 20, PURPOSE_DRAW };

#define BANK_PIXELS (UINT32_C(1) << 20)
#define FIELDS_MIN 8
#define PART_INTENSITIES_MIN 5 /* fewer have maxima so high that drawing by rejection is slow */

static uint32_t parts_for(uint32_t intensities)
{
    for (uint32_t parts = SPECKLE_PARTS; parts > 1; parts--)
        if (intensities % parts == 0 && intensities / parts >= PART_INTENSITIES_MIN)
            return parts;
    return 1;
}

static uint32_t fields_for(uint32_t side, uint32_t parts)
{
    const uint32_t fields = BANK_PIXELS / (side * side);
    const uint32_t enough = fields < FIELDS_MIN ? FIELDS_MIN : fields;
    return parts == 1 ? 4 * enough : enough;
}

/* Room to make an intensity in. The noise has the real parts of all pixels first. */
struct maker {
    uint32_t side, reach; /* reach: the disk's radius in whole pixels */
    double disk_radius;
    float *noise;   /* [2][side][side] */
    float *blurred; /* [2][side][side] */
    double *prefix; /* [side + 2 reach + 1] sums of a row, continued over both ends */
};

static void maker_finish(struct maker *maker)
{
    free(maker->noise);
    free(maker->blurred);
    free(maker->prefix);
}

static int maker_init(struct maker *maker, uint32_t side, double disk_radius)
{
    const size_t pixels = (size_t)side * side;
    maker->side = side;
    maker->disk_radius = disk_radius;
    maker->reach = (uint32_t)disk_radius;
    maker->noise = malloc(2 * pixels * sizeof *maker->noise);
    maker->blurred = malloc(2 * pixels * sizeof *maker->blurred);
    maker->prefix = malloc((side + 2 * (size_t)maker->reach + 1) * sizeof *maker->prefix);
    if (maker->noise && maker->blurred && maker->prefix)
        return 0;
    maker_finish(maker);
    return -ENOMEM;
}

/* Sums of four uniform numbers, of mean 0: added up over a disk they are normal (excess kurtosis
 * -0.03 for the 9 pixels of R_d = 1.5), at a tenth of the cost. */
static void make_noise(const struct maker *maker, struct random_stream *stream)
{
    const size_t numbers = (size_t)2 * maker->side * maker->side;
    for (size_t i = 0; i < numbers; i++) {
        const uint64_t bits = random_bits(stream);
        const int32_t sum = (int32_t)((bits & UINT16_MAX) + (bits >> 16 & UINT16_MAX) +
                                      (bits >> 32 & UINT16_MAX) + (bits >> 48));
        maker->noise[i] = (float)(sum - 2 * UINT16_MAX);
    }
}

/* Adds a row of noise to those of `blurred` whose disk it crosses. */
static void spread_row(const struct maker *maker, const float *noise, uint32_t y, float *blurred)
{
    const uint32_t side = maker->side, mask = side - 1, reach = maker->reach;
    maker->prefix[0] = 0;
    for (uint32_t i = 0; i < side + 2 * reach; i++)
        maker->prefix[i + 1] = maker->prefix[i] + noise[(size_t)y * side + ((i - reach) & mask)];
    for (uint32_t d = 0; d <= 2 * reach; d++) {
        const double dy = (double)d - reach;
        const double half_width = sqrt(maker->disk_radius * maker->disk_radius - dy * dy);
        const uint32_t half = (uint32_t)half_width;
        const double *left = maker->prefix + reach - half, *right = left + (size_t)2 * half + 1;
        float *row = blurred + (size_t)((y + d - reach) & mask) * side;
        for (uint32_t x = 0; x < side; x++)
            row[x] += (float)(right[x] - left[x]);
    }
}

/* Adds |noise convolved with the disk|^2 to intensity[side][side]. */
static void add_intensity(const struct maker *maker, struct random_stream *stream, float *intensity)
{
    const size_t pixels = (size_t)maker->side * maker->side;
    make_noise(maker, stream);
    memset(maker->blurred, 0, 2 * pixels * sizeof *maker->blurred);
    for (unsigned part = 0; part < 2; part++)
        for (uint32_t y = 0; y < maker->side; y++)
            spread_row(maker, maker->noise + part * pixels, y, maker->blurred + part * pixels);
    for (size_t i = 0; i < pixels; i++)
        intensity[i] += maker->blurred[i] * maker->blurred[i] +
                        maker->blurred[pixels + i] * maker->blurred[pixels + i];
}

/* Intensities as parts of the largest one; `maximum` becomes that over the mean. */
static void store_fields(struct speckle *speckle, const float *intensity)
{
    const size_t count = (size_t)speckle->fields * speckle->side * speckle->side;
    double sum = 0, largest = 0;
    for (size_t i = 0; i < count; i++) {
        sum += intensity[i];
        largest = intensity[i] > largest ? intensity[i] : largest;
    }
    speckle->maximum = largest * (double)count / sum;
    for (size_t i = 0; i < count; i++)
        speckle->field[i] = (uint16_t)lrint(UINT16_MAX * (intensity[i] / largest));
}

static int fill_bank(struct speckle *speckle, uint64_t seed, double disk_radius)
{
    const size_t pixels = (size_t)speckle->side * speckle->side;
    struct maker maker = {0};
    float *intensity = calloc(speckle->fields * pixels, sizeof *intensity);
    speckle->field = malloc(speckle->fields * pixels * sizeof *speckle->field);
    int result = -ENOMEM;
    if (!intensity || !speckle->field || maker_init(&maker, speckle->side, disk_radius) < 0)
        goto out;
    for (uint32_t field = 0; field < speckle->fields; field++) {
        struct random_stream stream = random_stream_make(seed, PURPOSE_FIELD, field);
        for (uint32_t i = 0; i < speckle->intensities / speckle->parts; i++)
            add_intensity(&maker, &stream, intensity + field * pixels);
    }
    store_fields(speckle, intensity);
    maker_finish(&maker);
    result = 0;
out:
    free(intensity);
    return result;
}

int speckle_init(struct speckle *speckle, uint32_t side, uint64_t seed, uint32_t intensities,
                 double disk_radius)
{
    *speckle = (struct speckle){.side = side, .intensities = intensities, .maximum = 1};
    if (intensities == 0)
        return 0;
    speckle->parts = parts_for(intensities);
    speckle->fields = fields_for(side, speckle->parts);
    const int result = fill_bank(speckle, seed, disk_radius);
    if (result)
        speckle_finish(speckle);
    return result;
}

void speckle_finish(struct speckle *speckle)
{
    free(speckle->field);
    speckle->field = NULL;
}

struct speckle_draw speckle_draw_make(const struct speckle *speckle, uint64_t seed, uint64_t number)
{
    struct random_stream stream = random_stream_make(seed, PURPOSE_DRAW, number);
    struct speckle_draw draw = {0};
    for (uint32_t part = 0; part < speckle->parts; part++) {
        const uint64_t bits = random_bits(&stream);
        const uint64_t field = (bits >> 48) * speckle->fields >> 16;
        draw.field[part] = speckle->field + field * speckle->side * speckle->side;
        draw.dy[part] = (uint32_t)bits & (speckle->side - 1);
        draw.dx[part] = (uint32_t)(bits >> 16) & (speckle->side - 1);
    }
    return draw;
}

double speckle_at(const struct speckle *speckle, const struct speckle_draw *draw, uint32_t y,
                  uint32_t x)
{
    double sum = 0;
    for (uint32_t part = 0; part < speckle->parts; part++)
        sum += speckle_part(speckle, draw, part, y, x);
    return speckle->parts ? speckle->maximum / UINT16_MAX * sum / speckle->parts : 1;
}
