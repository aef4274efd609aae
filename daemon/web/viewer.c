#include "daemon/web/viewer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <zmq.h>

#include "common/clock.h"
#include "common/log.h"
#include "daemon/web/web_internal.h"

/* At a time, so that others have their turn. */
#define CHUNKS_IN_A_ROW 32

struct viewer *viewer_create(struct web *web, struct lws *wsi)
{
    struct viewer *const viewer = calloc(1, sizeof *viewer);
    if (!viewer)
        return NULL;
    viewer->web = web;
    viewer->source = &web->live;
    viewer->wsi = wsi;
    viewer->number = ++web->next_viewer;
    viewer->progress_ns = viewer->heard_ns = clock_monotonic_ns();
    snprintf(viewer->name, sizeof viewer->name, "%llu", (unsigned long long)viewer->number);
    viewer->next = web->viewers;
    web->viewers = viewer;
    web->counts.viewers++;
    web->counts.viewers_ever++;
    return viewer;
}

static void on_control_closed(void *data)
{
    struct viewer *const viewer = data;
    if (viewer->control)
        zmq_close(viewer->control);
    free(viewer);
}

void viewers_tell_count(struct web *web)
{
    for (struct viewer *viewer = web->viewers; viewer; viewer = viewer->next) {
        if (viewer->greeted)
            viewer_send_json(viewer, json_pack("{s:i}", "viewers", (int)web->counts.viewers));
    }
}

void viewer_gone(struct viewer *viewer)
{
    struct web *const web = viewer->web;
    struct viewer **at = &web->viewers;
    while (*at != viewer)
        at = &(*at)->next;
    *at = viewer->next;
    web->counts.viewers--;
    viewer->wsi = NULL;
    message_unref(viewer->current);
    outbox_finish(&viewer->outbox);
    viewer_drop_topics(viewer);
    free(viewer->seen);
    free(viewer->text);
    web_source_watches_changed(viewer->source);
    if (viewer->greeted)
        web_source_release(viewer->source);
    viewers_tell_count(web);
    viewer_control_close(viewer, on_control_closed);
}

int viewer_close(struct viewer *viewer, enum lws_close_status status, const char *why)
{
    char text[124]; /* what a close frame has room for */
    const size_t size = strnlen(why, sizeof text - 1);
    memcpy(text, why, size);
    lws_close_reason(viewer->wsi, status, (unsigned char *)text, size);
    return -1;
}

void viewer_end(struct viewer *viewer, enum lws_close_status status, const char *why)
{
    if (viewer->end_status)
        return;
    viewer->end_status = status;
    viewer->end_why = why;
    if (lws_send_pipe_choked(viewer->wsi))
        shutdown(lws_get_socket_fd(viewer->wsi), SHUT_RDWR); /* nothing reaches it any more */
    else
        lws_callback_on_writable(viewer->wsi);
}

void viewer_drop(struct viewer *viewer, const char *why)
{
    if (viewer->end_status)
        return;
    refuse(&viewer->web->refusals, REFUSAL_SILENT, "viewer %s is dropped: %s", viewer->name, why);
    viewer_end(viewer, VIEWER_TRY_AGAIN_LATER, "nothing is read");
}

void viewer_say_gone(struct viewer *viewer, const char *why)
{
    if (viewer->leaving || viewer->end_status)
        return;
    viewer->leaving = true;
    viewer_send_json(viewer, json_pack("{s:s}", "gone", why));
}

/* ---- in ---- */

static int keep_text(struct viewer *viewer, const char *bytes, size_t size)
{
    const size_t needed = viewer->text_size + size;
    if (needed > VIEWER_MAX_REQUEST) {
        refuse(&viewer->web->refusals, REFUSAL_MESSAGE,
               "viewer %s is dropped: its message is larger than 1 MiB", viewer->name);
        return viewer_close(viewer, LWS_CLOSE_STATUS_MESSAGE_TOO_LARGE, "at most 1 MiB");
    }
    if (needed > viewer->text_room) {
        const size_t room = 2 * needed;
        char *const more = realloc(viewer->text, room);
        if (!more)
            return viewer_close(viewer, LWS_CLOSE_STATUS_UNEXPECTED_CONDITION, "no memory");
        viewer->text = more;
        viewer->text_room = room;
    }
    memcpy(viewer->text + viewer->text_size, bytes, size);
    viewer->text_size = needed;
    return 0;
}

void viewer_heard(struct viewer *viewer)
{
    viewer->heard_ns = clock_monotonic_ns();
}

