#include "daemon/event.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "common/log.h"
#include "common/message_id.h"
#include "processing/run/run.h"

/* As what it is logged; those that are not named here are of no class. */
static const struct event_class {
    const char *event;
    enum log_level level;
    const char *message_id;
} classes[] = {
    {"stall", LOG_LEVEL_NOTICE, MESSAGE_STALL},
    {"disk", LOG_LEVEL_NOTICE, MESSAGE_DISK},
    {"stray", LOG_LEVEL_WARNING, MESSAGE_STRAY},
};

static void write_log(const char *event, const char *run, uint64_t frame, const char *text)
{
    struct log_about about = {
        .level = LOG_LEVEL_NOTICE,
        .run = run,
        .frame = frame,
        .file = __FILE__,
        .line = __LINE__,
    };
    for (size_t i = 0; i < sizeof classes / sizeof *classes; i++) {
        if (strcmp(classes[i].event, event) != 0)
            continue;
        about.level = classes[i].level;
        about.message_id = classes[i].message_id;
    }
    log_write(&about, "acquisition", "%s", text);
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
    const char *const id = run ? run->plan->id : NULL;
    write_log(event, id, (uint64_t)json_integer_value(first), text);
    json_t *const body = json_pack("{s:s, s:s?, s:s}", "event", event, "run", id, "text", text);
    if (body && more)
        json_object_update(body, more);
    json_decref(more);
    if (body)
        observer->event(observer->data, event, body);
}
