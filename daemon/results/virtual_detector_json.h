#pragma once

#include <jansson.h>

#include "processing/products/virtual_detector.h"

/* The keys of a virtual detector as virtual_detector_text.h has them, and "mask_shape": [height,
 * width] where the weights of a mask are known. NULL: no memory. */
json_t *virtual_detector_json(const struct virtual_detector_settings *settings);
