#pragma once

#include <jansson.h>
#include <stdio.h>

/*
 * What a list of recordings shows of one: the summary of its run, the fraction of Bragg reflections
 * and a small picture of a map. Read from a file that anybody may have written, in a process of its
 * own (helper.h).
 */

/* Longest side of a picture, positions. */
#define RUN_CARD_SIDE 64

/*
 * {file, error, bytes, id, started, ended, reason, scan, image, labels, frames, recording, bragg,
 * thumbnail}; all but the first two are null where the file does not tell, and `error` is a
 * sentence when it is no recording that can be read, else empty. thumbnail: {map, units, shape
 * [height, width], low, high, pixels}, where pixels are two hexadecimal digits each, row by row: 0
 * nothing was measured, else low + (high - low) (pixel - 1) / 254. New reference; NULL: no memory.
 */
json_t *run_card(const char *file);

/* The cards of n files, one to a line. Nothing is waited for: a card is out before the next file is
 * touched. */
int run_cards_print(char *const *files, size_t n, FILE *out);
