#include "processing/run/given_maps.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "processing/run/run_products.h"
#include "processing/tables/column_table.h"

static void finish(struct product *product)
{
    struct given_maps *const given = product->given;
    if (given) {
        if (given->destroy)
            given->destroy(given->data);
        pthread_mutex_destroy(&given->mutex);
        free(given->provenance);
    }
    free(given);
    free(product->maps);
    product->given = NULL;
    product->maps = NULL;
}

static void map_value(const struct product *product, unsigned map, const uint64_t *columns,
                      void *value)
{
    (void)product;
    memcpy(value, &columns[map], sizeof columns[map]);
}

static const struct product_class given_maps_class = {
    .kind = "given",
    .map_value = map_value,
    .finish = finish,
};

static int give_memory(struct product *product, unsigned n, const char *provenance)
{
    struct given_maps *const given = calloc(1, sizeof *given + n * sizeof given->units[0]);
    product->given = given;
    product->maps = calloc(n, sizeof *product->maps);
    if (given)
        pthread_mutex_init(&given->mutex, NULL);
    if (!given || !product->maps)
        return -ENOMEM;
    given->provenance = strdup(provenance);
    return given->provenance ? 0 : -ENOMEM;
}

int given_maps_prepare(struct product *product, const struct given_map *maps, unsigned n,
                       const char *provenance, struct error *error)
{
    product->class = &given_maps_class;
    product->n_maps = n;
    if (give_memory(product, n, provenance) < 0) {
        finish(product);
        return error_set(error, -ENOMEM, "no memory for a map");
    }
    for (unsigned i = 0; i < n; i++) {
        struct product_map *const map = &product->maps[i];
        char *const units = product->given->units[i];
        snprintf(units, sizeof product->given->units[i], "%s", maps[i].units);
        snprintf(map->name, sizeof map->name, "%s", maps[i].name);
        snprintf(map->description, sizeof map->description, "%s", maps[i].description);
        map->dtype = maps[i].dtype;
        map->units = units;
    }
    return 0;
}

static bool are_maps(const struct product *product, const struct given_map *maps, unsigned n)
{
    bool same = product->n_maps == n;
    for (unsigned i = 0; i < n && same; i++) {
        const struct product_map *const map = &product->maps[i];
        same = map->dtype == maps[i].dtype && strcmp(map->name, maps[i].name) == 0 &&
               strcmp(map->units, maps[i].units) == 0 &&
               strcmp(map->description, maps[i].description) == 0;
    }
    return same;
}

int given_maps_set_provenance(struct product *product, const char *provenance)
{
    struct given_maps *const given = product->given;
    char *const copy = strdup(provenance);
    if (!copy)
        return -ENOMEM;
    pthread_mutex_lock(&given->mutex);
    char *const old = given->provenance;
    given->provenance = copy;
    pthread_mutex_unlock(&given->mutex);
    free(old);
    return 0;
}

char *given_maps_provenance(const struct product *product)
{
    struct given_maps *const given = product->given;
    pthread_mutex_lock(&given->mutex);
    char *const copy = strdup(given->provenance);
    pthread_mutex_unlock(&given->mutex);
    return copy;
}

/* ---- values: those of the maps, then which of them there are ---- */

unsigned given_maps_columns(const struct product *product)
{
    return product->n_maps + 1;
}

bool given_maps_there(const struct product *product, unsigned map, const uint64_t *columns)
{
    return columns[product->n_maps] >> map & 1;
}

bool given_maps_put(struct product *product, uint64_t exposure, const uint64_t *values,
                    uint64_t there)
{
    struct given_maps *const given = product->given;
    uint64_t columns[GIVEN_MAPS_MAX + 1];
    memcpy(columns, values, product->n_maps * sizeof *values);
    columns[product->n_maps] = there;
    if (!column_table_put(product->columns, exposure, columns))
        return false;
    if (exposure >= atomic_load_explicit(&given->end, memory_order_relaxed))
        atomic_store_explicit(&given->end, exposure + 1, memory_order_relaxed);
    return true;
}

static void clear(struct product *product)
{
    static const uint64_t nothing[GIVEN_MAPS_MAX + 1];
    const uint64_t end = atomic_load_explicit(&product->given->end, memory_order_relaxed);
    uint64_t columns[GIVEN_MAPS_MAX + 1];
    for (uint64_t exposure = 0; exposure < end; exposure++) {
        if (column_table_get(product->columns, exposure, columns))
            (void)column_table_put(product->columns, exposure, nothing);
    }
}

void given_maps_changed(struct product *product)
{
    atomic_fetch_add_explicit(&product->given->revision, 1, memory_order_release);
}

void given_maps_renew(struct run *run)
{
    const struct product_set *const set = run_set(run);
    for (unsigned i = 0; i < set->n; i++) {
        struct product *const product = set->products[i];
        if (product->given && product->given->renew)
            product->given->renew(product->given->data, run, product);
    }
}

struct product *given_maps_find(const struct run *run, const char *name)
{
    const struct product_set *const set = run_set(run);
    for (unsigned i = 0; i < set->n; i++) {
        struct product *const product = set->products[i];
        for (unsigned j = 0; product->given && j < product->n_maps; j++) {
            if (strcmp(product->maps[j].name, name) == 0)
                return product;
        }
    }
    return NULL;
}

struct product *given_maps_home(struct run *run, const struct given_map *maps, unsigned n,
                                const char *provenance, struct error *error)
{
    struct product *const old = given_maps_find(run, maps[0].name);
    struct product prepared = {0};
    if (old && are_maps(old, maps, n)) {
        if (given_maps_set_provenance(old, provenance) == 0) {
            clear(old);
            return old;
        }
        error_set(error, -ENOMEM, "no memory for a map");
        return NULL;
    }
    if (given_maps_prepare(&prepared, maps, n, provenance, error) < 0)
        return NULL;
    return run_add_product(run, &prepared, 0, "", error);
}

int given_maps_show(struct run *run, struct product *product, struct error *error)
{
    const struct product *const old = given_maps_find(run, product->maps[0].name);
    given_maps_changed(product);
    if (old == product)
        return 0;
    if (!run_change_set(run, &old, old ? 1 : 0, &product, 1))
        return error_set(error, -ENOMEM, "no memory for another set of results");
    return 0;
}
