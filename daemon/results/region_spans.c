#include "daemon/results/region_spans.h"

#include <string.h>

struct span {
    json_int_t y, x0, x1;
};

static bool read_span(const json_t *list, struct span *span)
{
    json_int_t *const numbers[3] = {&span->y, &span->x0, &span->x1};
    bool good = json_array_size(list) == 3;
    for (size_t i = 0; i < 3 && good; i++) {
        good = json_is_integer(json_array_get(list, i));
        *numbers[i] = json_integer_value(json_array_get(list, i));
    }
    return good;
}

bool region_spans_take(const json_t *spans, uint32_t ny, uint32_t nx, uint8_t label,
                       uint8_t *labels)
{
    bool good = json_array_size(spans) > 0;
    for (size_t i = 0; i < json_array_size(spans) && good; i++) {
        struct span span;
        good = read_span(json_array_get(spans, i), &span) && span.y >= 0 && span.y < ny &&
               span.x0 >= 0 && span.x0 < span.x1 && span.x1 <= nx;
        if (good)
            memset(labels + (size_t)span.y * nx + (size_t)span.x0, label,
                   (size_t)(span.x1 - span.x0));
    }
    return good;
}
