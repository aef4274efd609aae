#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

/*
 * A region of a scan as requests have it, a list of spans [y, x0, x1]: columns x0 to x1 - 1 of line
 * y. Writes `label` there in labels[ny * nx]. false: it is none such, or does not lie within the
 * scan.
 */
bool region_spans_take(const json_t *spans, uint32_t ny, uint32_t nx, uint8_t label,
                       uint8_t *labels);
