#pragma once

#include <jansson.h>
#include <stdint.h>

/* [seconds, nanoseconds] of a UNIX time in ns, null for 0. NULL when memory is short. */
json_t *json_time(uint64_t unix_ns);

/* Back again; 0 for null, or what is no time. */
uint64_t json_time_ns(const json_t *time);
