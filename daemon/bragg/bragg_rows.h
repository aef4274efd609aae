#pragma once

#include <jansson.h>
#include <stddef.h>

#include "processing/run/run.h"

/*
 * The Bragg reflections of rows of a scan as arrays for the wire, one for each member of struct
 * bragg_row and one for the position: by position, those of a position by falling significance.
 */
#define BRAGG_ROWS_PARTS 18

struct bragg_rows_message {
    json_t *header; /* owned; schemas/header-bragg.json */
    void *values[BRAGG_ROWS_PARTS];
    size_t sizes[BRAGG_ROWS_PARTS]; /* bytes */
};

/* Rows of the run as it is seen now. -ENOMEM. */
int bragg_rows_message_init(struct bragg_rows_message *message, const struct run *run,
                            uint64_t first, uint64_t count);
/* Also of a zeroed one. */
void bragg_rows_message_finish(struct bragg_rows_message *message);
