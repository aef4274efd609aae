#include "processing/products/bragg_plan.h"

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
