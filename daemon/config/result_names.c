#include "daemon/config/result_names.h"

#include <stddef.h>
#include <string.h>

static const char *const reserved[] = {
    "com_y",      "com_x",           "com_magnitude", "com_angle",      "icom",    "sum",
    "mean",       "maximum",         "latest",        "measured",       "bragg",   "variance",
    "radial_sum", "radial_mean",     "radial_area",   "radial_profile", "v_image", "v_r",
    "v_re",       "omega",           "saturated",     "saturation",     "halo_k",  "halo_k_error",
    "halo_fwhm",  "halo_fwhm_error", "e_xx",          "e_yy",           "e_xy",    "e_xx_error",
    "e_yy_error", "e_xy_error",      "counter0",      "counter1",       "layer0",  "layer1",
    "layer2",     "layer3",          "layer4",        "layer5",         "layer6",  "layer7",
};

bool result_name_is_reserved(const char *name)
{
    for (size_t i = 0; i < sizeof reserved / sizeof *reserved; i++) {
        if (strcmp(name, reserved[i]) == 0)
            return true;
    }
    return false;
}
