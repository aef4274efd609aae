#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "daemon/version.h"
#include "daemon/web/gate.h"
#include "daemon/web/viewer.h"
#include "daemon/web/web_internal.h"

/* What a client says: hello, what it watches, requests. */

#define MAX_PENDING 32
#define RATE_DEFAULT 10
#define RATE_MIN 0.1
#define RATE_MAX 100

static void send_error(struct viewer *viewer, const json_t *id, const char *code,
                       const char *message)
{
    viewer_send_json(viewer, json_pack("{s:O, s:b, s:{s:s, s:s}}", "id", id ? id : json_null(),
                                       "ok", 0, "error", "code", code, "message", message));
}

static void refuse_message(struct viewer *viewer, const char *message)
{
    refuse(&viewer->web->refusals, REFUSAL_MESSAGE, "viewer %s: %s", viewer->name, message);
    send_error(viewer, NULL, "bad_request", message);
}

/* ---- hello ---- */

/* Shown to others and logged: only what is harmless there. */
static void keep_name(struct viewer *viewer, const char *name)
{
    size_t n = 0;
    for (; name && *name && n + 1 < sizeof viewer->name; name++)
        viewer->name[n++] = *name > ' ' && *name < 127 ? *name : '_';
    if (n > 0)
        viewer->name[n] = '\0';
}

/* What it looks at from now on, once. */
static bool choose_source(struct viewer *viewer, const json_t *hello)
{
    const char *const run = json_string_value(json_object_get(hello, "run"));
    struct web_source *const source =
        run ? web_source_of_run(viewer->web, run) : &viewer->web->live;
    if (!source)
        return false;
    viewer->source = source;
    web_source_take(source);
    return true;
}

static int take_hello(struct viewer *viewer, const json_t *hello)
{
    struct web *const web = viewer->web;
    const char *const token = json_string_value(json_object_get(hello, "token"));
    const bool was_greeted = viewer->greeted;
    keep_name(viewer, json_string_value(json_object_get(hello, "name")));
    if (!was_greeted && !choose_source(viewer, hello)) {
        viewer_say_gone(viewer, "no such old run is open");
        return 0;
    }
    viewer->greeted = true;
    viewer->may_control = token && gate_token_fits(token, web->token);
    if (token && !viewer->may_control)
        refuse(&web->refusals, REFUSAL_TOKEN, "viewer %s has a wrong token: it may look only",
               viewer->name);
    if (!viewer->control && viewer_control_open(viewer) < 0)
        return viewer_close(viewer, LWS_CLOSE_STATUS_UNEXPECTED_CONDITION, "no memory");
    viewer_send_json(viewer,
                     json_pack("{s:{s:s, s:b, s:b, s:i}}", "welcome", "version", MERLIND_VERSION,
                               "may_control", viewer->may_control, "wrong_token",
                               token && !viewer->may_control, "viewers", (int)web->counts.viewers));
    viewer_look_at_cache(viewer);
    if (!was_greeted)
        viewers_tell_count(web);
    return 0;
}

/* ---- watch ---- */

static bool keep_topics(struct viewer *viewer, const json_t *topics)
{
    const size_t n = json_array_size(topics);
    if (!json_is_array(topics) || n > VIEWER_MAX_TOPICS)
        return false;
    for (size_t i = 0; i < n; i++) {
        const char *const topic = json_string_value(json_array_get(topics, i));
        if (!topic || strlen(topic) >= BRIDGE_TOPIC_SIZE)
            return false;
    }
    viewer_drop_topics(viewer);
    for (size_t i = 0; i < n; i++) {
        char *const topic = strdup(json_string_value(json_array_get(topics, i)));
        if (topic)
            viewer->topics[viewer->n_topics++] = topic;
    }
    return true;
}

static void take_watch(struct viewer *viewer, const json_t *watch)
{
    const json_t *const rate = json_object_get(watch, "rate_hz");
    const double hz = rate ? json_number_value(rate) : RATE_DEFAULT;
    if ((rate && !json_is_number(rate)) || !(hz >= RATE_MIN && hz <= RATE_MAX)) {
        refuse_message(viewer, "rate_hz must be a number from 0.1 to 100");
        return;
    }
    if (!keep_topics(viewer, json_object_get(watch, "topics"))) {
        refuse_message(viewer, "topics must be an array of at most 64 texts, each of at most 127 "
                               "bytes, as in [\"map/haadf/\"]");
        return;
    }
    viewer->interval_ns = (uint64_t)((double)NS_PER_S / hz);
    web_source_watches_changed(viewer->source);
}

/* ---- requests ---- */

/* The control socket judges what is no request; here only who may ask is judged. */
static void take_request(struct viewer *viewer, const json_t *body, const char *text, size_t size)
{
    const json_t *const id = json_object_get(body, "id");
    const char *const command = json_string_value(json_object_get(body, "cmd"));
    const struct web_service *const service = &viewer->web->service;
    if (viewer->n_pending >= MAX_PENDING) {
        send_error(viewer, id, "busy",
                   "32 requests of this viewer wait for their replies: wait "
                   "for some of them");
    } else if (command && !viewer->may_control &&
               service->changes_state(command, json_object_get(body, "args"))) {
        refuse(&viewer->web->refusals, REFUSAL_FORBIDDEN,
               "viewer %s asked for %.40s without the token", viewer->name, command);
        send_error(viewer, id, "forbidden",
                   "this viewer may look only: open the page by the address with #token= that "
                   "merlind logs at its start");
    } else {
        viewer_control_send(viewer, text, size);
    }
}

static int take_object(struct viewer *viewer, const json_t *body, const char *text, size_t size)
{
    const json_t *const hello = json_object_get(body, "hello");
    const json_t *const watch = json_object_get(body, "watch");
    if (json_is_object(hello))
        return take_hello(viewer, hello);
    if (!viewer->greeted) {
        refuse(&viewer->web->refusals, REFUSAL_MESSAGE, "viewer %s said no hello", viewer->name);
        return viewer_close(viewer, LWS_CLOSE_STATUS_POLICY_VIOLATION, "say hello first");
    }
    if (json_is_object(watch))
        take_watch(viewer, watch);
    else if (json_object_get(body, "cmd"))
        take_request(viewer, body, text, size);
    else
        refuse_message(viewer, "neither hello, watch nor cmd: see schemas/page.md");
    return 0;
}

int viewer_take_text(struct viewer *viewer, const char *text, size_t size)
{
    json_error_t error;
    json_t *const body = json_loadb(text, size, JSON_REJECT_DUPLICATES, &error);
    int r = 0;
    if (json_is_object(body))
        r = take_object(viewer, body, text, size);
    else if (!viewer->greeted)
        r = viewer_close(viewer, LWS_CLOSE_STATUS_POLICY_VIOLATION, "say hello first");
    else
        refuse_message(viewer, "not a JSON object");
    json_decref(body);
    return r;
}
