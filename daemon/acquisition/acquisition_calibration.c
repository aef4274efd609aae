#include "common/log.h"
#include "daemon/acquisition/acquisition_internal.h"

/* The calibration in force, and what is kept by name. */

const struct calibration *acquisition_calibration(const struct acquisition *acquisition)
{
    return &acquisition->calibration;
}

void acquisition_set_calibration(struct acquisition *acquisition,
                                 const struct calibration *calibration)
{
    struct calibration copy;
    calibration_copy(&copy, calibration);
    calibration_finish(&acquisition->calibration);
    acquisition->calibration = copy;
    acquisition_renew_default_plan(acquisition);
    log_notice("acquisition", "the calibration was changed; settings version %u",
               acquisition->settings_version);
}

struct kept_store *acquisition_kept(struct acquisition *acquisition)
{
    return acquisition->kept;
}
