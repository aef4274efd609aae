#include "daemon/record/series_values.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

/* ---- the clock ---- */

static const struct frame_facts *look(const struct run *run, uint64_t exposure)
{
    const struct frame_facts *const facts = frame_table_seen(run->frames, exposure * run->n_layers);
    return facts && facts->timestamp_ns > 0 ? facts : NULL;
}

/* Our clock less the detector's, ns. */
static double clock_offset(const struct run *run, uint64_t n_frames)
{
    for (uint64_t i = 0; i < n_frames; i++) {
        const struct frame_facts *const facts = look(run, i);
        if (facts)
            return (double)(int64_t)(run->started_ns - facts->timestamp_ns) -
                   (double)facts->exposure_ns;
    }
    return 0;
}

/* ---- values ---- */

static int by_time(const void *a, const void *b)
{
    const struct logbook_sample *const one = a, *const other = b;
    return one->time_ns < other->time_ns ? -1 : one->time_ns > other->time_ns;
}

/* `time` in ns since the first sample. */
static double value_at(const struct series_values *values, double time)
{
    size_t low = 0, high = values->n - 1;
    if (time <= 0)
        return values->values[0];
    if (time >= (double)(values->times[high] - values->times[0]))
        return values->values[high];
    while (high - low > 1) {
        const size_t middle = low + (high - low) / 2;
        if ((double)(values->times[middle] - values->times[0]) <= time)
            low = middle;
        else
            high = middle;
    }
    const double begin = (double)(values->times[low] - values->times[0]);
    const double span = (double)(values->times[high] - values->times[low]);
    const double part = span > 0 ? (time - begin) / span : 1;
    return values->values[low] + part * (values->values[high] - values->values[low]);
}

static void interpolate(struct series_values *values, const struct run *run)
{
    const double offset = clock_offset(run, values->n_frames);
    for (uint64_t i = 0; i < values->n_frames; i++) {
        const struct frame_facts *const facts = look(run, i);
        values->frames[i] =
            !facts ? NAN
                   : value_at(values, (double)(int64_t)(facts->timestamp_ns - values->times[0]) +
                                          offset + (double)facts->exposure_ns / 2);
    }
}

int series_values_make(struct series_values *values, struct logbook *logbook, unsigned which,
                       uint64_t first, uint64_t end, const struct run *run)
{
    const size_t most = end > first ? (size_t)(end - first) : 0;
    struct logbook_sample *const samples = calloc(most + 1, sizeof *samples);
    *values = (struct series_values){.n_frames = run->recycle ? 0 : frame_table_end(run->frames)};
    values->times = calloc(most + 1, sizeof *values->times);
    values->values = calloc(most + 1, sizeof *values->values);
    values->frames = calloc(values->n_frames + 1, sizeof *values->frames);
    if (!samples || !values->times || !values->values || !values->frames) {
        free(samples);
        series_values_finish(values);
        return -ENOMEM;
    }
    values->n = logbook_read_samples(logbook, which, &first, samples, most);
    qsort(samples, values->n, sizeof *samples, by_time);
    for (size_t i = 0; i < values->n; i++) {
        values->times[i] = samples[i].time_ns;
        values->values[i] = samples[i].value;
    }
    free(samples);
    if (values->n > 0)
        interpolate(values, run);
    else
        values->n_frames = 0;
    return 0;
}

void series_values_finish(struct series_values *values)
{
    free(values->times);
    free(values->values);
    free(values->frames);
}
