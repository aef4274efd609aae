/* Synthetic patterns have the statistics that they are said to have (design of the benchmark: V_px
 * = 1/m, V of a 37-pixel disk 0.0093 for m = 30, F = 2.0), and are pure functions of seed and
 * index. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "detector/sim/glass_map.h"
#include "detector/sim/glass_pattern.h"

enum { SIDE = 128, PIXELS = SIDE * SIDE, CENTRE = SIDE / 2 };

#define RING 35.3
#define DISK 3.36

static void assert_near(const char *what, double value, double expected, double tolerance)
{
    if (!(fabs(value - expected) <= tolerance))
        fail_msg("%s is %g and not %g +- %g", what, value, expected, tolerance);
}

/* The default optics in a frame that just holds the halo. */
static struct glass_optics small_optics(double counts, uint32_t speckle)
{
    struct glass_optics optics = glass_optics_default(256);
    optics.centre[0] = optics.centre[1] = CENTRE;
    optics.direct_beam = 0;
    optics.counts = counts;
    optics.speckle = speckle;
    return optics;
}

static struct glass_pattern make(const struct glass_optics *optics,
                                 const struct glass_sensor_settings *sensor)
{
    struct glass_pattern pattern;
    assert_int_equal(glass_pattern_init(&pattern, SIDE, 7, optics, sensor), 0);
    return pattern;
}

static struct glass_position nothing(uint64_t index)
{
    return (struct glass_position){.intensity = 1, .speckle = index};
}

/* Means over the places of the ring. */
struct moments {
    double mean, variance; /* over frames */
    double relative;       /* (variance - mean) / mean^2 */
};

enum { OF_PIXELS, OF_DISKS };

static double disk_sum(const uint32_t *counts, int y, int x)
{
    double sum = 0;
    for (int dy = -3; dy <= 3; dy++)
        for (int dx = -3; dx <= 3; dx++)
            if (dy * dy + dx * dx <= DISK * DISK)
                sum += counts[(y + dy) * SIDE + x + dx];
    return sum;
}

static bool on_ring(int y, int x)
{
    return fabs(hypot(y - CENTRE, x - CENTRE) - RING) < 2;
}

/* Sums of s and s^2 at each place. */
struct sums {
    double s[PIXELS], square[PIXELS];
};

static void add_frame(struct sums sums[2], const uint32_t *counts)
{
    for (int i = 0; i < PIXELS; i++) {
        if (!on_ring(i / SIDE, i % SIDE))
            continue;
        const double values[2] = {counts[i], disk_sum(counts, i / SIDE, i % SIDE)};
        for (unsigned of = 0; of < 2; of++) {
            sums[of].s[i] += values[of];
            sums[of].square[i] += values[of] * values[of];
        }
    }
}

static struct moments moments_of(const struct sums *sums, unsigned frames)
{
    struct moments total = {0};
    double places = 0;
    for (int i = 0; i < PIXELS; i++) {
        if (!on_ring(i / SIDE, i % SIDE))
            continue;
        const double mean = sums->s[i] / frames;
        const double variance = (sums->square[i] - frames * mean * mean) / (frames - 1);
        total.mean += mean;
        total.variance += variance;
        total.relative += (variance - mean) / (mean * mean);
        places++;
    }
    return (struct moments){total.mean / places, total.variance / places, total.relative / places};
}

/* Of single pixels and of disks, over frames without reflections. */
static void measure(struct moments moments[2], const struct glass_pattern *pattern, unsigned frames)
{
    struct sums *const sums = calloc(2, sizeof *sums);
    uint32_t *const counts = malloc(PIXELS * sizeof *counts);
    assert_true(sums && counts);
    for (unsigned i = 0; i < frames; i++) {
        const struct glass_position position = nothing(i);
        glass_pattern_draw(pattern, &position, i, counts);
        add_frame(sums, counts);
    }
    for (unsigned of = 0; of < 2; of++)
        moments[of] = moments_of(&sums[of], frames);
    free(sums);
    free(counts);
}

static void counts_are_poisson_about_the_halo(void **state)
{
    const struct glass_optics optics = small_optics(2, 0);
    struct glass_pattern pattern = make(&optics, &(struct glass_sensor_settings){0});
    struct moments moments[2];
    measure(moments, &pattern, 200);
    assert_near("mean", moments[OF_PIXELS].mean, 2 * 0.95, 0.03);
    assert_near("F of a pixel", moments[OF_PIXELS].variance / moments[OF_PIXELS].mean, 1, 0.02);
    assert_near("F of a disk", moments[OF_DISKS].variance / moments[OF_DISKS].mean, 1, 0.04);
    glass_pattern_finish(&pattern);
}

