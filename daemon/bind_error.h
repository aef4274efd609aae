#pragma once

#include "common/error.h"

/* Why an endpoint of the configuration (its key, and what it says) cannot be bound, with what to do
 * about it. Returns -error_number, a system's or ZeroMQ's. */
int bind_error_set(struct error *error, const char *key, const char *endpoint, int error_number);
