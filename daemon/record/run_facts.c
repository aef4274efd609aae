#include "daemon/record/run_facts.h"

#include <blosc.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/record/nexus.h"
#include "processing/run/run_products.h"

static int write_json(hid_t group, const char *name, json_t *json)
{
    char *const text = json ? json_dumps(json, JSON_COMPACT) : NULL;
    const int r = text ? nexus_text(group, name, text, strlen(text)) : -1;
    free(text);
    json_decref(json);
    return r;
}

static int write_versions(hid_t entry)
{
    char hdf5[40];
    unsigned major, minor, release;
    if (H5get_libversion(&major, &minor, &release) < 0)
        return -1;
    snprintf(hdf5, sizeof hdf5, "%u.%u.%u", major, minor, release);
    return write_json(entry, "versions",
                      json_pack("{s:s, s:s, s:s}", "merlind", MERLIND_VERSION, "hdf5", hdf5,
                                "blosc", blosc_get_version_string()));
}

int run_facts_write(hid_t entry, const char *configuration)
{
    if (write_versions(entry) < 0)
        return -1;
    return configuration ? nexus_text(entry, "configuration", configuration, strlen(configuration))
                         : 0;
}

int run_facts_write_sample(hid_t entry, const struct run *run)
{
    json_t *const labels = *run->plan->labels ? json_loads(run->plan->labels, 0, NULL) : NULL;
    const char *const sample = json_string_value(json_object_get(labels, "sample"));
    int r = 0;
    if (sample) {
        const hid_t group = nexus_group(entry, "sample", "NXsample");
        r = group < 0 ? -1 : nexus_text(group, "name", sample, strlen(sample));
        if (group >= 0)
            H5Gclose(group);
    }
    json_decref(labels);
    return r;
}

/* ---- versions of the settings ---- */

static json_t *products_json(const struct product_set *set)
{
    json_t *const list = json_array();
    for (unsigned i = 0; i < set->n; i++) {
        const struct product *const product = set->products[i];
        for (unsigned j = 0; j < product->n_maps; j++)
            json_array_append_new(list, json_pack("{s:s, s:s, s:s}", "name", product->maps[j].name,
                                                  "units", product->maps[j].units, "description",
                                                  product->maps[j].description));
        for (unsigned j = 0; j < product->n_arrays; j++)
            json_array_append_new(list,
                                  json_pack("{s:s, s:s, s:s}", "name", product->arrays[j].name,
                                            "units", product->arrays[j].units, "description",
                                            product->arrays[j].description));
    }
    return list;
}

static json_t *set_json(const struct product_set *set)
{
    const uint64_t first = atomic_load_explicit(&set->first_frame, memory_order_relaxed);
    return json_pack("{s:I, s:o, s:o}", "version", (json_int_t)set->version, "first_frame",
                     first == UINT64_MAX ? json_null() : json_integer((json_int_t)first),
                     "products", products_json(set));
}

bool run_facts_have_settings(const struct run *run)
{
    return run_set(run)->older != NULL;
}

int run_facts_write_settings(hid_t file, const struct run *run)
{
    const hid_t group = H5Gopen2(file, "/entry/settings", H5P_DEFAULT);
    int r = group < 0 ? -1 : 0;
    for (const struct product_set *set = run_set(run); r == 0 && set->older; set = set->older) {
        char name[16];
        snprintf(name, sizeof name, "%u", set->version);
        const htri_t there = H5Lexists(group, name, H5P_DEFAULT);
        r = there < 0 ? -1 : there ? 0 : write_json(group, name, set_json(set));
    }
    if (group >= 0)
        H5Gclose(group);
    return r;
}
