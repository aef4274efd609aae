#pragma once

#include <jansson.h>

#include "daemon/stream/frame_pool.h"

/*
 * The header of a message of the frame stream (schemas/header-frames.json), without what every
 * header has (message_header.h). New reference; NULL: no memory.
 */
json_t *stream_header_json(const struct stream_item *item, bool packed);
