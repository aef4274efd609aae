#include "daemon/record/run_beam.h"

#include <math.h>

#include "common/clock.h"
#include "common/log.h"
#include "daemon/logbook/beam_current.h"
#include "daemon/record/series_values.h"

static double exposure_s(const struct run *run, uint64_t exposure)
{
    const struct frame_facts *const facts = frame_table_seen(run->frames, exposure * run->n_layers);
    return facts ? (double)facts->exposure_ns / (double)NS_PER_S : 0;
}

/* Mean exposure, and the mean current over it. `currents` of each exposure, NaN: not known; NULL:
 * it was always `current`. */
static struct run_beam mean_beam(const struct run *run, const double *currents, double current)
{
    uint64_t n = 0;
    double time = 0, charge = 0;
    const uint64_t end = run->recycle ? 0 : frame_table_end(run->frames);
    for (uint64_t i = 0; i < end; i++) {
        const double seconds = exposure_s(run, i), pa = currents ? currents[i] : current;
        if (!(seconds > 0) || !isfinite(pa))
            continue;
        n++;
        time += seconds;
        charge += seconds * pa;
    }
    if (n == 0)
        return (struct run_beam){0};
    return (struct run_beam){.current_pa = charge / time, .exposure_s = time / (double)n};
}

static struct run_beam beam_of_series(const struct run *run, struct logbook *logbook)
{
    unsigned which;
    double unit_pa;
    struct series_values values;
    struct run_beam beam = {0};
    if (!beam_current_find(logbook, &which, &unit_pa))
        return beam;
    const uint64_t first = logbook_first_for(logbook, which, run->started_ns);
    if (series_values_make(&values, logbook, which, first, logbook_samples_end(logbook, which),
                           run) < 0) {
        log_warning("record", "no memory for the beam current of run %s", run->plan->id);
        return beam;
    }
    if (values.n_frames > 0)
        beam = mean_beam(run, values.frames, 0);
    series_values_finish(&values);
    beam.current_pa *= unit_pa;
    beam.measured = true;
    return beam;
}

void run_beam_find(struct run *run, struct logbook *logbook)
{
    const struct calibration *const calibration = &run->plan->calibration;
    struct run_beam beam = beam_of_series(run, logbook);
    if (!(beam.current_pa > 0))
        beam = mean_beam(run, NULL, calibration_number(calibration, CALIBRATION_BEAM_CURRENT, NAN));
    if (!(beam.current_pa > 0))
        return;
    run->beam = beam;
    atomic_store_explicit(&run->beam_known, true, memory_order_release);
}
