#include "daemon/results/result_list.h"

#include <stdio.h>
#include <string.h>

#include "processing/run/run_products.h"

void latest_pattern_name(const struct run *run, unsigned layer, char name[PRODUCT_NAME_SIZE])
{
    const char *const layer_name = run_layer_name(run, layer);
    snprintf(name, PRODUCT_NAME_SIZE, "%s%slatest", layer_name, *layer_name ? "/" : "");
}

json_t *result_list_maps(const struct run *run)
{
    const struct product_set *const set = run_set(run);
    json_t *const names = json_array();
    for (unsigned i = 0; i < set->n; i++) {
        const struct product *const product = set->products[i];
        for (unsigned j = 0; j < product->n_maps; j++)
            json_array_append_new(names, json_string(product->maps[j].name));
    }
    return names;
}

/* Of patterns (rank 2) or profiles (rank 1). */
static json_t *array_names(const struct run *run, unsigned rank)
{
    const struct product_set *const set = run_set(run);
    json_t *const names = json_array();
    for (unsigned i = 0; i < set->n; i++) {
        const struct product *const product = set->products[i];
        for (unsigned j = 0; j < product->n_arrays; j++) {
            if (product->arrays[j].rank == rank)
                json_array_append_new(names, json_string(product->arrays[j].name));
        }
    }
    return names;
}

json_t *result_list_patterns(const struct run *run)
{
    json_t *const names = array_names(run, 2);
    for (unsigned i = 0; i < run->n_layers; i++) {
        char name[PRODUCT_NAME_SIZE];
        latest_pattern_name(run, i, name);
        json_array_append_new(names, json_string(name));
    }
    return names;
}

json_t *result_list_profiles(const struct run *run)
{
    return array_names(run, 1);
}

void result_list_tell(json_t *names, char *text, size_t size)
{
    static const char more[] = ", ...";
    size_t length = 0;
    snprintf(text, size, "none");
    for (size_t i = 0; i < json_array_size(names); i++) {
        const char *const name = json_string_value(json_array_get(names, i));
        if (length + strlen(name) + 2 + sizeof more > size) {
            snprintf(text + length, size - length, "%s", more);
            break;
        }
        length += (size_t)snprintf(text + length, size - length, "%s%s", i ? ", " : "", name);
    }
    json_decref(names);
}