static void charge_sharing_doubles_the_variance_of_disks_and_keeps_the_mean(void **state)
{
    const struct glass_optics optics = small_optics(2, 0);
    struct glass_pattern pattern =
        make(&optics, &(struct glass_sensor_settings){.charge_sharing = true});
    struct moments moments[2];
    measure(moments, &pattern, 200);
    assert_near("mean", moments[OF_PIXELS].mean, 2 * 0.95, 0.03);
    assert_near("F of a pixel", moments[OF_PIXELS].variance / moments[OF_PIXELS].mean, 1, 0.02);
    assert_near("F of a disk", moments[OF_DISKS].variance / moments[OF_DISKS].mean, 2.0, 0.06);
    glass_pattern_finish(&pattern);
}

static void assert_speckle(uint32_t intensities, double of_pixel, double of_disk)
{
    const struct glass_optics optics = small_optics(8, intensities);
    struct glass_pattern pattern = make(&optics, &(struct glass_sensor_settings){0});
    struct moments moments[2];
    measure(moments, &pattern, 250);
    assert_near("V of a pixel", moments[OF_PIXELS].relative, of_pixel, 0.05 * of_pixel);
    assert_near("V of a disk", moments[OF_DISKS].relative, of_disk, 0.1 * of_disk);
    glass_pattern_finish(&pattern);
}

static void speckle_has_its_contrast_in_pixels_and_disks(void **state)
{
    assert_speckle(30, 1. / 30, 0.0093);
    assert_speckle(10, 0.1, 0.028);
}

/* Area that two discrete disks have in common, in parts of one. */
static double overlap(int distance)
{
    double common = 0, area = 0;
    for (int y = -3; y <= 3; y++) {
        for (int x = -3; x <= 3; x++) {
            const int there = x - distance;
            area += y * y + x * x <= DISK * DISK;
            common += y * y + x * x <= DISK * DISK && y * y + there * there <= DISK * DISK;
        }
    }
    return common / area;
}

static void speckle_is_as_large_as_the_disk(void **state)
{
    struct speckle speckle;
    assert_int_equal(speckle_init(&speckle, SIDE, 3, 6, DISK), 0);
    for (int distance = 0; distance <= 9; distance++) {
        double product = 0, square = 0;
        for (uint64_t frame = 0; frame < 20; frame++) {
            const struct speckle_draw draw = speckle_draw_make(&speckle, 3, frame);
            for (uint32_t i = 0; i < PIXELS; i++) {
                const double here = speckle_at(&speckle, &draw, i / SIDE, i % SIDE) - 1;
                const double there =
                    speckle_at(&speckle, &draw, i / SIDE, i % SIDE + (uint32_t)distance) - 1;
                product += here * there;
                square += here * here;
            }
        }
        assert_near("correlation", product / square, pow(overlap(distance), 2), 0.03);
    }
    speckle_finish(&speckle);
}

static void friedel_speckle_is_symmetric(void **state)
{
    struct glass_optics optics = small_optics(200, 5);
    optics.friedel = true;
    struct glass_pattern pattern = make(&optics, &(struct glass_sensor_settings){0});
    static uint32_t counts[PIXELS];
    const struct glass_position position = nothing(1);
    glass_pattern_draw(&pattern, &position, 1, counts);
    double difference = 0, mean = 0;
    for (int y = 1; y < SIDE; y++) {
        for (int x = 1; x < SIDE; x++) {
            const double a = counts[y * SIDE + x], b = counts[(SIDE - y) * SIDE + SIDE - x];
            difference += on_ring(y, x) ? (a - b) * (a - b) : 0;
            mean += on_ring(y, x) ? a + b : 0;
        }
    }
    assert_near("variance of I(k) - I(-k), in that of Poisson's", difference / mean, 1, 0.15);
    glass_pattern_finish(&pattern);
}

static uint32_t hits_of_one(const struct glass_sensor *sensor, struct random_stream *stream)
{
    static uint32_t counts[PIXELS];
    memset(counts, 0, sizeof counts);
    const unsigned hits = glass_sensor_hit(sensor, stream, 20.3, 40.6, counts);
    uint32_t found = 0;
    for (int y = 19; y <= 21; y++)
        for (int x = 40; x <= 42; x++)
            found += counts[y * SIDE + x];
    assert_int_equal(found, hits);
    assert_int_equal(counts[20 * SIDE + 41], 1);
    return hits;
}

static void clusters_have_their_sizes(void **state)
{
    struct glass_sensor sensor;
    struct random_stream stream = random_stream_make(1, 1, 1);
    static const double expected[] = {0, 0.45, 0.35, 0.15, 0.05};
    enum { ELECTRONS = 20000 };
    unsigned sizes[5] = {0};
    assert_int_equal(glass_sensor_init(&sensor, SIDE, 1,
                                       &(struct glass_sensor_settings){.charge_sharing = true}),
                     0);
    for (unsigned i = 0; i < ELECTRONS; i++)
        sizes[hits_of_one(&sensor, &stream)]++;
    for (unsigned size = 0; size < 5; size++)
        assert_near("part of a size", sizes[size] / (double)ELECTRONS, expected[size], 0.015);
    glass_sensor_finish(&sensor);
}

