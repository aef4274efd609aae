#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * How many requests a connection may send: a bucket that fills with `per_second` and holds as many
 * as come in a second. Keeps one client that asks in a tight loop from taking the service thread
 * away from the others; ZeroMQ already takes from its connections in turn. There are buckets for as
 * many connections at a time as are usual; two that share one replace each other's, and so are
 * measured less closely. Belongs to the service thread.
 */
#define REQUEST_RATE_BUCKETS 256

struct request_rate {
    double per_second;
    struct request_bucket {
        uint64_t connection; /* hash of its identity; 0: none */
        uint64_t seen_ns;    /* monotonic */
        double left;
    } buckets[REQUEST_RATE_BUCKETS];
};

void request_rate_init(struct request_rate *rate, double per_second);

/* Whether one more request of this connection may be taken. */
bool request_rate_take(struct request_rate *rate, const void *identity, size_t size);
