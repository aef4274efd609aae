#include "daemon/control/lease.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include "common/clock.h"
#include "daemon/json_time.h"

void lease_init(struct lease *lease, double timeout_s)
{
    *lease = (struct lease){.timeout_ns = (uint64_t)(timeout_s * (double)NS_PER_S)};
}

bool lease_is_held(const struct lease *lease)
{
    return lease->held && clock_monotonic_ns() - lease->renewed_ns < lease->timeout_ns;
}

/* Takes as long for a token that is right at the beginning as for any other. */
static bool token_matches(const struct lease *lease, const char *token)
{
    unsigned char difference = 0;
    if (strlen(token) != LEASE_TOKEN_SIZE - 1)
        return false;
    for (size_t i = 0; i < LEASE_TOKEN_SIZE - 1; i++)
        difference |= (unsigned char)(token[i] ^ lease->token[i]);
    return difference == 0;
}

bool lease_is_holder(const struct lease *lease, const struct lease_claim *claim)
{
    if (!lease_is_held(lease))
        return false;
    if (claim->token)
        return token_matches(lease, claim->token);
    return claim->identity_size == lease->identity_size &&
           memcmp(claim->identity, lease->identity, lease->identity_size) == 0;
}

void lease_renew(struct lease *lease)
{
    lease->renewed_ns = clock_monotonic_ns();
}

static int make_token(char token[LEASE_TOKEN_SIZE])
{
    unsigned char bytes[(LEASE_TOKEN_SIZE - 1) / 2];
    if (getrandom(bytes, sizeof bytes, GRND_NONBLOCK) != (ssize_t)sizeof bytes)
        return -EIO;
    for (size_t i = 0; i < sizeof bytes; i++)
        snprintf(token + 2 * i, 3, "%02x", bytes[i]);
    return 0;
}

int lease_take(struct lease *lease, const struct lease_claim *claim, const struct caller *caller,
               const char *name)
{
    if (!lease_is_holder(lease, claim)) {
        if (make_token(lease->token) < 0)
            return -EIO;
        lease->taken_ns = clock_realtime_ns();
    }
    lease->held = true;
    lease->local = caller->local;
    lease->identity_size =
        claim->identity_size < LEASE_IDENTITY_MAX ? claim->identity_size : LEASE_IDENTITY_MAX;
    memcpy(lease->identity, claim->identity, lease->identity_size);
    snprintf(lease->name, sizeof lease->name, "%s", name ? name : caller->name);
    lease_renew(lease);
    return 0;
}

void lease_release(struct lease *lease)
{
    lease->held = false;
}

double lease_seconds_left(const struct lease *lease)
{
    const uint64_t silent = clock_monotonic_ns() - lease->renewed_ns;
    return silent < lease->timeout_ns ? (double)(lease->timeout_ns - silent) / (double)NS_PER_S : 0;
}

json_t *lease_json(const struct lease *lease)
{
    if (!lease_is_held(lease))
        return json_null();
    return json_pack("{s:s, s:b, s:o, s:f}", "name", lease->name, "local", lease->local, "since",
                     json_time(lease->taken_ns), "seconds_left", lease_seconds_left(lease));
}
