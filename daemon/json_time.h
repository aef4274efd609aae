#pragma once

#include <jansson.h>
#include <stdint.h>

/* [seconds, nanoseconds] of a UNIX time in ns, null for 0. NULL when memory is short. */
json_t *json_time(uint64_t unix_ns);
