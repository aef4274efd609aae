#pragma once

#include "daemon/acquisition/acquisition.h"
#include "detector/command_client.h"
#include "detector/settings.h"

/* What requests for single parameters and commands share. */
struct parameter_link {
    struct command_client *client;
    struct detector_settings *known; /* kept up to date; must outlive the requests */
    bool allow_dangerous;
};

/*
 * Reads a parameter of the detector, or (value not NULL) sets it and reads it back, because a reply
 * to SET only says that it was understood. Type and range are checked before it is sent. Answers
 * exactly once.
 */
void parameter_request(const struct parameter_link *link, const char *name, const char *value,
                       acquisition_answer_fn answer, void *data);

/* Sends CMD `name`, unless it is STARTACQUISITION, which `start` is for. Answers exactly once. */
void parameter_request_command(const struct parameter_link *link, const char *name,
                               acquisition_answer_fn answer, void *data);