static void defects_are_where_the_sensor_says(void **state)
{
    const struct glass_sensor_settings settings = {.charge_sharing = true,
                                                   .flat_field = 0.05,
                                                   .dead = 0.01,
                                                   .hot = 0.01,
                                                   .hot_counts = 30,
                                                   .stop_radius = 8,
                                                   .stop_centre = {CENTRE, CENTRE},
                                                   .arm_width = 4,
                                                   .cross = 2};
    const struct glass_optics optics = small_optics(3, 0);
    struct glass_pattern pattern = make(&optics, &settings);
    const struct glass_sensor *sensor = &pattern.sensor;
    static uint32_t counts[PIXELS];
    const struct glass_position position = nothing(0);
    glass_pattern_draw(&pattern, &position, 0, counts);
    assert_near("dead pixels", sensor->dead_pixels, 0.01 * PIXELS + 4 * SIDE, 60);
    assert_near("hot pixels", sensor->hot_pixels, 0.01 * PIXELS, 60);
    double hot = 0, total = 0;
    for (uint32_t i = 0; i < sensor->dead_pixels; i++)
        assert_int_equal(counts[sensor->dead[i]], 0);
    for (uint32_t i = 0; i < sensor->hot_pixels; i++)
        hot += counts[sensor->hot[i]];
    assert_near("counts of hot pixels", hot / sensor->hot_pixels, 30.5, 2);
    for (uint32_t i = 0; i < PIXELS; i++)
        total += sensor->passes[i] / (double)UINT16_MAX * sensor->best;
    assert_near("mean sensitivity outside stop and cross", total / (PIXELS * 0.93), 1, 0.03);
    assert_int_equal(sensor->passes[(CENTRE + 3) * SIDE + CENTRE + 2], 0);
    assert_int_equal(sensor->passes[(CENTRE + 2) * SIDE + SIDE - 1], 0);
    assert_int_not_equal(sensor->passes[(CENTRE + 4) * SIDE + SIDE - 2], 0);
    glass_pattern_finish(&pattern);
}

static void disks_have_their_counts_and_places(void **state)
{
    const struct glass_optics optics = small_optics(5, 0);
    struct glass_pattern pattern =
        make(&optics, &(struct glass_sensor_settings){.charge_sharing = true});
    const struct glass_position position = {
        .class = GLASS_TWO_BEAM,
        .intensity = 2,
        .shift = {1.5, -0.5},
        .reflections = 1,
        .reflection = {{.g = {20.25, -24.5}, .contrast = 3}},
    };
    const double mean =
        3 * 5 * 2 * glass_pattern_halo(&optics, 0, 20.25, -24.5) * M_PI * DISK * DISK;
    double sum = 0, y_sum = 0, x_sum = 0, r_sum = 0;
    enum { FRAMES = 200 };
    for (uint64_t i = 0; i < FRAMES; i++) {
        static uint32_t counts[PIXELS];
        uint32_t disk_counts;
        uint64_t found = 0;
        memset(counts, 0, sizeof counts);
        glass_pattern_draw_reflections(&pattern, &position, i, counts, &disk_counts);
        for (int p = 0; p < PIXELS; p++) {
            const double dy = p / SIDE - CENTRE - 21.75, dx = p % SIDE - CENTRE + 25;
            found += counts[p];
            y_sum += counts[p] * dy;
            x_sum += counts[p] * dx;
            r_sum += counts[p] * (dy * dy + dx * dx);
        }
        assert_int_equal(found, disk_counts);
        sum += disk_counts;
    }
    assert_near("counts of a disk", sum / FRAMES / mean, 1, 0.02);
    assert_near("y of its middle", y_sum / sum, 0, 0.03);
    assert_near("x of its middle", x_sum / sum, 0, 0.03);
    /* a disk, spread over pixels, and over neighbours by charge sharing: (.35 + 2 .15 + 2 .05)
     * / 1.8 */
    assert_near("its mean square radius", r_sum / sum, DISK * DISK / 2 + 1. / 6 + 0.8 / 1.8, 0.15);
    glass_pattern_finish(&pattern);
}

