#pragma once

#include <stdbool.h>

/*
 * Names of results. A person may choose those of virtual detectors and of maps that are put;
 * letters, digits, _ and -, at most 47.
 */
#define RESULT_NAME_CHARACTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-"
#define RESULT_NAME_SIZE 48

/* Whether merlind itself has, or may have, a map, a pattern or a profile of this name. */
bool result_name_is_reserved(const char *name);
