#pragma once

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "processing/products/product.h"
#include "processing/run/run.h"

/*
 * Maps whose values are given as a whole instead of being computed of each frame by the workers:
 * those that clients put, and those that are made of other maps or of frames on disk. To everybody
 * who looks at results they are a product like any other; workers pass it over, having neither
 * columns of its own to compute nor an accumulator. It belongs to no layer.
 *
 * Values are kept by exposure, as those of all products are: a map that is put moves with the
 * frames when the run is seen through another geometry, and the file has it where the frames are.
 *
 * Who owns what: rows are written by one thread at a time, which then raises `revision`
 * (store-release); everybody may read them meanwhile, a row at a time. `provenance` is guarded by
 * `mutex`. `published` is the service thread's, `recorded` the writer thread's.
 */
#define GIVEN_MAPS_MAX 63

struct given_maps {
    pthread_mutex_t mutex;
    char *provenance; /* one JSON object */
    _Atomic uint64_t revision;
    uint64_t published, recorded; /* revisions */
    _Atomic uint64_t end;         /* one more than the highest exposure that has a value */
    /* Brings the values up to date; NULL: they change only when they are given anew. Any thread,
     * one at a time. */
    void (*renew)(void *data, struct run *run, struct product *product);
    void (*destroy)(void *data); /* may be NULL */
    void *data;
    char units[][32]; /* of each map */
};

struct given_map {
    const char *name;
    enum map_dtype dtype;
    const char *units;
    const char *description;
};

/* Copies. `provenance` is a JSON object. -ENOMEM with a sentence. */
int given_maps_prepare(struct product *product, const struct given_map *maps, unsigned n,
                       const char *provenance, struct error *error);

/*
 * A product of the run, without values, that is to hold these maps: the one that holds them now, or
 * a new one when it had other types, units or descriptions. NULL with a sentence. Then, when it has
 * its values, given_maps_show puts it in the place of the one that has the name of its first map. A
 * run has room for RUN_MAX_PRODUCTS. Service thread.
 */
struct product *given_maps_home(struct run *run, const struct given_map *maps, unsigned n,
                                const char *provenance, struct error *error);
int given_maps_show(struct run *run, struct product *product, struct error *error);

/* -ENOMEM: the old one stays. */
int given_maps_set_provenance(struct product *product, const char *provenance);
/* For free(); NULL: no memory. */
char *given_maps_provenance(const struct product *product);

/* Of all maps, the values of one exposure: doubles or uint64_t as bits. `there`: bit i is whether
 * map i has one. false: no memory. */
bool given_maps_put(struct product *product, uint64_t exposure, const uint64_t *values,
                    uint64_t there);

/* The values are as they are to be seen. */
void given_maps_changed(struct product *product);

/* Brings all that can be renewed up to date, on the calling thread. */
void given_maps_renew(struct run *run);

/* Which maps have a value, from a row of the product's columns. */
bool given_maps_there(const struct product *product, unsigned map, const uint64_t *columns);

/* Columns of a row. */
unsigned given_maps_columns(const struct product *product);

/* The run's given product that has a map of this name; NULL: none. */
struct product *given_maps_find(const struct run *run, const char *name);
