#pragma once

#include <stdint.h>

#include "common/error.h"

/* Arithmetic of the calibration: wavelength, k per pixel, angles, counts per electron. k = 1 / d,
 * in nm^-1, without 2 pi. */

#define MERLIN_PIXEL_PITCH_UM 55.0

/*
 * Wavelength of electrons accelerated by `kv` kilovolts, in nm: h / sqrt(2 m e V (1 + e V / (2 m
 * c^2))), CODATA 2022 (200 kV: 2.50793e-3 nm). NaN unless 1 <= kv <= 10000.
 */
double electron_wavelength(double kv);

/*
 * k per pixel, nm^-1, of a camera length in mm: pitch / (length * wavelength), the small-angle form
 * that the field uses; against k = 2 sin(theta / 2) / wavelength with tan theta = r / length it is
 * 5e-4 too large at 38 mrad. NaN for arguments that are not above 0.
 */
double k_per_pixel_of_camera(double camera_length_mm, double wavelength_nm, double pitch_um);

/* Angle, mrad, of a radius in pixels: radius * k_per_pixel * wavelength. */
double angle_of_radius(double radius, double k_per_pixel, double wavelength_nm);

/* Electrons of a beam in a time. */
double electrons_of_beam(double current_pa, double seconds);

/* Beam of a vacuum reference. */
struct vacuum_exposure {
    double counts;           /* sum over all pixels and frames */
    double frames;           /* how many */
    double exposure_s;       /* of one frame */
    double current_pa;       /* on the detector */
    double current_error_pa; /* standard error, 0: taken as exact */
    double overdispersion;   /* F of the counts */
};

/*
 * Counts per electron: counts / (frames * exposure * current / e). The error adds sqrt(F / counts)
 * and that of the current, relative, in squares. -EINVAL with a sentence.
 */
int counts_per_electron(double *value, double *value_error, const struct vacuum_exposure *exposure,
                        struct error *error);
