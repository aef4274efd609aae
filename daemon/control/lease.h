#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/control/caller.h"

/*
 * Control of the daemon, which one client at a time may hold: while it does, requests of others
 * that change something are refused. It lapses when the holder is silent for a while. Without a
 * holder everybody may do what their role allows. Belongs to the service thread.
 *
 * The holder is known by its connection (the ROUTER's identity of it) or, from any connection, by
 * the token that taking the lease has given it.
 */
#define LEASE_TOKEN_SIZE 33 /* 128 bits in hex, and the NUL */
#define LEASE_IDENTITY_MAX 256

struct lease {
    uint64_t timeout_ns;
    bool held; /* it may have lapsed since: ask lease_is_held */
    bool local;
    uint64_t taken_ns;   /* UNIX time */
    uint64_t renewed_ns; /* monotonic */
    size_t identity_size;
    char identity[LEASE_IDENTITY_MAX];
    char name[CALLER_NAME_SIZE];
    char token[LEASE_TOKEN_SIZE];
};

/* What a request shows of who it comes from. */
struct lease_claim {
    const void *identity;
    size_t identity_size;
    const char *token; /* NULL: none */
};

void lease_init(struct lease *lease, double timeout_s);

bool lease_is_held(const struct lease *lease);
bool lease_is_holder(const struct lease *lease, const struct lease_claim *claim);

/* The holder is still there. */
void lease_renew(struct lease *lease);

/* Gives it to the claimant, whoever had it; the holder itself keeps its token. -EIO: no random
 * numbers. */
int lease_take(struct lease *lease, const struct lease_claim *claim, const struct caller *caller,
               const char *name);
void lease_release(struct lease *lease);

double lease_seconds_left(const struct lease *lease);

/* {name, local, since, seconds_left}, or null: nobody holds it. */
json_t *lease_json(const struct lease *lease);
