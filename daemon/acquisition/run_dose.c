#include "daemon/acquisition/run_dose.h"

#include <stdlib.h>

#include "common/counter.h"
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

json_t *run_dose_json(const struct run *run)
{
    const struct calibration *const calibration = &run->plan->calibration;
    const double gain = calibration_number(calibration, CALIBRATION_COUNTS_PER_ELECTRON, 0);
    const double step = calibration_number(calibration, CALIBRATION_SCAN_STEP, 0);
    const uint64_t patterns = counter_read(&run->counts.analysed) / run->n_layers;
    double counts;
    if (!(gain > 0) || !(step > 0) || patterns == 0 ||
        atomic_load_explicit(&run->phase, memory_order_acquire) == RUN_ACQUIRING ||
        !sum_counts(run, &counts))
        return json_null();
    const double electrons = counts / (double)patterns / gain;
    return json_pack("{s:f, s:f, s:f}", "electrons", electrons, "area_nm2", step * step,
                     "e_per_nm2", electrons / (step * step));
}
