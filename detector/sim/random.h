#pragma once

#include <stdint.h>

/*
 * Random numbers that are a pure function of (key, counter), so that any frame can be made alone,
 * in any order and by any thread. The mixing function is the finaliser of SplitMix64 (Steele, Lea,
 * Flood 2014).
 */
static inline uint64_t random_mix(uint64_t value)
{
    value ^= value >> 30;
    value *= UINT64_C(0xbf58476d1ce4e5b9);
    value ^= value >> 27;
    value *= UINT64_C(0x94d049bb133111eb);
    return value ^ value >> 31;
}

/* A hash of a key and a number; independent purposes use different `purpose`. */
static inline uint64_t random_hash(uint64_t key, uint64_t purpose, uint64_t number)
{
    const uint64_t mixed = random_mix(key + UINT64_C(0x9e3779b97f4a7c15) * (purpose + 1));
    return random_mix(mixed ^ random_mix(number + UINT64_C(0xd1b54a32d192ed03)));
}

struct random_stream {
    uint64_t counter;
};

static inline struct random_stream random_stream_make(uint64_t key, uint64_t purpose,
                                                      uint64_t number)
{
    return (struct random_stream){random_hash(key, purpose, number)};
}

static inline uint64_t random_bits(struct random_stream *stream)
{
    stream->counter += UINT64_C(0x9e3779b97f4a7c15);
    return random_mix(stream->counter);
}

/* Uniform in [0, 1), from the upper 53 bits. */
static inline double random_unit_of(uint64_t bits)
{
    return (double)(bits >> 11) * 0x1p-53;
}

static inline double random_unit(struct random_stream *stream)
{
    return random_unit_of(random_bits(stream));
}

/* Two independent normal deviates of mean 0 and variance 1. */
void random_normal_pair(struct random_stream *stream, double pair[2]);

/* A Poisson deviate of this mean, exact for every mean from 0 to 1e9. */
uint64_t random_poisson(struct random_stream *stream, double mean);
