#pragma once

#include <stdint.h>

#include "processing/analysis/halo.h"
#include "processing/stored/frame_sums.h"

/*
 * The halo in bins of bin x bin positions of one pass of a scan, from the frames on disk: where the
 * first peak is, how wide, and the strain against an unstrained reference. A frame of a low dose
 * cannot carry the fit: a bin needs some 10,000 counts in the halo's window (halo.h), 1 is allowed.
 *
 * Arrays are [n_y][n_x] bins, C order; the last row and column may have fewer positions. NaN where
 * `reason` is not HALO_BIN_FITTED.
 */
enum halo_bin_reason {
    HALO_BIN_FITTED,
    HALO_BIN_EMPTY,      /* no frame on the disk */
    HALO_BIN_FEW_COUNTS, /* in the window, less than settings.minimum_counts */
    HALO_BIN_NO_PEAK,    /* its height is below 5 of its standard errors */
    HALO_BIN_NO_FIT,     /* the window does not hold the peak */
    HALO_BIN_MASKED,     /* too much of the ring is masked */
    HALO_BIN_REASONS
};

enum halo_bin_value {
    HALO_BIN_K, /* of the peak: nm^-1, or pixels where k_per_pixel is not known */
    HALO_BIN_K_ERROR,
    HALO_BIN_FWHM, /* the same unit */
    HALO_BIN_FWHM_ERROR,
    HALO_BIN_EXX, /* along the azimuth; halo_strain_against */
    HALO_BIN_EYY,
    HALO_BIN_EXY,
    HALO_BIN_EXX_ERROR,
    HALO_BIN_EYY_ERROR,
    HALO_BIN_EXY_ERROR,
    HALO_BIN_VALUES
};

struct halo_bins_settings {
    uint32_t bin; /* positions */
    uint32_t ny, nx;
    uint64_t first; /* position of the pass's first */
    unsigned layer;
    const struct scan_geometry *scan;
    const uint8_t *bad; /* [height][width], NULL: none */
    struct halo_settings halo;
    struct halo reference;
    double azimuth;     /* degrees: of e_xx */
    double k_per_pixel; /* nm^-1, with its error; 0: not known */
    double k_error;
};

struct halo_bins {
    uint32_t n_y, n_x;
    double *values[HALO_BIN_VALUES];
    double *counts;   /* in the window */
    uint64_t *frames; /* of each bin */
    uint8_t *reasons; /* enum halo_bin_reason */
    uint64_t n_of[HALO_BIN_REASONS];
    uint64_t left_out; /* frames that were measured and are not in their place on the disk */
};

/* Counts bins in `progress`. -EINVAL: settings that make no sense; -ECANCELED; -ENOENT: no file;
 * -ENOMEM, -EIO; with a sentence. Nothing is to be freed then. */
int halo_bins_init(struct halo_bins *bins, const struct halo_bins_settings *settings,
                   struct run *run, struct frame_sums_progress *progress, struct error *error);
/* Also of a zeroed one, and of one whose arrays were taken over (NULL). */
void halo_bins_finish(struct halo_bins *bins);
