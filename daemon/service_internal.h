#pragma once

#include <jansson.h>
#include <uv.h>

#include "daemon/acquisition/acquisition.h"
#include "daemon/acquisition/live_icom.h"
#include "daemon/control/control.h"
#include "daemon/hooks.h"
#include "daemon/jobs.h"
#include "daemon/key_ring.h"
#include "daemon/opened/opened_children.h"
#include "daemon/opened/run_list.h"
#include "daemon/publish/publisher.h"
#include "daemon/publish/result_publisher.h"
#include "daemon/result_timers.h"
#include "daemon/service.h"
#include "daemon/stream/frame_stream.h"
#include "daemon/trash_keeper.h"
#include "daemon/watchdog.h"
#include "daemon/web/web.h"

/* What the parts of the service share. Belongs to the service thread wholly. */

#define STATUS_MS 1000

enum { SIGNAL_TERM, SIGNAL_INT, SIGNAL_HUP, N_SIGNALS };

struct service {
    struct config *config;
    const struct config_source *source;
    uv_loop_t loop;
    void *zmq_context;
    struct key_ring *ring;
    struct publisher *publisher;
    struct frame_stream *stream; /* NULL: there is none */
    struct result_publisher results;
    struct control *control;
    struct web *web; /* NULL: there is no page */
    struct acquisition *acquisition;
    struct jobs jobs;
    struct live_icom icom;
    struct hooks hooks;
    struct run_list *run_list;
    struct opened_children *opened;
    struct control_runs runs; /* both, for requests */
    struct watchdog watchdog;
    struct result_timers result_timers;
    uv_timer_t status_timer;
    uv_signal_t signals[N_SIGNALS];
    json_t *leftovers; /* files that a crash left, as found at start */
    struct trash_keeper trash;
    uint64_t finished_ms; /* when the last run ended, by the loop's clock; 0: none has */
    bool has_handles, stopping;
};

/* The status as requests and topics have it, new reference; NULL: no memory (service_status.c). */
json_t *service_make_status(struct service *service);
/* To subscribers and to systemd; before there is anybody to tell it does nothing. */
void service_publish_status(struct service *service);
/* Names the files that a crash has left, in the log and in the status from now on. */
void service_find_leftovers(struct service *service);

/* Makes everything that a client can reach (service_start.c). What was made before an error is
 * for service.c to close. */
int service_open(struct service *service, struct error *error);
void service_say_ready(const struct service *service);

/* What happens (service.c), for those who are told of it: `data` is the service. */
void service_on_state_changed(void *data);
void service_on_run_event(void *data, const char *event, const json_t *summary);
void service_on_event(void *data, const char *event, json_t *body);
void service_shut_down(void *data);
