#include "tests/bench/bragg/speed.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/cpu.h"
#include "detector/sim/glass_pattern.h"
#include "processing/bragg/bragg_disk.h"
#include "processing/bragg/bragg_learner.h"

enum { SIDE = 256, PIXELS = SIDE * SIDE, FRAMES = 32, LEARNT = 300, REPEATS = 15 };

static const double radii[] = {3.4, 12.8}, doses[] = {0.05, 0.3, 1, 2};
static const unsigned reflections[] = {0, 10};

struct room {
    struct glass_pattern pattern;
    uint32_t counts[PIXELS];
    uint8_t images[FRAMES][PIXELS];
    struct bragg_result result;
};

/* Ten disks of contrast 8 side by side on the ring; they overlap where they are large. */
static struct glass_position position_of(uint64_t index, unsigned wanted)
{
    struct glass_position position = {.intensity = 1, .speckle = index};
    position.reflections = wanted < GLASS_REFLECTIONS ? wanted : GLASS_REFLECTIONS;
    for (unsigned i = 0; i < position.reflections; i++) {
        const double angle = 2 * M_PI * (i / 10.0 + (double)index / FRAMES);
        position.reflection[i] = (struct glass_reflection){
            .g = {GLASS_RING_RADIUS * sin(angle), GLASS_RING_RADIUS * cos(angle)}, .contrast = 8};
    }
    return position;
}

static void draw(struct room *room, uint64_t index, unsigned wanted, uint8_t *image)
{
    const struct glass_position first = position_of(index, wanted);
    glass_pattern_draw(&room->pattern, &first, index, room->counts);
    if (wanted > GLASS_REFLECTIONS) {
        struct glass_position rest = position_of(index + FRAMES / 2, wanted - GLASS_REFLECTIONS);
        uint32_t disk_counts[GLASS_REFLECTIONS];
        glass_pattern_draw_reflections(&room->pattern, &rest, index, room->counts, disk_counts);
    }
    for (unsigned i = 0; i < PIXELS; i++)
        image[i] = (uint8_t)(room->counts[i] < UINT8_MAX ? room->counts[i] : UINT8_MAX);
}

static int learn(struct room *room, struct bragg_reference **reference, struct error *error)
{
    struct bragg_settings settings;
    struct bragg_reference_values values;
    struct bragg_learner *learner;
    const double radius = room->pattern.optics.disk_radius;
    bragg_settings_init(&settings);
    settings.centre_y = settings.centre_x = SIDE / 2;
    settings.inner = 25;
    settings.outer = 46;
    settings.disk_radius = radius;
    settings.speckle = bragg_speckle_in_disk(1. / 30, radius, radius + BRAGG_DISK_MARGIN);
    int result = bragg_learner_create(&learner, SIDE, SIDE, error);
    if (result)
        return result;
    for (uint64_t i = 0; i < LEARNT; i++) {
        draw(room, 1000 + i, 0, room->images[0]);
        bragg_learner_add(learner, room->images[0], 1);
    }
    bragg_learner_values(learner, &settings, NULL, &values);
    result = bragg_reference_create(reference, &values, error);
    bragg_learner_destroy(learner);
    return result;
}

static double least_us(struct room *room, struct bragg_scratch *scratch)
{
    double least = HUGE_VAL;
    for (unsigned repeat = 0; repeat < REPEATS; repeat++) {
        const uint64_t start = clock_monotonic_ns();
        for (unsigned i = 0; i < FRAMES; i++) {
            const struct bragg_frame frame = {.image = room->images[i], .pixel_size = 1};
            bragg_classify(scratch, &frame, &room->result);
        }
        least = fmin(least, (double)(clock_monotonic_ns() - start) / 1e3 / FRAMES);
    }
    return least;
}

/* All speeds of one radius and dose. */
static int measure(struct room *room, double radius, double counts, struct speed *speeds,
                   struct error *error)
{
    struct glass_optics optics = glass_optics_default(SIDE);
    struct bragg_reference *reference = NULL;
    struct bragg_scratch *scratch = NULL;
    optics.counts = counts;
    optics.disk_radius = radius;
    optics.speckle = 30;
    int result = glass_pattern_init(&room->pattern, SIDE, 5, &optics,
                                    &(struct glass_sensor_settings){.charge_sharing = true});
    if (result)
        return error_set(error, result, "no memory for patterns");
    result = learn(room, &reference, error);
    if (!result)
        result = bragg_scratch_create(&scratch, reference, cpu_isa_best(), error);
    for (unsigned i = 0; !result && i < 2; i++) {
        for (unsigned frame = 0; frame < FRAMES; frame++)
            draw(room, frame, reflections[i], room->images[frame]);
        speeds[i] = (struct speed){radius, counts, reflections[i], least_us(room, scratch)};
    }
    bragg_scratch_destroy(scratch);
    bragg_reference_unref(reference);
    glass_pattern_finish(&room->pattern);
    return result;
}

int speed_measure(struct speed speeds[SPEEDS], struct error *error)
{
    struct room *room = calloc(1, sizeof *room);
    if (!room)
        return error_set(error, -ENOMEM, "no memory");
    int result = 0;
    for (unsigned i = 0; !result && i < SPEEDS / 2; i++)
        result = measure(room, radii[i / 4], doses[i % 4], speeds + 2 * i, error);
    free(room);
    return result;
}

void speed_name(const struct speed *speed, char name[SPEED_NAME])
{
    snprintf(name, SPEED_NAME, "r%g_mu%g_reflections%u", speed->disk_radius, speed->counts,
             speed->reflections);
}
