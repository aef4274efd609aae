#pragma once

#include "daemon/control/request.h"
#include "processing/pixels/calibration_values.h"

/* What the commands of the calibration share. */

/* A member of args that may be missing (then *value stays): a number above `least`, at most `most`.
 * false: the request was refused. */
bool calibration_take_number(struct request *request, const json_t *args, const char *name,
                             double least, double most, double *value);

/* Two numbers, [y, x], as above; *given tells whether they were there. */
bool calibration_take_pair(struct request *request, const json_t *args, const char *name,
                           double value[2], bool *given);

/* A name of letters, digits, "_" and "-", at most 47; NULL when it is missing. */
bool calibration_take_name(struct request *request, const json_t *args, const char *name,
                           const char **value);

/* {calibration, references}, the reply to `calibration`. */
json_t *calibration_reply(const struct control_service *service);
