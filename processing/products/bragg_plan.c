#include "processing/products/bragg_plan.h"

#include <math.h>

void bragg_plan_init(struct bragg_plan *plan)
{
    *plan = (struct bragg_plan){.counts_min = NAN, .counts_max = NAN};
    bragg_settings_init(&plan->settings);
    plan->settings.centre_y = plan->settings.centre_x = NAN;
    plan->settings.inner = plan->settings.outer = NAN;
    plan->settings.disk_radius = NAN;
}

void bragg_plan_copy(struct bragg_plan *copy, const struct bragg_plan *plan)
{
    *copy = *plan;
    if (plan->reference)
        bragg_reference_ref(plan->reference);
}

void bragg_plan_finish(struct bragg_plan *plan)
{
    bragg_reference_unref(plan->reference);
    plan->reference = NULL;
    plan->in_template = false;
}
