#include "common/log.h"
#include "daemon/acquisition_internal.h"

/* The calibration in force, and the halos that strain is measured against. */

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

struct halo_references *acquisition_halos(struct acquisition *acquisition)
{
    return &acquisition->halos;
}
