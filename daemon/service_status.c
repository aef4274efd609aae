#include <stdlib.h>

#include "common/clock.h"
#include "common/log.h"
#include "common/message_id.h"
#include "daemon/json_time.h"
#include "daemon/notify.h"
#include "daemon/opened/opened_service.h"
#include "daemon/record/leftovers.h"
#include "daemon/service_internal.h"
#include "daemon/version.h"

#define LEFTOVERS_NAMED 20

json_t *service_make_status(struct service *service)
{
    json_t *const status = acquisition_status(service->acquisition);
    if (!status)
        return NULL;
    json_object_set_new(status, "version", json_string(MERLIND_VERSION));
    json_object_set_new(status, "time", json_time(clock_realtime_ns()));
    json_object_set_new(status, "interval_ms", json_integer(STATUS_MS));
    json_object_set(json_object_get(status, "recording"), "leftovers", service->leftovers);
    json_object_set_new(status, "log_dropped", json_integer((json_int_t)log_dropped()));
    json_object_set_new(status, "requests", control_counts(service->control));
    json_object_set_new(status, "published", publisher_counts(service->publisher));
    json_object_set_new(status, "frame_stream", frame_stream_status(service->stream));
    json_object_set_new(status, "lease", control_lease(service->control));
    json_object_set_new(status, "security",
                        json_pack("{s:b, s:b}", "keys", service->ring != NULL, "insecure",
                                  config_is_insecure(service->config)));
    json_object_set_new(status, "opened", opened_children_json(service->opened));
    json_object_set_new(status, "old_run", opened_service_json(service->config));
    json_object_set_new(status, "endpoints",
                        json_pack("{s:s, s:s, s:s*, s:s*}", "control",
                                  control_endpoint(service->control), "results",
                                  publisher_endpoint(service->publisher), "page",
                                  service->web ? web_url(service->web) : NULL, "frames",
                                  service->stream ? frame_stream_endpoint(service->stream) : NULL));
    return status;
}

static void tell_systemd(const json_t *status)
{
    const json_t *const frames = json_object_get(status, "frames");
    const char *const why = json_string_value(json_object_get(status, "why"));
    notify_status("%s%s%s; %" JSON_INTEGER_FORMAT " of %" JSON_INTEGER_FORMAT
                  " frames, ring %.0f %%, %" JSON_INTEGER_FORMAT " lost",
                  json_string_value(json_object_get(status, "state")), *why ? ": " : "", why,
                  json_integer_value(json_object_get(frames, "received")),
                  json_integer_value(json_object_get(frames, "expected")),
                  100 * json_real_value(json_object_get(json_object_get(status, "ring"), "fill")),
                  json_integer_value(json_object_get(frames, "lost")));
}

void service_publish_status(struct service *service)
{
    if (!service->control || !service->acquisition)
        return;
    json_t *const status = service_make_status(service);
    if (!status)
        return;
    tell_systemd(status);
    json_t *const header = json_pack("{s:o}", "status", status);
    const json_t *const run = json_object_get(status, "run");
    json_object_set(header, "scan", json_object_get(run, "id"));
    publisher_send(service->publisher, "status/", "status", header, NULL, 0);
}

void service_find_leftovers(struct service *service)
{
    char *paths[LEFTOVERS_NAMED];
    const size_t n = leftovers_find(service->config->recording.directory, paths, LEFTOVERS_NAMED);
    service->leftovers = json_array();
    for (size_t i = 0; i < n && i < LEFTOVERS_NAMED; i++) {
        json_array_append_new(service->leftovers, json_string(paths[i]));
        log_write(LOG_ABOUT(WARNING, .message_id = MESSAGE_LEFT_BY_CRASH), "record",
                  "%s was left by a crash: \"merlin-file recover %s -o NEW.h5\" makes a whole "
                  "file of it",
                  paths[i], paths[i]);
        free(paths[i]);
    }
    if (n > LEFTOVERS_NAMED)
        log_warning("record", "and %zu more such files in %s", n - LEFTOVERS_NAMED,
                    service->config->recording.directory);
}
