#pragma once

#include <stdio.h>

#include "daemon/config/config.h"

/*
 * What on this machine will hurt an acquisition, a line each: "ok" or "look", what was found with
 * its unit, and the remedy. The speed of the disk is measured by writing a file of 256 MiB to the
 * recordings' directory, which is removed again. Returns how many lines say "look".
 */
unsigned host_check(const struct config *config, FILE *out);
