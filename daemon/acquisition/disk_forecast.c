#include "daemon/acquisition/disk_forecast.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>

#include "common/clock.h"
#include "common/counter.h"
#include "daemon/pipeline.h"

#define GB 1e9
/* More than this over what the last run needs is called enough. */
#define COMFORT 1.25
/* Header, checksums and row of an image, when none was recorded yet. */
#define OVERHEAD 128
/* How far the rate of growth looks back. */
#define SMOOTHING_S 5.0
#define SAMPLE_NS (NS_PER_S / 2)

static unsigned pixel_size_of(unsigned counter_depth)
{
    return counter_depth <= 6 ? 1 : counter_depth <= 12 ? 2 : 4;
}

/* ---- experience ---- */

static void bytes_of(const struct run *run, uint64_t *raw, uint64_t *written)
{
    struct run_recording *const recording = run->recording;
    pthread_mutex_lock(&recording->mutex);
    *raw = recording->bytes_raw;
    *written = recording->bytes_written;
    pthread_mutex_unlock(&recording->mutex);
}

void disk_experience_take(struct disk_experience *experience, const struct run *run)
{
    uint64_t raw, written;
    const uint64_t ended = counter_read(&run->ended_ns);
    const uint64_t until = ended ? ended : clock_realtime_ns();
    experience->image_pixels = (uint64_t)run->format.width * run->format.height;
    experience->counter_depth = run->format.counter_depth;
    experience->n_layers = run->n_layers;
    experience->image_overhead = OVERHEAD;
    if (until > run->started_ns)
        experience->images_per_s = (double)counter_read(&run->counts.received) /
                                   ((double)(until - run->started_ns) / (double)NS_PER_S);
    bytes_of(run, &raw, &written);
    if (written > 0)
        experience->ratio = (double)raw / (double)written;
}

/* ---- before a run ---- */

struct disk_forecast disk_forecast_make(const struct disk_experience *experience, uint64_t n_images,
                                        unsigned counter_depth, uint64_t bytes_free)
{
    const unsigned depth = counter_depth ? counter_depth : experience->counter_depth;
    struct disk_forecast forecast = {
        .n_images = n_images,
        .bytes_free = bytes_free,
        .ratio_known = experience->ratio > 0 && depth == experience->counter_depth,
    };
    forecast.ratio = forecast.ratio_known ? experience->ratio : 1;
    if (experience->image_pixels == 0 || n_images == 0)
        return forecast;
    const double image = (double)experience->image_pixels * pixel_size_of(depth) / forecast.ratio;
    forecast.bytes = (uint64_t)((double)n_images * (image + experience->image_overhead));
    if (experience->images_per_s > 0)
        forecast.minutes = (double)n_images / experience->images_per_s / 60;
    return forecast;
}

/* "; the disk will be full after 2.1 of 8.4 minutes", or "". */
static void describe_time(const struct disk_forecast *forecast, char *text, size_t size)
{
    text[0] = '\0';
    if (forecast->minutes > 0 && forecast->bytes > forecast->bytes_free)
        snprintf(text, size, "; it would be full after %.2g of %.2g minutes",
                 forecast->minutes * (double)forecast->bytes_free / (double)forecast->bytes,
                 forecast->minutes);
}

static void describe(const struct disk_forecast *forecast, const char *directory,
                     const char *likely, struct error *error)
{
    char time[80], how[60];
    describe_time(forecast, time, sizeof time);
    if (forecast->ratio_known)
        snprintf(how, sizeof how, "compressed %.3g : 1 as lately", forecast->ratio);
    else
        snprintf(how, sizeof how, "if they cannot be compressed");
    error_set(error, -ENOSPC,
              "%.200s has %.3g GB free, and %" PRIu64 " images, %s, %s %.3g GB%s; free space there "
              "or choose another recording.directory",
              directory, (double)forecast->bytes_free / GB, forecast->n_images, how, likely,
              (double)forecast->bytes / GB, time);
}

enum disk_verdict disk_forecast_judge(const struct disk_forecast *forecast, const char *directory,
                                      struct error *error)
{
    if ((double)forecast->bytes * (forecast->ratio_known ? COMFORT : 1) <=
        (double)forecast->bytes_free)
        return DISK_SUFFICES;
    const bool is_short = forecast->ratio_known && forecast->bytes > forecast->bytes_free;
    describe(forecast, directory, is_short ? "need" : "may need", error);
    return is_short ? DISK_SHORT : DISK_TIGHT;
}

/* ---- while it goes on ---- */

void disk_growth_sample(struct disk_growth *growth, struct run *run, uint64_t now_ns)
{
    uint64_t raw, written;
    if (now_ns < growth->time_ns + SAMPLE_NS)
        return;
    bytes_of(run, &raw, &written);
    if (growth->time_ns) {
        const double seconds = (double)(now_ns - growth->time_ns) / (double)NS_PER_S;
        const double part = growth->written_per_s > 0 ? fmin(1, seconds / SMOOTHING_S) : 1;
        growth->written_per_s +=
            part * ((double)(written - growth->bytes_written) / seconds - growth->written_per_s);
        growth->raw_per_s +=
            part * ((double)(raw - growth->bytes_raw) / seconds - growth->raw_per_s);
    }
    growth->time_ns = now_ns;
    growth->bytes_written = written;
    growth->bytes_raw = raw;
}

static uint64_t images_to_come(const struct run *run)
{
    const uint64_t by_detector = run->frames_to_come * run->n_layers;
    const uint64_t all = by_detector > run->expected ? by_detector : run->expected;
    const uint64_t done = counter_read(&run->counts.recorded) +
                          counter_read(&run->counts.extra_recorded) +
                          counter_read(&run->counts.unrecorded);
    return all > done ? all - done : 0;
}

struct disk_outlook disk_outlook_of(const struct run *run, const struct disk_growth *growth,
                                    uint64_t bytes_free)
{
    struct disk_outlook outlook = {.bytes_free = bytes_free, .minutes_left = NAN};
    uint64_t raw, written;
    bytes_of(run, &raw, &written);
    const uint64_t recorded =
        counter_read(&run->counts.recorded) + counter_read(&run->counts.extra_recorded);
    const uint64_t usable = bytes_free > RECORDER_KEEPS_FREE ? bytes_free - RECORDER_KEEPS_FREE : 0;
    outlook.bytes_per_s = growth->written_per_s;
    if (growth->written_per_s > 0)
        outlook.minutes_left = (double)usable / growth->written_per_s / 60;
    outlook.known = recorded > 0 && (run->expected > 0 || run->frames_to_come > 0);
    if (outlook.known)
        outlook.bytes_to_come = (uint64_t)((double)images_to_come(run) *
                                           ((double)written / (double)recorded + OVERHEAD));
    outlook.suffices = outlook.bytes_to_come <= usable;
    return outlook;
}

json_t *disk_outlook_json(const struct disk_outlook *outlook)
{
    return json_pack(
        "{s:I, s:o, s:o, s:o}", "bytes_free", (json_int_t)outlook->bytes_free, "bytes_to_come",
        outlook->known ? json_integer((json_int_t)outlook->bytes_to_come) : json_null(),
        "minutes_left",
        isnan(outlook->minutes_left) ? json_null() : json_real(outlook->minutes_left), "suffices",
        outlook->known ? json_boolean(outlook->suffices) : json_null());
}
