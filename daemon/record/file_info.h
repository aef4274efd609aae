#pragma once

#include <jansson.h>
#include <stdio.h>

#include "daemon/record/file_recording.h"

/* What merlin-file info tells, as one JSON object (docs/man/merlin-file.1.scd). NULL: no memory. */
json_t *file_info_json(struct file_recording *recording);

/* The same for a person. */
void file_info_print(FILE *out, const json_t *info);

/* Notes, series and calibration (file_info_log.c). */
void file_info_add_log(json_t *info, const struct file_recording *recording);
