#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

/* The summary of a run (schemas/protocol.md) as this program uses it. The texts belong to the JSON
 * it was read from. */
struct summary {
    const char *id, *state, *reason, *detail, *file;
    const char *recording_state, *recording_error;
    uint64_t bytes_raw, bytes_written;
    uint64_t expected, received, placed, recorded, unrecorded, missing, lost, analysed,
        not_analysed; /* frames */
    double rate;      /* frames per second now */
    double elapsed_s;
    double frame_bytes;                       /* of pixels in a frame, 0: not known yet */
    const json_t *maps, *geometry, *warnings; /* NULL: it does not tell */
    uint64_t stalls;                          /* times that the detector was held up */
    double held_up_s;
};

void summary_read(struct summary *summary, const json_t *json);

bool summary_is_finished(const struct summary *summary);

/*
 * Is the finished run a whole one: ended complete, no frame missing and, if it was recorded (or
 * `must_record`), all of it in a file that is closed?
 */
bool summary_is_complete(const struct summary *summary, bool must_record);

/* Reasons to doubt a run's results, a line each that begins with `head`. */
void summary_print_warnings(FILE *out, const char *head, const json_t *warnings);

/* A few lines for a person about a finished run. */
void summary_print(FILE *out, const struct summary *summary);
