#include "daemon/event.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "common/log.h"
#include "common/message_id.h"
#include "processing/run/run.h"

static const char *message_id(const char *event)
{
    if (strcmp(event, "stall") == 0)
        return MESSAGE_STALL;
    return strcmp(event, "disk") == 0 ? MESSAGE_DISK : NULL;
}

void event_publish(const struct acquisition_observer *observer, const char *event,
                   const struct run *run, json_t *more, const char *format, ...)
{
    char text[400];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    const json_t *const first = json_object_get(more, "first");
    log_write(LOG_ABOUT(NOTICE, .message_id = message_id(event), .run = run->plan->id,
                        .frame = (uint64_t)json_integer_value(first)),
              "acquisition", "%s", text);
    json_t *const body =
        json_pack("{s:s, s:s, s:s}", "event", event, "run", run->plan->id, "text", text);
    if (body && more)
        json_object_update(body, more);
    json_decref(more);
    if (body)
        observer->event(observer->data, event, body);
}
