#include "daemon/record/detector_pixels.h"

#include <stdlib.h>

#include "daemon/record/nexus.h"
#include "processing/run/run_products.h"

/* NXdetector, pixel_mask: bit 8 is a mask of the user's. Why a pixel is bad is not kept. */
#define PIXEL_MASK_USER (UINT32_C(1) << 8)

static int write_frame(hid_t detector, const char *name, hid_t file_type, hid_t type,
                       const struct run *run, const void *values, const char *description)
{
    const hsize_t extent[2] = {run->format.height, run->format.width};
    const hid_t space = H5Screate_simple(2, extent, NULL);
    const hid_t dataset = space < 0 ? -1
                                    : H5Dcreate2(detector, name, file_type, space, H5P_DEFAULT,
                                                 H5P_DEFAULT, H5P_DEFAULT);
    int r = -1;
    if (dataset >= 0) {
        r = H5Dwrite(dataset, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, values) < 0
                ? -1
                : nexus_attribute(dataset, "description", description);
        H5Dclose(dataset);
    }
    if (space >= 0)
        H5Sclose(space);
    return r;
}

static int write_mask(hid_t detector, const struct run *run, const uint8_t *bad)
{
    const size_t n = (size_t)run->format.height * run->format.width;
    uint32_t *const mask = malloc(n * sizeof *mask);
    if (!mask)
        return -1;
    for (size_t i = 0; i < n; i++)
        mask[i] = bad[i] ? PIXEL_MASK_USER : 0;
    const int r =
        write_frame(detector, "pixel_mask", H5T_STD_U32LE, H5T_NATIVE_UINT32, run, mask,
                    "0: good; 256 (bit 8): left out by the calibration as dead, hot or noisy");
    free(mask);
    return r < 0 ? r : nexus_number(detector, "pixel_mask_applied", 0);
}

int detector_pixels_write(hid_t detector, const struct run *run)
{
    const uint8_t *const bad = run_bad_pixels(run);
    const float *const gain = run_gain(run);
    if (bad && write_mask(detector, run, bad) < 0)
        return -1;
    if (!gain)
        return 0;
    if (write_frame(detector, "flatfield", H5T_IEEE_F32LE, H5T_NATIVE_FLOAT, run, gain,
                    "counts are to be multiplied by it; folded into virtual detectors") < 0)
        return -1;
    return nexus_number(detector, "flatfield_applied", 0);
}
