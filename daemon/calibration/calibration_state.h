#pragma once

#include "common/error.h"
#include "daemon/config/config.h"
#include "processing/pixels/calibration_values.h"
#include "processing/products/acquisition_plan.h"

/*
 * The calibration in force: of the configuration at first, then as requests and measurements change
 * it. Belongs to the service thread; every plan gets a copy.
 */

/* Reads the mask of bad pixels and the gain too: whatever reading them returns, with a sentence. */
int calibration_init(struct calibration *calibration, const struct calibration_settings *settings,
                     struct error *error);

/* The source of what follows from the camera length. */
#define CALIBRATION_FROM_CAMERA "camera length"

/* One value (item: kv, camera length, centre ...) with where it comes from; `value` and `error` are
 * arrays of 2, error may be NULL. Call calibration_derive when all are set. */
void calibration_set(struct calibration *calibration, enum calibration_item item,
                     const double *value, const double *error, const char *source);

/* As if it had never been known. */
void calibration_forget(struct calibration *calibration, enum calibration_item item);

/* Takes over the reference of the mask; NULL: none. */
void calibration_set_bad_pixels(struct calibration *calibration, struct pixel_mask *mask,
                                const char *source);

/* Attaches a reference in the place of the one of its kind; takes it over. -ENOSPC: there are
 * CALIBRATION_REFERENCES of other kinds. */
int calibration_attach(struct calibration *calibration, struct calibration_reference *reference);

/* NULL: none of that kind is attached. */
const struct calibration_reference *calibration_attached(const struct calibration *calibration,
                                                         const char *kind);
void calibration_detach(struct calibration *calibration, const char *kind);

/* The same of the gain of each pixel. */
void calibration_set_gain(struct calibration *calibration, struct mask_values *gain,
                          const char *source);

/* From a .npy file (processing/pixels/npy.h). -EINVAL: a gain that is negative or no finite number.
 */
int calibration_read_gain(struct mask_values **gain, const char *path, struct error *error);

/*
 * Works out what follows from other values: the wavelength of kv; pixel_size_k of camera length and
 * wavelength (source "camera length"), unless it is known from elsewhere; the convergence angle of
 * the disk's radius. What does not follow any more is forgotten.
 */
void calibration_derive(struct calibration *calibration);

/* A band in nm^-1 without a pixel size of its own gets the calibrated one. */
void calibration_complete_detector(const struct calibration *calibration,
                                   struct virtual_detector_settings *settings);

/* Rings without a centre get the calibrated one, circles the calibrated ellipse. */
void calibration_complete_rings(const struct calibration *calibration,
                                struct radial_settings *rings);
