#pragma once

#include <libwebsockets.h>
#include <stdbool.h>
#include <stdint.h>

#include "daemon/web/outbox.h"
#include "daemon/web/topic_cache.h"
#include "daemon/zmq_poll.h"

struct web;

#define VIEWER_MAX_TOPICS 64
#define VIEWER_NAME_SIZE 64
#define VIEWER_MAX_REQUEST ((size_t)1 << 20)

/* How far a viewer has seen a topic. */
struct viewer_seen {
    struct topic *topic;
    uint64_t version;
    uint64_t sent_ns; /* of the last message, monotonic */
};

/*
 * One WebSocket connection to /ws. Belongs to the web thread; outlives its connection until the
 * loop has closed its handles.
 */
struct viewer {
    struct viewer *next;
    struct web *web;
    struct web_source *source; /* what it looks at; settled by its first hello */
    struct lws *wsi;           /* NULL: gone */
    uint64_t number;
    char name[VIEWER_NAME_SIZE];
    bool greeted, may_control;
    /* Requests: on their way in, and a client of the control socket for this viewer alone. */
    char *text;
    size_t text_size, text_room;
    void *control;
    struct zmq_poll poll;
    unsigned n_pending; /* requests without a reply */
    /* What it watches. */
    char *topics[VIEWER_MAX_TOPICS];
    size_t n_topics;
    uint64_t interval_ns; /* between two messages of a watched topic, at least */
    struct viewer_seen *seen;
    size_t n_seen, seen_room;
    /* What it is being sent. */
    struct outbox outbox;
    struct message *current;
    size_t offset;
    uint64_t progress_ns, heard_ns; /* when it last took something, and last said something */
    bool ping_due, pacing;
    bool leaving; /* it was told that what it looks at is gone, and is closed at the next tick */
    enum lws_close_status end_status; /* the connection is to be closed with it; 0: it is not */
    const char *end_why;              /* a literal */
};

/* NULL: no memory. */
struct viewer *viewer_create(struct web *web, struct lws *wsi);
/* Its connection is gone. */
void viewer_gone(struct viewer *viewer);

/* Part of a frame from the client. A negative number: close it, for a reason that was set. */
int viewer_receive(struct viewer *viewer, const char *bytes, size_t size);
/* A sign of life. */
void viewer_heard(struct viewer *viewer);
/* The socket takes more. A negative number: close it. */
int viewer_writable(struct viewer *viewer);

/* 1013, which the library has no name for. */
#define VIEWER_TRY_AGAIN_LATER ((enum lws_close_status)1013)

/* What it looked at, or wanted to look at, is no old run that is open. */
#define VIEWER_NOT_OPEN ((enum lws_close_status)4404)

/* Ends the connection for a reason (RFC 6455, 7.4.1). The result is for the library's callback. */
int viewer_close(struct viewer *viewer, enum lws_close_status status, const char *why);

/* The same from outside of its callbacks; `why` is a literal. */
void viewer_end(struct viewer *viewer, enum lws_close_status status, const char *why);

/* What it looks at is gone, or not there: told in words, since browsers may miss a close frame, and
 * closed after it. */
void viewer_say_gone(struct viewer *viewer, const char *why);

/* It is no good any more: logged, told as 1013 if it still reads, and gone. */
void viewer_drop(struct viewer *viewer, const char *why);

/* A topic has news. */
void viewer_notice(struct viewer *viewer, struct topic *topic);
/* Every second or so. */
void viewer_tick(struct viewer *viewer, uint64_t now);

/* Sends a JSON object as text; takes the reference. */
void viewer_send_json(struct viewer *viewer, json_t *json);

/* To all: how many they are. */
void viewers_tell_count(struct web *web);

/* viewer_topics.c */
bool viewer_watches(const struct viewer *viewer, const char *topic);
/* Whether it is sent to every viewer. */
bool viewer_topic_is_common(const char *topic);
/* What it lacks most; raises what it has seen. NULL: nothing that may be sent now. */
struct message *viewer_next_of_topics(struct viewer *viewer, uint64_t now);
void viewer_look_at_cache(struct viewer *viewer);
void viewer_drop_topics(struct viewer *viewer);

/* viewer_message.c: what a client says, one whole text. */
int viewer_take_text(struct viewer *viewer, const char *text, size_t size);

/* viewer_control.c: its requests and their replies. */
int viewer_control_open(struct viewer *viewer);
void viewer_control_send(struct viewer *viewer, const char *text, size_t size);
/* Closes the socket, and calls `closed` when the loop has let go of it. */
void viewer_control_close(struct viewer *viewer, void (*closed)(void *viewer));
