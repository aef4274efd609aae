#include "processing/calibration_values.h"

#include <stddef.h>

void calibration_copy(struct calibration *copy, const struct calibration *calibration)
{
    *copy = *calibration;
    pixel_mask_ref(copy->bad_pixels);
}

void calibration_finish(struct calibration *calibration)
{
    pixel_mask_unref(calibration->bad_pixels);
    calibration->bad_pixels = NULL;
}

double calibration_number(const struct calibration *calibration, enum calibration_item item,
                          double unknown)
{
    const struct calibration_value *const value = &calibration->values[item];
    return value->known ? value->value[0] : unknown;
}
