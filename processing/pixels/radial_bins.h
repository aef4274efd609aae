#pragma once

#include <stddef.h>
#include <stdint.h>

#include "common/error.h"
#include "processing/pixels/analysis_settings.h"

/* Which ring every pixel of a frame belongs to. */
#define RADIAL_MAX_BINS 1024

struct radial_bins {
    uint32_t height, width;
    struct radial_settings settings; /* as they are used: defaults filled in */
    uint32_t n_bins;
    uint32_t largest_area; /* pixels of the bin that has most */
    uint16_t *bin_of; /* [height * width]: bin, or n_bins: beyond the last one or a bad pixel */
    uint64_t *areas;  /* [n_bins]: good pixels of each bin; 0 is possible */
};

/*
 * Works out the bins. `bad` (may be NULL) is not 0 where a pixel is bad. `max_bins`, at most
 * RADIAL_MAX_BINS, is what settings->n_bins may be, and what its default is cut to. -EINVAL with a
 * sentence for settings that make no sense, -ENOMEM.
 */
int radial_bins_init(struct radial_bins *bins, const struct radial_settings *settings,
                     const uint8_t *bad, uint32_t height, uint32_t width, uint32_t max_bins,
                     struct error *error);

/* Also of zeroed bins. */
void radial_bins_finish(struct radial_bins *bins);

/* The corrected radius of the point (y, x), pixels. `settings` without defaults to fill in. */
double radial_radius(const struct radial_settings *settings, double y, double x);
