#include "daemon/acquisition/run_dose.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/counter.h"
#include "processing/analysis/calibration.h"
#include "processing/run/run_products.h"

/* Counts in all analysed patterns of the first layer. false: nobody knows. */
static bool sum_counts(const struct run *run, double *counts)
{
    unsigned which;
    char name[PRODUCT_NAME_SIZE];
    snprintf(name, sizeof name, "sum");
    const struct product *const product = run_find_array(run, name, &which);
    if (!product)
        return false;
    const struct product_array *const array = &product->arrays[which];
    const size_t n = (size_t)array->shape[0] * (array->rank > 1 ? array->shape[1] : 1);
    uint64_t *const values = malloc(n * sizeof *values);
    const bool known = values && run_array(run, product, which, values) == 0;
    *counts = 0;
    for (size_t i = 0; known && i < n; i++)
        *counts += (double)values[i];
    free(values);
    return known;
}

/* Mean number of electrons that the detector counted in a pattern; NaN: not known. */
static double counted_electrons(const struct run *run)
{
    const double gain =
        calibration_number(&run->plan->calibration, CALIBRATION_COUNTS_PER_ELECTRON, 0);
    const uint64_t patterns = counter_read(&run->counts.analysed) / run->n_layers;
    double counts;
    if (!(gain > 0) || patterns == 0 || !sum_counts(run, &counts))
        return NAN;
    return counts / (double)patterns / gain;
}

/* The same of those that the beam had while a frame was exposed. */
static double beam_electrons(const struct run *run)
{
    if (!atomic_load_explicit(&run->beam_known, memory_order_acquire))
        return NAN;
    return electrons_of_beam(run->beam.current_pa, run->beam.exposure_s);
}

static json_t *beam_json(const struct run *run, double electrons, double area)
{
    if (isnan(electrons))
        return json_null();
    return json_pack("{s:f, s:f, s:f, s:f, s:s}", "current_pa", run->beam.current_pa, "exposure_s",
                     run->beam.exposure_s, "electrons", electrons, "e_per_nm2", electrons / area,
                     "source", run->beam.measured ? "series" : "calibration");
}

json_t *run_dose_json(const struct run *run)
{
    const double step = calibration_number(&run->plan->calibration, CALIBRATION_SCAN_STEP, 0);
    const double area = step * step;
    if (!(area > 0) || atomic_load_explicit(&run->phase, memory_order_acquire) == RUN_ACQUIRING)
        return json_null();
    const double counted = counted_electrons(run), beam = beam_electrons(run);
    if (isnan(counted) && isnan(beam))
        return json_null();
    const double electrons = isnan(counted) ? beam : counted;
    return json_pack("{s:f, s:f, s:f, s:s, s:o}", "electrons", electrons, "area_nm2", area,
                     "e_per_nm2", electrons / area, "source",
                     isnan(counted) ? "beam_current" : "counts", "beam",
                     beam_json(run, beam, area));
}
