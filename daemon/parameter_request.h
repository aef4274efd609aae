#pragma once

#include "daemon/acquisition.h"
#include "detector/command_client.h"

/*
 * Reads a parameter of the detector, or (value not NULL) sets it and reads it back, because a reply to SET only says that it was understood. Answers
 * exactly once.
 */
void parameter_request(struct command_client *client, const char *name, const char *value,
                       acquisition_answer_fn answer, void *data);
