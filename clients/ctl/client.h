#pragma once

#include <jansson.h>
#include <stddef.h>
#include <zmq.h>

#include "common/error.h"

/*
 * Requests to the daemon over its control socket (schemas/protocol.md). One request at a time, one
 * thread.
 */
struct client;

#define REPLY_MAX_PARTS 16

struct reply {
    json_t *result; /* what the daemon answered, an object; NULL when it refused */
    json_t *error;  /* {code, message, field}; NULL unless it refused */
    size_t n_parts; /* raw parts, as result.parts describes them */
    zmq_msg_t parts[REPLY_MAX_PARTS];
};

/* What a merlind that asks for keys wants to see (merlinctl keygen). NULL, NULL: it does not. */
struct client_keys {
    const char *pair_file; /* of this client */
    const char *server;    /* merlind's public key, or a file that has it */
};

/* `timeout_s` is how long a request waits for its reply. -EINVAL: `endpoint` is none.
 * Files of keys that are none: a negative errno with a sentence. */
int client_create(struct client **client, const char *endpoint, const struct client_keys *keys,
                  double timeout_s, struct error *error);

/* For those that read all frames again, a day: who has waited enough interrupts it. */
#define CLIENT_SWEEP_TIMEOUT_S 86400

/* Changes how long requests wait from now on. */
void client_set_timeout(struct client *client, double timeout_s);

/* The token that every request from now on shows; borrowed, NULL: none. */
void client_set_lease(struct client *client, const char *token);

/* NULL does nothing. */
void client_destroy(struct client *client);

/*
 * Sends a command and waits for its reply. Takes over `arguments` (NULL: none). Returns 0, or with
 * a sentence in `error` -ETIMEDOUT  nobody answered -EREMOTEIO  the daemon refused; reply->error
 * has its words -EPROTO     the answer is none of merlind's -EINTR      a signal that interrupt.h
 * watches for came first The reply is to be given to reply_finish whatever came back.
 */
int client_request(struct client *client, const char *command, json_t *arguments,
                   struct reply *reply, struct error *error);

/* A raw part that follows a request. */
struct request_part {
    const void *bytes;
    size_t size;
};

/* The same with a raw part, which is not kept. */
int client_request_part(struct client *client, const char *command, json_t *arguments,
                        const struct request_part *part, struct reply *reply, struct error *error);

void reply_finish(struct reply *reply);
