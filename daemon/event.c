#include "daemon/event.h"

#include <stdarg.h>
#include <stdio.h>

#include "common/log.h"
#include "processing/run/run.h"

void event_publish(const struct acquisition_observer *observer, const char *event,
                   const struct run *run, json_t *more, const char *format, ...)
{
    char text[400];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    log_notice("acquisition", "%s", text);
    json_t *const body =
        json_pack("{s:s, s:s, s:s}", "event", event, "run", run->plan->id, "text", text);
    if (body && more)
        json_object_update(body, more);
    json_decref(more);
    if (body)
        observer->event(observer->data, event, body);
}