int viewer_receive(struct viewer *viewer, const char *bytes, size_t size)
{
    struct lws *const wsi = viewer->wsi;
    viewer_heard(viewer);
    if (lws_frame_is_binary(wsi)) {
        refuse(&viewer->web->refusals, REFUSAL_MESSAGE, "viewer %s is dropped: it sent binary data",
               viewer->name);
        return viewer_close(viewer, LWS_CLOSE_STATUS_UNACCEPTABLE_OPCODE, "text only");
    }
    if (keep_text(viewer, bytes, size) < 0)
        return -1;
    if (!lws_is_final_fragment(wsi) || lws_remaining_packet_payload(wsi) > 0)
        return 0;
    const size_t whole = viewer->text_size;
    viewer->text_size = 0;
    return viewer_take_text(viewer, viewer->text, whole);
}

/* ---- out ---- */

void viewer_send_json(struct viewer *viewer, json_t *json)
{
    char *const text = json ? json_dumps(json, JSON_COMPACT) : NULL;
    if (!text || outbox_push(&viewer->outbox, message_text(text, strlen(text))) < 0)
        log_error("web", "no memory for a message to viewer %s", viewer->name);
    free(text);
    json_decref(json);
    if (viewer->wsi)
        lws_callback_on_writable(viewer->wsi);
}

/* With something in it, or the library tells nobody of the pong. */
static int send_ping(struct viewer *viewer)
{
    static const char payload[] = "alive";
    uint8_t *const at = viewer->web->scratch + LWS_PRE;
    viewer->ping_due = false;
    memcpy(at, payload, sizeof payload - 1);
    return lws_write(viewer->wsi, at, sizeof payload - 1, LWS_WRITE_PING);
}

/* Copied for the library, which writes its frame header before what it is given: the message
 * itself is shared. */
static int send_chunk(struct viewer *viewer)
{
    struct web *const web = viewer->web;
    struct message *const message = viewer->current;
    const size_t left = message->size - viewer->offset;
    const size_t size = left < WEB_CHUNK ? left : WEB_CHUNK;
    const bool first = viewer->offset == 0, last = size == left;
    uint8_t *const at = web->scratch + LWS_PRE;
    memcpy(at, message->bytes + viewer->offset, size);
    const int kind = message->is_text ? LWS_WRITE_TEXT : LWS_WRITE_BINARY;
    if (lws_write(viewer->wsi, at, size, lws_write_ws_flags(kind, first, last)) < (int)size)
        return -1;
    viewer->progress_ns = clock_monotonic_ns();
    viewer->offset += size;
    web->counts.bytes += size;
    if (last) {
        message_unref(message);
        viewer->current = NULL;
        web->counts.messages++;
    }
    return 0;
}

static bool find_next(struct viewer *viewer)
{
    if (viewer->current)
        return true;
    viewer->offset = 0;
    viewer->current = outbox_pop(&viewer->outbox);
    if (!viewer->current && viewer->greeted)
        viewer->current = viewer_next_of_topics(viewer, clock_monotonic_ns());
    return viewer->current;
}

int viewer_writable(struct viewer *viewer)
{
    if (viewer->end_status)
        return viewer_close(viewer, viewer->end_status, viewer->end_why);
    if (viewer->ping_due && send_ping(viewer) < 0)
        return -1;
    for (unsigned i = 0; i < CHUNKS_IN_A_ROW && !lws_send_pipe_choked(viewer->wsi); i++) {
        if (!find_next(viewer))
            return 0;
        if (send_chunk(viewer) < 0)
            return -1;
    }
    lws_callback_on_writable(viewer->wsi);
    return 0;
}

/* ---- time ---- */

static uint64_t patience_ns(const struct viewer *viewer)
{
    return (uint64_t)(viewer->web->config->web.patience_s * (double)NS_PER_S);
}

static bool is_silent(const struct viewer *viewer, uint64_t now)
{
    const uint64_t patience = patience_ns(viewer);
    const bool waits = viewer->current || viewer->outbox.first;
    return now > viewer->heard_ns + patience || (waits && now > viewer->progress_ns + patience);
}

void viewer_tick(struct viewer *viewer, uint64_t now)
{
    if (viewer->end_status)
        return;
    if (viewer->leaving) {
        viewer_end(viewer, VIEWER_NOT_OPEN, "this old run is not open");
        return;
    }
    if (is_silent(viewer, now)) {
        viewer_drop(viewer, "it reads or answers nothing");
        return;
    }
    if (now > viewer->heard_ns + patience_ns(viewer) / 3) {
        viewer->ping_due = true;
        lws_callback_on_writable(viewer->wsi);
    }
}
