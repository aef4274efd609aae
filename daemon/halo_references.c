#include "daemon/halo_references.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

void halo_references_finish(struct halo_references *references)
{
    free(references->list);
    *references = (struct halo_references){0};
}

static size_t index_of(const struct halo_references *references, const char *name)
{
    size_t i = 0;
    while (i < references->n && strcmp(references->list[i].name, name) != 0)
        i++;
    return i;
}

const struct halo_reference *halo_references_find(const struct halo_references *references,
                                                  const char *name)
{
    const size_t i = index_of(references, name);
    return i < references->n ? &references->list[i] : NULL;
}

int halo_references_put(struct halo_references *references, const struct halo_reference *reference,
                        struct error *error)
{
    const size_t i = index_of(references, reference->name);
    if (i == HALO_REFERENCES_MAX)
        return error_set(error, -ENOSPC,
                         "there are %d references already: use the name of one that is not needed",
                         HALO_REFERENCES_MAX);
    if (i == references->n) {
        struct halo_reference *const longer =
            realloc(references->list, (i + 1) * sizeof *references->list);
        if (!longer)
            return error_set(error, -ENOMEM, "no memory for a reference");
        references->list = longer;
        references->n++;
    }
    references->list[i] = *reference;
    return 0;
}

json_t *halo_references_json(const struct halo_references *references)
{
    json_t *const list = json_array();
    for (size_t i = 0; i < references->n; i++) {
        const struct halo_reference *const one = &references->list[i];
        json_array_append_new(list,
                              json_pack("{s:s, s:s, s:[I, I], s:f}", "name", one->name, "run",
                                        one->run, "time", (json_int_t)(one->time_ns / 1000000000),
                                        (json_int_t)(one->time_ns % 1000000000), "radius_px",
                                        one->halo.radius));
    }
    return list;
}
