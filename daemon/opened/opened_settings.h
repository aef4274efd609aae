#pragma once

#include "daemon/config/config.h"
#include "daemon/opened/opened_file.h"
#include "processing/pixels/calibration_values.h"

/*
 * The settings that the run of an opened file was measured with, so that it is analysed again as it
 * was then: in the places of those of the configuration. What the file does not tell (a mask whose
 * file is gone, say) is left as it is configured and told in the log.
 */

/* Virtual detectors, profiles, and whether Bragg reflections are looked for. -ENOMEM. */
int opened_settings_configure(const struct opened_file *file, struct config *config);

/* With the mask of bad pixels and the gain. The caller finishes it. */
void opened_settings_calibration(const struct opened_file *file, struct calibration *calibration);

/* Puts the reference that the file's classes were made with into the plan, with the settings that
 * belong to it. false: the file has none, and the plan is as it was. */
bool opened_settings_reference(const struct opened_file *file, struct bragg_plan *plan);

/* Excludes the regions of the run that were excluded when it was measured, and names as glass what
 * was. Service thread only. */
void opened_settings_areas(const struct opened_file *file, struct run *run);
