#include "daemon/acquisition/armed_parameters.h"

#include <jansson.h>

static void put_all(json_t *json, const struct detector_settings *settings)
{
    for (unsigned i = 0; i < settings->n; i++)
        json_object_set_new(json, settings->list[i].name, json_string(settings->list[i].value));
}

char *armed_parameters_text(const struct detector_settings *known,
                            const struct detector_settings *told)
{
    json_t *const json = json_object();
    put_all(json, known);
    put_all(json, told);
    char *const text =
        json_object_size(json) > 0 ? json_dumps(json, JSON_COMPACT | JSON_SORT_KEYS) : NULL;
    json_decref(json);
    return text;
}
