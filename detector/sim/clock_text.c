#include "detector/sim/clock_text.h"

#include <time.h>

void clock_text_set(struct clock_text *clock, int64_t second)
{
    if (clock->local[0] && clock->second == second)
        return;
    const time_t time = (time_t)second;
    struct tm broken;
    localtime_r(&time, &broken);
    strftime(clock->local, sizeof clock->local, "%Y-%m-%d %H:%M:%S", &broken);
    gmtime_r(&time, &broken);
    strftime(clock->utc, sizeof clock->utc, "%Y-%m-%dT%H:%M:%S", &broken);
    clock->second = second;
}
