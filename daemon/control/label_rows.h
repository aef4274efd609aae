#pragma once

#include "daemon/control/analysis.h"

/* Labels of the positions of a pass, as requests have them: 0 belongs to nothing, 255 is the last.
 */
#define LABEL_MAX 255

/* From [ny][nx] whole numbers, to labels[ny * nx]. false: `rows` is none such. */
bool label_rows_take(const json_t *rows, uint32_t ny, uint32_t nx, uint8_t *labels);

/*
 * From args.regions, 1 to LABEL_MAX of them, whose numbers from 1 are the labels; each is a list of
 * spans [y, x0, x1]: columns x0 to x1 - 1 of line y. Where regions overlap the later one counts.
 * `labels` [ny * nx] must be 0 before. 0, or -1 when it was refused.
 */
int label_regions_take(struct analysis *analysis, uint32_t ny, uint32_t nx, uint8_t *labels);

/* From args.excluded, the spans of one region: 1 in `mask` [ny * nx], which must be 0 before. 0, or
 * -1 when it was refused. */
int label_excluded_take(struct analysis *analysis, uint32_t ny, uint32_t nx, uint8_t *mask);
