#include "detector/sim/run_plan.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/clock.h"
#include "detector/sim/hdr_text.h"

static uint64_t fps_period_ns(const struct options *options)
{
    return (uint64_t)llround((double)NS_PER_S / options->fps);
}

static uint64_t nominal_period_ns(const struct options *options, const struct frame_source *source)
{
    return options->pace == PACE_FIXED ? fps_period_ns(options) : source->period_ns;
}

void run_plan_preset(struct parameters *parameters, const struct options *options,
                     const struct frame_source *source)
{
    const uint64_t period = nominal_period_ns(options, source);
    const uint64_t exposure = source->exposure_ns < period ? source->exposure_ns : period;
    const uint64_t scan =
        source->scan_frames ? source->scan_frames : (uint64_t)options->path.ny * options->path.nx;
    const bool endless_source = source->available == UINT64_MAX;
    double frames = (double)source->available;
    if (options->scan_given || !options->file)
        frames = (double)scan;
    else if (endless_source)
        frames = 0;
    parameters->shortest_frame_ms = options->pace == PACE_FIXED ? (double)period / 1e6 : 0;
    parameters_preset(parameters, PARAMETER_NUMFRAMESTOACQUIRE, frames);
    parameters_preset(parameters, PARAMETER_ACQUISITIONPERIOD, (double)period / 1e6);
    parameters_preset(parameters, PARAMETER_ACQUISITIONTIME, (double)exposure / 1e6);
    parameters_preset(parameters, PARAMETER_COUNTERDEPTH, source->counter_depth);
    parameters_preset(parameters, PARAMETER_CONTINUOUSRW, source->counter_depth == 24 ? 0 : 1);
    parameters_preset(parameters, PARAMETER_FILEFORMAT, source->raw ? 2 : 0);
    parameters_preset(parameters, PARAMETER_IMAGEX, source->image_width);
    parameters_preset(parameters, PARAMETER_IMAGEY, source->image_height);
    parameters_preset(parameters, PARAMETER_SCANX, options->scan_given ? options->path.nx : 0);
    parameters_preset(parameters, PARAMETER_SCANY, options->scan_given ? options->path.ny : 0);
}

static uint64_t milliseconds_to_ns(double milliseconds)
{
    const uint64_t ns = (uint64_t)llround(milliseconds * 1e6);
    return ns > 0 ? ns : 1;
}

static bool client_set_times(const struct parameters *parameters)
{
    return parameters_set_by_client(parameters, PARAMETER_ACQUISITIONTIME) ||
           parameters_set_by_client(parameters, PARAMETER_ACQUISITIONPERIOD);
}

/* In continuous read-write the exposure is the period; a client that set only the other one of the
 * two means that. */
static uint64_t client_period_ns(const struct parameters *parameters, bool continuous)
{
    const bool time_counts =
        continuous && parameters_set_by_client(parameters, PARAMETER_ACQUISITIONTIME);
    return milliseconds_to_ns(parameters_number(
        parameters, time_counts ? PARAMETER_ACQUISITIONTIME : PARAMETER_ACQUISITIONPERIOD));
}

static struct detector_timing plan_timing(const struct parameters *parameters,
                                          const struct options *options,
                                          const struct frame_source *source)
{
    struct detector_timing timing = {.period_ns = source->period_ns,
                                     .exposure_ns = source->exposure_ns,
                                     .continuous =
                                         parameters_number(parameters, PARAMETER_CONTINUOUSRW) == 1,
                                     .paced = options->pace != PACE_MAX};
    const bool fixed = options->pace == PACE_FIXED;
    if (!fixed && !client_set_times(parameters))
        return timing;
    timing.period_ns =
        fixed ? fps_period_ns(options) : client_period_ns(parameters, timing.continuous);
    timing.exposure_ns =
        milliseconds_to_ns(parameters_number(parameters, PARAMETER_ACQUISITIONTIME));
    if (timing.continuous || timing.exposure_ns > timing.period_ns)
        timing.exposure_ns = timing.period_ns;
    return timing;
}

static enum trigger_mode trigger_mode_of(int trigger_start)
{
    switch (trigger_start) {
    case 0:
        return TRIGGER_INTERNAL;
    case 5:
        return TRIGGER_SOFT;
    case 10:
        return TRIGGER_SOFT_GATES;
    default:
        return TRIGGER_EXTERNAL;
    }
}

/* The header's words tell edges apart, not sockets. */
static const char *trigger_text(int trigger)
{
    switch (trigger) {
    case 0:
    case 5:
    case 10:
        return "Internal";
    case 1:
    case 3:
    case 6:
    case 8:
        return "Positive";
    default:
        return "Negative";
    }
}

static int set_trigger(char **text, const char *key, double trigger)
{
    return hdr_text_set(text, key, trigger_text((int)trigger));
}

