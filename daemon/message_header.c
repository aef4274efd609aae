#include "daemon/message_header.h"

#include <stdio.h>

#include "common/clock.h"
#include "daemon/json_time.h"

void message_header_complete(json_t *header, const char *kind, json_int_t seq)
{
    char schema[64];
    snprintf(schema, sizeof schema, "merlind/%s", kind);
    json_object_set_new(header, "schema", json_string(schema));
    json_object_set_new(header, "v", json_integer(1));
    json_object_set_new(header, "seq", json_integer(seq));
    json_object_set_new(header, "t", json_time(clock_realtime_ns()));
    if (!json_object_get(header, "scan"))
        json_object_set_new(header, "scan", json_null());
    if (!json_object_get(header, "parts"))
        json_object_set_new(header, "parts", json_array());
}
