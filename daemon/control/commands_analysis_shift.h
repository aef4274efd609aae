#pragma once

#include "daemon/control/analysis.h"
#include "daemon/results/shift_integral.h"
#include "processing/analysis/map_descan.h"
#include "processing/analysis/map_shift.h"

/*
 * The pattern's shift in scan directions, of which com and icom are made: the maps com_y and com_x
 * of a layer, or DPC of its quadrants, less their descan, turned.
 */

/* A descan as replies have it; `model`: "none", "given" or the name of a model. New reference. */
json_t *descan_json(const struct descan_fit *fit, const char *model);

/* Reads the maps and corrects them as args layer, dpc, descan, rotation and flip say; puts what was
 * done into the result: layer, dpc, measured, descan, transform. 0, or -1 when it was refused. */
int shift_maps_init(struct shift_values *shift, struct analysis *analysis);

/* The unit of the shift: none of DPC. */
const char *shift_maps_unit(const struct analysis *analysis);