static int set_date(char **text)
{
    char date[32];
    const time_t now = time(NULL);
    struct tm broken;
    localtime_r(&now, &broken);
    strftime(date, sizeof date, "%d/%m/%Y %H:%M:%S", &broken);
    return hdr_text_set(text, "Time and Date Stamp", date);
}

static bool is_on(const struct parameters *parameters, enum parameter_id id)
{
    return parameters_number(parameters, id) == 1;
}

static bool reads_both_counters(const struct parameters *parameters)
{
    return parameters_number(parameters, PARAMETER_ENABLECOUNTER1) == 2;
}

/* Real headers say "Counter 0", and "Alternating" in continuous read-write. What they say of both
 * counters nobody has published: they are named one after the other. */
static const char *active_counters(const struct parameters *parameters)
{
    if (reads_both_counters(parameters))
        return "Counter 0, Counter 1";
    if (is_on(parameters, PARAMETER_CONTINUOUSRW))
        return "Alternating";
    return is_on(parameters, PARAMETER_ENABLECOUNTER1) ? "Counter 1" : "Counter 0";
}

/* Which of the chip's modes the settings make; the frames of a file are what they are. */
static int edit_mode(char **text, const struct parameters *parameters,
                     const struct frame_source *source)
{
    static const char *const modes[2][2] = {{"SPM", "CM"}, {"CSM", "CSCM"}}; /* [summing][colour] */
    if (!source->reformat)
        return 0;
    int result = hdr_text_set(
        text, "Chip Mode",
        modes[is_on(parameters, PARAMETER_CHARGESUMMING)][is_on(parameters, PARAMETER_COLOURMODE)]);
    result |= hdr_text_set(text, "Active Counters", active_counters(parameters));
    return result;
}

/* The source's header with the lines that say what is going to happen. Negative errors are or-ed:
 * any of them is enough. */
static int edit_hdr(char **text, const struct run_plan *plan, const struct parameters *parameters,
                    const struct options *options, const struct frame_source *source)
{
    int result = hdr_text_set_number(text, "Counter Depth", source->counter_depth);
    result |= edit_mode(text, parameters, source);
    result |= hdr_text_set_number(text, "Frames in Acquisition", plan->asked);
    result |= hdr_text_set_number(text, "Frames per Trigger", plan->frames_per_trigger);
    result |=
        set_trigger(text, "Trigger Start", parameters_number(parameters, PARAMETER_TRIGGERSTART));
    result |=
        set_trigger(text, "Trigger Stop", parameters_number(parameters, PARAMETER_TRIGGERSTOP));
    if (plan->rewrite)
        result |= set_date(text);
    if (options->scan_given || parameters_set_by_client(parameters, PARAMETER_SCANX) ||
        parameters_set_by_client(parameters, PARAMETER_SCANY)) {
        result |= hdr_text_set_number(text, "ScanX",
                                      (uint64_t)parameters_number(parameters, PARAMETER_SCANX));
        result |= hdr_text_set_number(text, "ScanY",
                                      (uint64_t)parameters_number(parameters, PARAMETER_SCANY));
    }
    return result ? -ENOMEM : 0;
}

static int plan_hdr(struct run_plan *plan, const struct parameters *parameters,
                    const struct options *options, const struct frame_source *source)
{
    if (parameters_number(parameters, PARAMETER_USEACQUISITIONHEADERS) == 0)
        return 0;
    char *text = strdup(source->hdr);
    int result = text ? edit_hdr(&text, plan, parameters, options, source) : -ENOMEM;
    if (!result) {
        plan->hdr_size = hdr_text_body_size(text);
        plan->hdr = malloc(plan->hdr_size);
        if (plan->hdr)
            hdr_text_write(plan->hdr, text);
        else
            result = -ENOMEM;
    }
    free(text);
    return result;
}

int run_plan_init(struct run_plan *plan, const struct parameters *parameters,
                  const struct options *options, const struct frame_source *source)
{
    const uint64_t asked = (uint64_t)parameters_number(parameters, PARAMETER_NUMFRAMESTOACQUIRE);
    *plan = (struct run_plan){
        .timing = plan_timing(parameters, options, source),
        .asked = asked,
        .frames = asked < source->available ? asked : source->available,
        .trigger = trigger_mode_of((int)parameters_number(parameters, PARAMETER_TRIGGERSTART)),
        .frames_per_trigger =
            (uint64_t)parameters_number(parameters, PARAMETER_NUMFRAMESPERTRIGGER)};
    if (asked == 0)
        plan->frames = DETECTOR_ENDLESS;
    plan->alternating = source->reformat && source->raw && source->layers == 1 &&
                        is_on(parameters, PARAMETER_CONTINUOUSRW);
    plan->rewrite = !source->own_numbers || options->repeat_given ||
                    options->pace != PACE_FROM_SOURCE || client_set_times(parameters) ||
                    plan->frames > source->count;
    return plan_hdr(plan, parameters, options, source);
}

void run_plan_finish(struct run_plan *plan)
{
    free(plan->hdr);
    memset(plan, 0, sizeof *plan);
}
