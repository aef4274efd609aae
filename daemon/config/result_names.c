#include "daemon/config/result_names.h"

#include <stddef.h>
#include <string.h>

static const char *const reserved[] = {
    "com_y",      "com_x",       "com_magnitude", "com_angle",      "icom",     "sum",
    "mean",       "maximum",     "latest",        "measured",       "bragg",    "variance",
    "radial_sum", "radial_mean", "radial_area",   "radial_profile", "v_image",  "v_r",
    "v_re",       "omega",       "saturated",     "saturation",     "halo_k",   "halo_fwhm",
    "e_xx",       "e_yy",        "e_xy",          "counter0",       "counter1", "layer0",
    "layer1",     "layer2",      "layer3",        "layer4",         "layer5",   "layer6",
    "layer7",
};

/* Results have their errors beside them. */
static size_t length_without_error(const char *name)
{
    static const char ending[] = "_error";
    const size_t length = strlen(name), cut = sizeof ending - 1;
    return length > cut && strcmp(name + length - cut, ending) == 0 ? length - cut : length;
}

bool result_name_is_reserved(const char *name)
{
    const size_t length = length_without_error(name);
    for (size_t i = 0; i < sizeof reserved / sizeof *reserved; i++) {
        if (strlen(reserved[i]) == length && strncmp(name, reserved[i], length) == 0)
            return true;
    }
    return false;
}
