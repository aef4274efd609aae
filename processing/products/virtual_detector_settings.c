#include <stdio.h>
#include <string.h>

#include "processing/pixels/mask_values.h"
#include "processing/products/virtual_detector.h"

const char *virtual_detector_shape_name(enum virtual_detector_shape shape)
{
    static const char *const names[VIRTUAL_DETECTOR_SHAPES] = {
        [VIRTUAL_DETECTOR_DISK] = "disk",           [VIRTUAL_DETECTOR_ANNULUS] = "annulus",
        [VIRTUAL_DETECTOR_SECTOR] = "sector",       [VIRTUAL_DETECTOR_SEGMENTED] = "segmented",
        [VIRTUAL_DETECTOR_RECTANGLE] = "rectangle", [VIRTUAL_DETECTOR_POINT] = "point",
        [VIRTUAL_DETECTOR_K_BAND] = "k_band",       [VIRTUAL_DETECTOR_MASK] = "mask",
    };
    return names[shape];
}

const char *virtual_detector_edge_name(enum virtual_detector_edge edge)
{
    return edge == VIRTUAL_DETECTOR_ANTIALIASED ? "antialiased" : "hard";
}

const char *virtual_detector_mode_name(enum virtual_detector_mode mode)
{
    return mode == VIRTUAL_DETECTOR_MEAN ? "mean" : "sum";
}

unsigned virtual_detector_n_maps(const struct virtual_detector_settings *settings)
{
    return settings->shape == VIRTUAL_DETECTOR_SEGMENTED ? settings->n_sectors : 1;
}

void virtual_detector_map_name(const struct virtual_detector_settings *settings, unsigned i,
                               char *name, size_t size)
{
    if (settings->shape == VIRTUAL_DETECTOR_SEGMENTED)
        snprintf(name, size, "%s_%u", settings->name, i + 1);
    else
        snprintf(name, size, "%s", settings->name);
}

bool virtual_detectors_share_a_name(const struct virtual_detector_settings *a,
                                    const struct virtual_detector_settings *b)
{
    for (unsigned i = 0; i < virtual_detector_n_maps(a); i++) {
        for (unsigned j = 0; j < virtual_detector_n_maps(b); j++) {
            char of_a[64], of_b[64];
            virtual_detector_map_name(a, i, of_a, sizeof of_a);
            virtual_detector_map_name(b, j, of_b, sizeof of_b);
            if (strcmp(of_a, of_b) == 0)
                return true;
        }
    }
    return strcmp(a->name, b->name) == 0;
}

void virtual_detector_settings_copy(struct virtual_detector_settings *copy,
                                    const struct virtual_detector_settings *settings)
{
    *copy = *settings;
    mask_values_ref(copy->mask);
}

void virtual_detector_settings_finish(struct virtual_detector_settings *settings)
{
    mask_values_unref(settings->mask);
    settings->mask = NULL;
}

int virtual_detector_settings_load(struct virtual_detector_settings *settings, struct error *error)
{
    if (settings->shape != VIRTUAL_DETECTOR_MASK || settings->mask || !settings->mask_path[0])
        return 0;
    const int status = mask_values_read(&settings->mask, settings->mask_path, error);
    if (status)
        error_prefix(error, "virtual detector \"%s\"", settings->name);
    return status;
}
