#include "processing/run/stall_rhythm.h"

#include "common/clock.h"

/* Exposures differ by a few per cent with external triggers: 0.896 to 0.914 ms were seen. */
#define INNER_PERCENT 120
/* Where triggers come from a scan generator the first or last frame of a line varies more. */
#define EDGE_PERCENT 200
#define ODD_PERCENT 300
/* Longer pauses than usual, of the usual period: within what one trigger starts; and where a scan
 * generator says when each frame begins, which has reasons of its own. */
#define WITHIN_PERCENT 20
#define SCAN_PERCENT 200

/* The fastest readout, 1 bit and 32 rows at 180 MHz, takes 5.7 us. With less between two frames
 * they are continuous, and then the time of a stall is in an exposure. */
#define CONTINUOUS_NS 3000
/* No detector waits so long for a buffer: somebody has set the clock. */
#define LONGEST_NS (600 * NS_PER_S)

static unsigned exposure_percent(enum stall_place place)
{
    if (place == STALL_PLACE_INNER)
        return INNER_PERCENT;
    return place >= STALL_PLACE_FLYBACK ? ODD_PERCENT : EDGE_PERCENT;
}

static unsigned pause_percent(const struct stall_lines *lines, enum stall_place place)
{
    const bool within =
        place == STALL_PLACE_INNER || place == STALL_PLACE_LAST || place == STALL_PLACE_BURST_LAST;
    if (lines->readout == STALL_READOUT_CONTINUOUS)
        return 0;
    switch (lines->trigger) {
    case STALL_TRIGGER_BURSTS:
        return within ? WITHIN_PERCENT : 0;
    case STALL_TRIGGER_INTERNAL:
        return within ? WITHIN_PERCENT : 100;
    default:
        return SCAN_PERCENT;
    }
}

struct stall_limits stall_limits_of(const struct stall_lines *lines, enum stall_place place)
{
    return (struct stall_limits){
        .exposure_percent = exposure_percent(place),
        .pause_percent = pause_percent(lines, place),
        .readout_unknown = lines->readout == STALL_READOUT_UNKNOWN,
    };
}

struct stall_limits stall_limits_borrowed(const struct stall_lines *lines, enum stall_place place)
{
    struct stall_limits limits = stall_limits_of(lines, place);
    limits.exposure_percent = ODD_PERCENT;
    if (limits.pause_percent > 0)
        limits.pause_percent = SCAN_PERCENT;
    return limits;
}

/* The lower of the two in the middle, should their number be even. Sorts. */
static int64_t median(int64_t *values, unsigned n)
{
    for (unsigned i = 1; i < n; i++) {
        const int64_t value = values[i];
        unsigned at = i;
        for (; at > 0 && values[at - 1] > value; at--)
            values[at] = values[at - 1];
        values[at] = value;
    }
    return values[(n - 1) / 2];
}

void stall_rhythm_learn(struct stall_rhythm *rhythm)
{
    int64_t exposures[STALL_SAMPLES], periods[STALL_SAMPLES], pauses[STALL_SAMPLES];
    unsigned n_exposures = 0, n_periods = 0;
    for (unsigned i = 0; i < rhythm->n; i++) {
        const struct stall_sample *const sample = &rhythm->samples[i];
        if (sample->exposure_ns > 0)
            exposures[n_exposures++] = (int64_t)sample->exposure_ns;
        if (sample->follows) {
            periods[n_periods] = (int64_t)sample->period_ns;
            pauses[n_periods++] = sample->dead_ns;
        }
    }
    rhythm->learned = true;
    rhythm->exposure_ns = n_exposures >= 2 ? (uint64_t)median(exposures, n_exposures) : 0;
    rhythm->period_ns = n_periods >= 2 ? (uint64_t)median(periods, n_periods) : 0;
    rhythm->dead_ns = n_periods >= 2 ? median(pauses, n_periods) : 0;
}

static uint64_t exposure_excess(const struct stall_rhythm *rhythm,
                                const struct stall_limits *limits,
                                const struct stall_sample *sample)
{
    const uint64_t usual = rhythm->exposure_ns;
    if (usual == 0 || sample->exposure_ns * 100 <= usual * limits->exposure_percent)
        return 0;
    return sample->exposure_ns - usual;
}

static bool pauses_tell(const struct stall_rhythm *rhythm, const struct stall_limits *limits)
{
    return limits->pause_percent > 0 && rhythm->period_ns > 0 &&
           (!limits->readout_unknown || rhythm->dead_ns >= CONTINUOUS_NS);
}

static uint64_t pause_excess(const struct stall_rhythm *rhythm, const struct stall_limits *limits,
                             const struct stall_sample *sample, uint64_t tick_ns)
{
    if (!sample->follows || sample->dead_ns <= rhythm->dead_ns || !pauses_tell(rhythm, limits))
        return 0;
    const uint64_t excess = (uint64_t)(sample->dead_ns - rhythm->dead_ns);
    const bool more = excess * 100 > rhythm->period_ns * limits->pause_percent;
    return more && excess > 2 * tick_ns && excess < LONGEST_NS ? excess : 0;
}

uint64_t stall_rhythm_judge(const struct stall_rhythm *rhythm, const struct stall_limits *limits,
                            const struct stall_sample *sample, uint64_t tick_ns)
{
    const uint64_t exposure = exposure_excess(rhythm, limits, sample);
    const uint64_t pause = pause_excess(rhythm, limits, sample, tick_ns);
    return exposure > pause ? exposure : pause;
}
