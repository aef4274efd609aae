#pragma once

#include <jansson.h>

#include "processing/pixels/calibration_values.h"

/*
 * A calibration as the protocol and the file have it: {NAME: {value, unit, source, time} or null},
 * NAME as in the command `calibration`; where known also `error`. bad_pixels: {shape, n, pixels,
 * source, time} or null; `pixels` are the first thousand [y, x]. gain: {shape, least, most, mean,
 * source, time} or null. references: those that are attached, [{kind, name, time,
 * document}, ...]. New reference; NULL: no memory.
 */
json_t *calibration_json(const struct calibration *calibration);

/* The values and references back from calibration_json; mask and gain, of which it has only a
 * summary, are NULL. What is missing is not known. */
void calibration_from_json(struct calibration *calibration, const json_t *json);

/* "kv", "camera_length_mm", ... */
const char *calibration_item_name(enum calibration_item item);

/* The pixels of a mask of which `bits` are set, [[y, x], ...], at most a thousand. */
json_t *pixel_list_json(const uint8_t *mask, uint8_t bits, uint32_t height, uint32_t width);
