#pragma once

#include <jansson.h>

/*
 * What the header of every published message has (schemas/common.json): adds `schema`
 * ("merlind/KIND"), `v`, `seq` and `t`, and `scan` and `parts` where there are none.
 */
void message_header_complete(json_t *header, const char *kind, json_int_t seq);
