#include "daemon/result_timers.h"

#include <string.h>

#include "daemon/acquisition/acquisition.h"

/* How often whole rows are looked for where they are sent at once. */
#define ROWS_MS 2
/* Patterns per second at least while somebody aligns by them: some more than the 10 that a person
 * needs, for timers are late. */
#define ALIGNING_RATE 12

static void on_map(uv_timer_t *timer)
{
    struct result_timers *const timers = timer->data;
    live_icom_watch(timers->icom);
    result_publisher_maps(timers->results, false);
}

static void on_row(uv_timer_t *timer)
{
    struct result_timers *const timers = timer->data;
    if (acquisition_state(timers->acquisition) == ACQUISITION_ACQUIRING)
        result_publisher_whole_rows(timers->results);
}

static void on_pattern(uv_timer_t *timer)
{
    struct result_timers *const timers = timer->data;
    result_publisher_arrays(timers->results, false);
    if (result_publisher_arrays_wanted(timers->results))
        acquisition_want_images(timers->acquisition);
}

static uint64_t period_ms(double rate)
{
    const double period = 1000 / rate;
    return period < 1 ? 1 : (uint64_t)period;
}

static void start_pattern(struct result_timers *timers)
{
    const double configured = timers->config->results_pattern_rate;
    const bool too_slow = timers->aligning && configured < ALIGNING_RATE;
    const uint64_t period = period_ms(too_slow ? ALIGNING_RATE : configured);
    uv_timer_start(&timers->pattern, on_pattern, period, period);
}

void result_timers_init(struct result_timers *timers, uv_loop_t *loop, const struct config *config,
                        struct result_publisher *results, struct live_icom *icom,
                        struct acquisition *acquisition)
{
    *timers = (struct result_timers){
        .config = config, .results = results, .icom = icom, .acquisition = acquisition};
    uv_timer_init(loop, &timers->map);
    uv_timer_init(loop, &timers->pattern);
    uv_timer_init(loop, &timers->row);
    timers->map.data = timers->pattern.data = timers->row.data = timers;
}

void result_timers_start(struct result_timers *timers)
{
    const uint64_t period = period_ms(timers->config->results_map_rate);
    uv_timer_start(&timers->map, on_map, period, period);
    start_pattern(timers);
    if (timers->config->results_immediate)
        uv_timer_start(&timers->row, on_row, ROWS_MS, ROWS_MS);
}

void result_timers_follow(struct result_timers *timers, const json_t *summary)
{
    const char *const mode = json_string_value(json_object_get(summary, "mode"));
    const bool aligning = mode && strcmp(mode, "view") == 0;
    if (aligning == timers->aligning)
        return;
    timers->aligning = aligning;
    start_pattern(timers);
}

void result_timers_close(struct result_timers *timers)
{
    uv_close((uv_handle_t *)&timers->map, NULL);
    uv_close((uv_handle_t *)&timers->pattern, NULL);
    uv_close((uv_handle_t *)&timers->row, NULL);
}
