#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

/*
 * Whether merlind can do its work, as JSON: {"healthy", "state", "why"}. It cannot when the service
 * has not told its state for 5 s, when there is no detector or it reports a fault, and when the
 * last recording has failed.
 *
 * `status` as of schemas/status.json, NULL before the first; `status_ns` (monotonic) is when it
 * came. NULL: no memory; else to be freed.
 */
char *health_text(const json_t *status, uint64_t status_ns, bool *healthy);
