#include "daemon/calibration/plan_warnings.h"

#include "daemon/calibration/references.h"

json_t *plan_warnings(const struct acquisition_plan *plan, const struct run *run)
{
    json_t *const warnings = reference_warnings(&plan->calibration, run);
    if (*plan->disk_warning)
        json_array_append_new(warnings, json_string(plan->disk_warning));
    return warnings;
}
