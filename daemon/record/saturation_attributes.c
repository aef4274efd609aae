#include "daemon/record/saturation_attributes.h"

#include <stdio.h>

#include "common/counter.h"
#include "daemon/record/nexus.h"
#include "daemon/results/detector_saturation.h"
#include "processing/run/run_products.h"

static bool is_detector(const struct product *product)
{
    return product->source[0] && !product->given && product->n_maps > 0;
}

bool saturation_attributes_are_due(const struct run *run)
{
    const struct product_set *const set = run_set(run);
    bool detectors = false, full_scale = false;
    for (unsigned i = 0; i < set->n; i++) {
        detectors = detectors || is_detector(set->products[i]);
        full_scale = full_scale || set->products[i]->flag == FRAME_FLAG_SATURATED;
    }
    return detectors && full_scale;
}

static int write_of_map(hid_t results, const struct run *run, const char *name,
                        const struct saturated_pixels *found)
{
    char path[PRODUCT_NAME_SIZE + 8];
    snprintf(path, sizeof path, "%s/data", name);
    if (H5Lexists(results, name, H5P_DEFAULT) <= 0)
        return 0; /* its name was taken */
    const hid_t dataset = H5Dopen2(results, path, H5P_DEFAULT);
    if (dataset < 0)
        return -1;
    const int r =
        nexus_attribute_number(dataset, "pixels", found->pixels) < 0 ||
                nexus_attribute_number(dataset, "frames", counter_read(&run->counts.analysed)) <
                    0 ||
                nexus_attribute_number(dataset, "saturated_pixel_frames", found->pixel_frames) < 0
            ? -1
            : 0;
    H5Dclose(dataset);
    return r;
}

static int write_of_product(hid_t results, const struct run *run,
                            const struct detector_saturation *saturation,
                            const struct product *product)
{
    int r = 0;
    for (unsigned map = 0; r >= 0 && map < product->n_maps; map++) {
        const struct saturated_pixels found = detector_saturation_of(saturation, product, map);
        r = write_of_map(results, run, product->maps[map].name, &found);
    }
    return r;
}

int saturation_attributes_write(hid_t file, struct run *run)
{
    if (!saturation_attributes_are_due(run))
        return 0;
    const struct product_set *const set = run_set(run);
    struct detector_saturation *const saturation = detector_saturation_create(run);
    const hid_t results = saturation ? H5Gopen2(file, "/entry/results", H5P_DEFAULT) : -1;
    int r = results < 0 ? -1 : 0;
    for (unsigned i = 0; r >= 0 && i < set->n; i++) {
        if (is_detector(set->products[i]))
            r = write_of_product(results, run, saturation, set->products[i]);
    }
    if (results >= 0)
        H5Gclose(results);
    detector_saturation_destroy(saturation);
    return r;
}
