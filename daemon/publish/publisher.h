#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uv.h>

#include "common/error.h"

/*
 * The results socket: an XPUB that any number of subscribers may read, each as fast as it likes.
 * Lossy on purpose: a subscriber that does not read loses messages (it sees gaps in `seq`) and
 * costs nobody anything. Belongs to the service thread.
 */
struct publisher;

/* A raw part of a message. */
struct publisher_part {
    const void *bytes;
    size_t size;
};

/* Binds to `endpoint` (a port of 0 or * means any free one). -EADDRINUSE with a sentence when it is
 * taken. */
int publisher_create(struct publisher **publisher, uv_loop_t *loop, void *zmq_context,
                     const char *endpoint, struct error *error);
void publisher_destroy(struct publisher *publisher);

/* Where subscribers inside this process connect, in the same ZeroMQ context. */
#define PUBLISHER_INPROC "inproc://merlind-results"

/* The endpoint as bound. */
const char *publisher_endpoint(const struct publisher *publisher);

/* Messages published so far, {topic: number}. New reference. */
json_t *publisher_counts(const struct publisher *publisher);

/* Does anybody want this topic? What nobody wants need not be encoded. */
bool publisher_wanted(const struct publisher *publisher, const char *topic);

/* Rises with every new subscription: whoever sends only changes then sends everything once. */
uint64_t publisher_generation(const struct publisher *publisher);

/*
 * Sends [topic][header][part]... Adds `schema` ("merlind/KIND"), `v`, `seq` (per topic) and `t` to
 * the header, which it takes over.
 */
void publisher_send(struct publisher *publisher, const char *topic, const char *kind,
                    json_t *header, const struct publisher_part *parts, unsigned n_parts);
