#include "detector/settings.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "detector/parameters.h"

/* Its place in the list; settings->n: not there. */
static unsigned find(const struct detector_settings *settings, const char *name)
{
    unsigned i = 0;
    while (i < settings->n && strcasecmp(settings->list[i].name, name) != 0)
        i++;
    return i;
}

void detector_settings_put(struct detector_settings *settings, const char *name, const char *value)
{
    const unsigned place = find(settings, name);
    if (strlen(name) >= DETECTOR_NAME_SIZE || strlen(value) >= DETECTOR_VALUE_SIZE ||
        place == DETECTOR_SETTINGS_MAX) {
        detector_settings_drop(settings, name);
        return;
    }
    struct detector_setting *const setting = &settings->list[place];
    if (place == settings->n) {
        settings->n++;
        snprintf(setting->name, sizeof setting->name, "%s", name);
    }
    snprintf(setting->value, sizeof setting->value, "%s", value);
}

const char *detector_settings_get(const struct detector_settings *settings, const char *name)
{
    const unsigned place = find(settings, name);
    return place < settings->n ? settings->list[place].value : NULL;
}

void detector_settings_drop(struct detector_settings *settings, const char *name)
{
    const unsigned place = find(settings, name);
    if (place < settings->n)
        settings->list[place] = settings->list[--settings->n];
}

void detector_settings_clear(struct detector_settings *settings)
{
    settings->n = 0;
}

void detector_settings_drop_after_mode(struct detector_settings *settings)
{
    for (unsigned i = settings->n; i-- > 0;) {
        const struct detector_parameter *const parameter =
            detector_parameter_find(settings->list[i].name);
        if (parameter &&
            (parameter->group == DETECTOR_GROUP_TIME || parameter->group == DETECTOR_GROUP_TRIGGER))
            settings->list[i] = settings->list[--settings->n];
    }
}

/* ---- what goes together ---- */

/* Values that exclude each other, and what to do about it. */
struct exclusion {
    const char *name;
    double least, most;
    const char *other;
    double other_least, other_most;
    const char *why;
};

static const struct exclusion exclusions[] = {
    {"CONTINUOUSRW", 1, 1, "ENABLECOUNTER1", 2, 2,
     "continuous read-write needs the second counter for its readout"},
    {"CONTINUOUSRW", 1, 1, "COUNTERDEPTH", 24, 24,
     "24 bits take both counters, and none is left for continuous read-write"},
    {"COUNTERDEPTH", 24, 24, "ENABLECOUNTER1", 2, 2,
     "24 bits take both counters together, so that they cannot be read apart"},
    {"CHARGESUMMING", 1, 1, "ENABLECOUNTER1", 2, 2, "charge summing needs counter 1 for itself"},
    {"TRIGGERSTART", 6, 10, "CONTINUOUSRW", 1, 1,
     "a multi-gate trigger does not work with continuous read-write"},
};

struct found_value {
    const char *text; /* NULL: neither asked for nor known */
    bool asked;
    double number;
};

static struct found_value look_up(const struct detector_settings *asked,
                                  const struct detector_settings *known, const char *name)
{
    struct found_value found = {.text = detector_settings_get(asked, name)};
    found.asked = found.text;
    if (!found.asked)
        found.text = detector_settings_get(known, name);
    if (found.text && !detector_number(found.text, &found.number))
        found.text = NULL;
    return found;
}

static bool is_within(const struct found_value *found, double least, double most)
{
    return found->text && found->number >= least && found->number <= most;
}

static int check_exclusion(const struct exclusion *exclusion, const struct detector_settings *asked,
                           const struct detector_settings *known, const char **culprit,
                           struct error *error)
{
    const struct found_value one = look_up(asked, known, exclusion->name);
    const struct found_value other = look_up(asked, known, exclusion->other);
    if (!is_within(&one, exclusion->least, exclusion->most) ||
        !is_within(&other, exclusion->other_least, exclusion->other_most) ||
        (!one.asked && !other.asked))
        return 0;
    *culprit = one.asked ? exclusion->name : exclusion->other;
    const char *const kept = one.asked ? exclusion->other : exclusion->name;
    const bool kept_is_known = one.asked != other.asked;
    return error_set(error, -EINVAL, "%s %s does not go with %s %s: %s; %s %s", exclusion->name,
                     one.text, exclusion->other, other.text, exclusion->why,
                     kept_is_known ? "the detector has it, set also" : "change one, for example",
                     kept);
}

/*
 * The shortest readout there can be, ms: the fastest clock (180 MHz), the fewest rows (32 of 256),
 * eight lines. What is above it and still too short for this detector shows when it is read back.
 */
static double shortest_readout_ms(double depth)
{
    return 256.0 * 32 * depth / (8 * 180e3);
}

static int check_readout(const struct detector_settings *asked,
                         const struct detector_settings *known, const char **culprit,
                         struct error *error)
{
    const struct found_value time = look_up(asked, known, "ACQUISITIONTIME");
    const struct found_value continuous = look_up(asked, known, "CONTINUOUSRW");
    const struct found_value depth = look_up(asked, known, "COUNTERDEPTH");
    if (!time.asked || !depth.text || !is_within(&continuous, 1, 1) ||
        time.number >= shortest_readout_ms(depth.number))
        return 0;
    *culprit = "ACQUISITIONTIME";
    return error_set(
        error, -EINVAL,
        "ACQUISITIONTIME %s ms is shorter than the readout of a frame with COUNTERDEPTH %s "
        "(at least %.4g ms), which continuous read-write cannot do: make it longer, or "
        "set CONTINUOUSRW to 0",
        time.text, depth.text, shortest_readout_ms(depth.number));
}

int detector_settings_check(const struct detector_settings *asked,
                            const struct detector_settings *known, const char **culprit,
                            struct error *error)
{
    for (size_t i = 0; i < sizeof exclusions / sizeof *exclusions; i++) {
        const int r = check_exclusion(&exclusions[i], asked, known, culprit, error);
        if (r < 0)
            return r;
    }
    return check_readout(asked, known, culprit, error);
}
