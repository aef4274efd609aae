#include "clients/ctl/geometry.h"

#include <string.h>

#include "clients/ctl/output.h"

static void print_frames(FILE *out, const json_t *skip, const char *name, const char *where)
{
    const uint64_t frames = member_count(skip, name);
    if (frames > 0)
        fprintf(out, ", %s frame%s %s", text_of_count(frames).text, frames > 1 ? "s" : "", where);
}

void geometry_print(FILE *out, const json_t *geometry)
{
    const json_t *const scan = json_object_get(geometry, "scan");
    const json_t *const skip = json_object_get(geometry, "skip");
    const char *const order = member_text(geometry, "order");
    if (json_array_size(scan) == 2)
        fprintf(out, "%" JSON_INTEGER_FORMAT " x %" JSON_INTEGER_FORMAT,
                json_integer_value(json_array_get(scan, 0)),
                json_integer_value(json_array_get(scan, 1)));
    else
        fprintf(out, "a stack of frames");
    if (strcmp(order, "list") == 0)
        fprintf(out, ", %s listed positions",
                text_of_count(member_count(geometry, "n_positions")).text);
    else if (strcmp(order, "raster") != 0)
        fprintf(out, ", %s", order);
    if (json_is_null(json_object_get(geometry, "repeats")))
        fprintf(out, ", over and over");
    else if (member_count(geometry, "repeats") > 1)
        fprintf(out, ", %s passes", text_of_count(member_count(geometry, "repeats")).text);
    print_frames(out, skip, "start", "before the first line");
    print_frames(out, skip, "line", "after each line");
    print_frames(out, skip, "end", "after each pass");
    const json_int_t shift = json_integer_value(json_object_get(geometry, "shift"));
    if (shift != 0)
        fprintf(out, ", shifted by %+" JSON_INTEGER_FORMAT, shift);
}
