/*
 * What a recording costs a frame beside its pixels: the CRC-32C of its payload, the copy of its
 * header, and the writer's block of headers (lz4). Prints one line per format.
 */
#include <blosc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/crc32c.h"
#include "processing/message_batch.h"

#define BLOCK 256

struct form {
    const char *name;
    size_t payload, header; /* bytes */
};

static const struct form forms[] = {
    {"256x256 raw 1 bit", 8192, 384},  {"256x256 U08", 65536, 384},
    {"512x512 raw 1 bit", 32768, 768}, {"256x256 U16", 131072, 384},
    {"512x512 U16", 524288, 768},
};

/* Of the length and kind of a real one: what changes is the number and the times. */
static void make_header(uint8_t *header, size_t size, unsigned i)
{
    char text[1024];
    int n = snprintf(text, sizeof text,
                     "MQ1,%06u,%05zu,01,0256,0256,U08,   1x1,01,2026-11-21 08:00:00.%06u,0.000050,"
                     "0,0,0,2.000000E+0,5.110000E+2,",
                     i, size, i * 50 % 1000000);
    while ((size_t)n < size - 90)
        n += snprintf(text + n, sizeof text - (size_t)n, "%03d,", n * 37 % 512);
    n += snprintf(text + n, sizeof text - (size_t)n, "MQ1A,2026-11-21T08:00:00.%09uZ,50000ns,6,",
                  i * 50003 % 1000000000);
    memset(header, 0, size);
    memcpy(header, text, (size_t)n < size ? (size_t)n : size);
}

static double crc_us(crc32c_fn crc32c, const uint8_t *payload, size_t size, unsigned rounds)
{
    uint32_t sum = 0;
    const uint64_t began = clock_monotonic_ns();
    for (unsigned i = 0; i < rounds; i++)
        sum += crc32c(payload, size);
    const double us = (double)(clock_monotonic_ns() - began) / rounds / 1e3;
    return sum == 1 ? us + 1e-9 : us;
}

static void measure(const struct form *form)
{
    const unsigned rounds = (unsigned)(((size_t)256 << 20) / form->payload);
    uint8_t *const payload = malloc(form->payload);
    uint8_t *const headers = malloc(BLOCK * form->header);
    uint8_t *const packed = malloc(BLOCK * form->header + BLOSC_MAX_OVERHEAD);
    struct message_batch batch = {0};
    if (!payload || !headers || !packed)
        exit(1);
    for (size_t i = 0; i < form->payload; i++)
        payload[i] = (uint8_t)(i * 2654435761u >> 13);
    for (unsigned i = 0; i < BLOCK; i++)
        make_header(headers + i * form->header, form->header, i + 1000);
    const double plain = crc_us(crc32c_plain, payload, form->payload, rounds / 8 + 1);
    const double best = crc_us(crc32c_function(cpu_isa_best()), payload, form->payload, rounds);
    uint64_t began = clock_monotonic_ns();
    for (unsigned i = 0; i < 100 * BLOCK; i++) {
        if (i % 16 == 0)
            message_batch_clear(&batch);
        (void)message_batch_add(&batch, &(struct message_record){.arrival = i},
                                headers + i % BLOCK * form->header, form->header);
    }
    const double copy = (double)(clock_monotonic_ns() - began) / (100 * BLOCK) / 1e3;
    int bytes = 0;
    began = clock_monotonic_ns();
    for (unsigned i = 0; i < 100; i++)
        bytes =
            blosc_compress_ctx(1, BLOSC_NOSHUFFLE, 1, BLOCK * form->header, headers, packed,
                               BLOCK * form->header + BLOSC_MAX_OVERHEAD, BLOSC_LZ4_COMPNAME, 0, 1);
    const double pack = (double)(clock_monotonic_ns() - began) / (100 * BLOCK) / 1e3;
    printf("%-18s CRC %6.2f us (%4.1f GB/s; by tables %7.2f us)  header: copy %.3f us, block %.3f "
           "us, %.1f bytes\n",
           form->name, best, (double)form->payload / best / 1e3, plain, copy, pack,
           (double)bytes / BLOCK);
    message_batch_finish(&batch);
    free(packed);
    free(headers);
    free(payload);
}

int main(void)
{
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++)
        measure(&forms[i]);
    return 0;
}
