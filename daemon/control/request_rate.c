#include "daemon/control/request_rate.h"

#include "common/clock.h"

void request_rate_init(struct request_rate *rate, double per_second)
{
    *rate = (struct request_rate){.per_second = per_second};
}

/* FNV-1a. */
static uint64_t hash(const unsigned char *bytes, size_t size)
{
    uint64_t value = UINT64_C(0xcbf29ce484222325);
    for (size_t i = 0; i < size; i++)
        value = (value ^ bytes[i]) * UINT64_C(0x100000001b3);
    return value ? value : 1;
}

bool request_rate_take(struct request_rate *rate, const void *identity, size_t size)
{
    const uint64_t connection = hash(identity, size), now = clock_monotonic_ns();
    struct request_bucket *const bucket = &rate->buckets[connection % REQUEST_RATE_BUCKETS];
    if (bucket->connection != connection)
        *bucket = (struct request_bucket){connection, now, rate->per_second};
    bucket->left += (double)(now - bucket->seen_ns) / (double)NS_PER_S * rate->per_second;
    bucket->seen_ns = now;
    if (bucket->left > rate->per_second)
        bucket->left = rate->per_second;
    if (bucket->left < 1)
        return false;
    bucket->left--;
    return true;
}
