#pragma once

#include <jansson.h>

#include "daemon/acquisition/acquisition.h"

struct run;

/*
 * Tells whoever has subscribed to event/ of a happening, in one message (schemas/protocol.md).
 * Service thread. `event`: "stall", "geometry", "disk", "stray", "recompute", "sweep". `run` is
 * NULL for what is of no run. `more` (may be NULL) are members beside `event`, `run` and `text`,
 * and is taken over; `format` makes the sentence for a person.
 *
 * Whoever could have many to tell in a second tells one and how many more there were: a message is
 * read by people.
 */
__attribute__((format(printf, 5, 6))) void event_publish(
    const struct acquisition_observer *observer, const char *event, const struct run *run,
    json_t *more, const char *format, ...);
