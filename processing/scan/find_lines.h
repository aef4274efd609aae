#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/error.h"

/*
 * Finds the lines of a scan in the exposures of its frames, for detectors that are triggered by a
 * scan generator which sends more frames than positions (flyback).
 *
 * What is known from the field: a frame during the flyback, and often the first or the last frame
 * of a line, is exposed longer than the others; where no frames come during the flyback, the time
 * between two frames is longer there. Exposures within a few per cent of each other count as the
 * same. "Long" is 1.5 times the usual one, "very long" 2.5 times: very long frames, or three or
 * more long ones in a row, are the flyback; one or two long ones are the edges of lines. Where two
 * positions of a line's edges leave frames of usual exposure between them, those are the flyback.
 */
struct line_frame {
    uint64_t exposure_ns;  /* 0: unknown, or the frame is missing */
    uint64_t timestamp_ns; /* 0: unknown */
};

struct found_lines {
    uint64_t skip_start; /* frames before the first line that was seen */
    uint32_t nx;         /* frames of a line, flyback left out */
    uint32_t skip_line;  /* flyback frames after a line */
    uint64_t lines;      /* whole lines among the frames, the last one's flyback not needed */
};

/*
 * `frames` are those of a run from its first on; `nx` is the number of positions in a line, 0 when
 * nobody said it. One long frame in a line that has one frame more than nx is taken for that frame.
 *
 * Returns 0; -EAGAIN when fewer than four lines can be seen; -EINVAL with the reason when nothing
 * periodic is there, or a line is shorter than nx; -ENOMEM.
 */
int find_lines(struct found_lines *lines, const struct line_frame *frames, size_t n, uint32_t nx,
               struct error *error);
