#include "daemon/trash_keeper.h"

#include <stdlib.h>

#include "common/clock.h"
#include "daemon/files/trash.h"

/* Looks ten times in the time that files are kept, but not more often than once a second and not
 * less often than every ten minutes. */
#define LOOKS 10
#define LOOK_MIN_S 1.0
#define LOOK_MAX_S 600.0

struct round {
    struct trash_keeper *keeper;
    json_t *directories;
    double hours;
};

static void work(void *data)
{
    const struct round *const round = data;
    size_t i;
    json_t *directory;
    json_array_foreach(round->directories, i, directory)
        trash_empty(json_string_value(directory), round->hours);
}

static void done(void *data, bool cancelled)
{
    struct round *const round = data;
    if (!cancelled)
        round->keeper->busy = false;
    json_decref(round->directories);
    free(round);
}

static double pause_s(double hours)
{
    const double pause = hours * 3600 / LOOKS;
    return pause < LOOK_MIN_S ? LOOK_MIN_S : pause > LOOK_MAX_S ? LOOK_MAX_S : pause;
}

void trash_keeper_look(struct trash_keeper *keeper, struct jobs *jobs,
                       const struct acquisition *acquisition)
{
    const uint64_t now = clock_monotonic_ns();
    const double hours = acquisition_trash_hours(acquisition);
    if (keeper->busy || now < keeper->next_ns)
        return;
    keeper->next_ns = now + (uint64_t)(pause_s(hours) * (double)NS_PER_S);
    struct round *const round = malloc(sizeof *round);
    if (!round)
        return;
    *round = (struct round){keeper, json_deep_copy(acquisition_directories(acquisition)), hours};
    keeper->busy = true;
    if (jobs_start(jobs, work, done, round) < 0)
        done(round, false);
}
