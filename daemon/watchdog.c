#include "daemon/watchdog.h"

#include "common/log.h"
#include "common/message_id.h"
#include "daemon/notify.h"

#define LOOKS_PER_INTERVAL 4

static void on_time(uv_timer_t *timer)
{
    struct watchdog *const watchdog = timer->data;
    char who[32];
    if (!acquisition_stuck(watchdog->acquisition, who, sizeof who)) {
        watchdog->told = false;
        notify_watchdog();
        return;
    }
    if (!watchdog->told)
        log_write(LOG_ABOUT(ERROR, .message_id = MESSAGE_STANDS_STILL), "watchdog",
                  "%s stands still: unless it gets on, systemd starts merlind anew; what was "
                  "recorded stays (merlin-file recover)",
                  who);
    watchdog->told = true;
}

void watchdog_start(struct watchdog *watchdog, uv_loop_t *loop, struct acquisition *acquisition)
{
    const uint64_t interval_us = notify_watchdog_interval_us();
    if (interval_us == 0)
        return;
    const uint64_t period_ms = interval_us / 1000 / LOOKS_PER_INTERVAL;
    *watchdog = (struct watchdog){.acquisition = acquisition, .runs = true};
    uv_timer_init(loop, &watchdog->timer);
    watchdog->timer.data = watchdog;
    char who[32];
    (void)acquisition_stuck(acquisition, who, sizeof who); /* what it finds the first time is new */
    uv_update_time(loop); /* after a start that took long the first look would come at once */
    uv_timer_start(&watchdog->timer, on_time, period_ms, period_ms > 0 ? period_ms : 1);
}

void watchdog_close(struct watchdog *watchdog)
{
    if (watchdog->runs)
        uv_close((uv_handle_t *)&watchdog->timer, NULL);
    watchdog->runs = false;
}
