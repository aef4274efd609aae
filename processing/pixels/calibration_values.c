#include "processing/pixels/calibration_values.h"

#include <stddef.h>

void calibration_copy(struct calibration *copy, const struct calibration *calibration)
{
    *copy = *calibration;
    pixel_mask_ref(copy->bad_pixels);
    mask_values_ref(copy->gain);
    for (size_t i = 0; i < CALIBRATION_REFERENCES; i++)
        calibration_reference_ref(copy->references[i]);
}

void calibration_finish(struct calibration *calibration)
{
    pixel_mask_unref(calibration->bad_pixels);
    mask_values_unref(calibration->gain);
    calibration->bad_pixels = NULL;
    calibration->gain = NULL;
    for (size_t i = 0; i < CALIBRATION_REFERENCES; i++) {
        calibration_reference_unref(calibration->references[i]);
        calibration->references[i] = NULL;
    }
}

double calibration_number(const struct calibration *calibration, enum calibration_item item,
                          double unknown)
{
    const struct calibration_value *const value = &calibration->values[item];
    return value->known ? value->value[0] : unknown;
}