static void frames_are_pure_functions_of_seed_and_index(void **state)
{
    const struct glass_optics optics = small_optics(1, 30);
    const struct glass_sensor_settings settings = {
        .charge_sharing = true, .hot = 0.001, .hot_counts = 30, .flat_field = 0.05};
    struct glass_map_settings film = glass_map_default(8, 8, RING);
    film.fraction[0] = film.fraction[1] = 0.5;
    film.descan = 3;
    struct glass_map map;
    struct glass_pattern first = make(&optics, &settings), second = make(&optics, &settings);
    static uint32_t forwards[64][PIXELS], counts[PIXELS];
    assert_int_equal(glass_map_init(&map, &film), 0);
    for (uint64_t i = 0; i < 64; i++) {
        struct glass_position position;
        glass_map_position(&map, i, &position);
        glass_pattern_draw(&first, &position, i, forwards[i]);
    }
    assert_memory_not_equal(forwards[0], forwards[1], sizeof counts);
    for (uint64_t i = 64; i-- > 0;) {
        struct glass_position position;
        glass_map_position(&map, i, &position);
        glass_pattern_draw(&second, &position, i, counts);
        assert_memory_equal(counts, forwards[i], sizeof counts);
    }
    glass_pattern_finish(&first);
    glass_pattern_finish(&second);
}

static void fractions_are_exact_in_each_phase(void **state)
{
    struct glass_map_settings film = glass_map_default(40, 50, RING);
    film.fraction[0] = 0.1;
    film.fraction[1] = 0.6;
    film.classes[GLASS_MULTIPLE] = 5;
    film.range.contrast[0] = 2;
    film.range.contrast[1] = 32;
    struct glass_map map;
    unsigned positions[2] = {0}, with[2] = {0}, classes[GLASS_CLASSES] = {0};
    assert_int_equal(glass_map_init(&map, &film), 0);
    for (uint64_t i = 0; i < 2000; i++) {
        struct glass_position position;
        glass_map_position(&map, i, &position);
        positions[position.phase]++;
        with[position.phase] += position.class != GLASS_NONE;
        classes[position.class]++;
        for (unsigned k = 0; k < position.reflections; k++) {
            const struct glass_reflection *r = &position.reflection[k];
            assert_in_range((int)(1000 * r->contrast), 1999, 32001);
            assert_near("|g|", hypot(r->g[0], r->g[1]), RING, 0.081 * RING);
        }
    }
    assert_int_equal(with[0], lround(0.1 * positions[0]));
    assert_int_equal(with[1], lround(0.6 * positions[1]));
    for (unsigned class = 0; class < GLASS_CLASSES; class ++)
        assert_true(classes[class] > 30);
}

/* The number of reflections with a partner at -g. */
static unsigned count_partners(const struct glass_position *position)
{
    unsigned partners = 0;
    for (unsigned i = 0; i < position->reflections; i++)
        for (unsigned j = 0; j < position->reflections; j++)
            partners += hypot(position->reflection[i].g[0] + position->reflection[j].g[0],
                              position->reflection[i].g[1] + position->reflection[j].g[1]) < 1e-9;
    return partners;
}

static void classes_have_their_reflections(void **state)
{
    const struct glass_reflection_range range = {.radius = {32, 38}, .contrast = {1, 1}};
    struct random_stream stream = random_stream_make(1, 2, 3);
    for (unsigned i = 0; i < 500; i++) {
        struct glass_position position = {0};
        glass_reflections_draw(&position, GLASS_NONE, &range, &stream);
        assert_int_equal(position.reflections, 0);
        glass_reflections_draw(&position, GLASS_TWO_BEAM, &range, &stream);
        assert_int_equal(position.reflections, 1);
        glass_reflections_draw(&position, GLASS_THREE_BEAM, &range, &stream);
        assert_int_equal(position.reflections, 2);
        assert_int_equal(count_partners(&position), 2);
        glass_reflections_draw(&position, GLASS_ON_AXIS, &range, &stream);
        assert_true(position.reflections == 4 || position.reflections == 6);
        assert_int_equal(count_partners(&position), position.reflections);
        glass_reflections_draw(&position, GLASS_MULTIPLE, &range, &stream);
        assert_true(position.reflections == 2 || position.reflections == 3);
        assert_int_equal(count_partners(&position), 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(counts_are_poisson_about_the_halo),
        cmocka_unit_test(charge_sharing_doubles_the_variance_of_disks_and_keeps_the_mean),
        cmocka_unit_test(speckle_has_its_contrast_in_pixels_and_disks),
        cmocka_unit_test(speckle_is_as_large_as_the_disk),
        cmocka_unit_test(friedel_speckle_is_symmetric),
        cmocka_unit_test(clusters_have_their_sizes),
        cmocka_unit_test(defects_are_where_the_sensor_says),
        cmocka_unit_test(disks_have_their_counts_and_places),
        cmocka_unit_test(frames_are_pure_functions_of_seed_and_index),
        cmocka_unit_test(fractions_are_exact_in_each_phase),
        cmocka_unit_test(classes_have_their_reflections),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
