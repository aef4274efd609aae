#include "daemon/bragg/bragg_rows.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/bragg/bragg_run_json.h"
#include "processing/products/bragg_row.h"
#include "processing/run/run_excluded.h"
#include "processing/run/run_products.h"

/* What is sent of a reflection. */
struct row {
    int64_t position;
    struct bragg_row bragg;
};

struct member {
    const char *name, *dtype, *units;
    size_t offset, size;
};

#define MEMBER(name, dtype, units, field)                                                          \
    {                                                                                              \
        name, dtype, units, offsetof(struct row, field), sizeof(((struct row *)0)->field)          \
    }

static const struct member members[BRAGG_ROWS_PARTS] = {
    MEMBER("frame", "<u8", "", bragg.frame),
    MEMBER("position", "<i8", "", position),
    MEMBER("y", "<f8", "px", bragg.y),
    MEMBER("x", "<f8", "px", bragg.x),
    MEMBER("counts", "<f8", "counts", bragg.counts),
    MEMBER("background", "<f8", "counts", bragg.background),
    MEMBER("contrast", "<f8", "", bragg.contrast),
    MEMBER("log10_p", "<f8", "", bragg.log10_p),
    MEMBER("sigma", "<f8", "px", bragg.sigma),
    MEMBER("g_y", "<f8", "px", bragg.g_y),
    MEMBER("g_x", "<f8", "px", bragg.g_x),
    MEMBER("g", "<f8", "px", bragg.g),
    MEMBER("k", "<f8", "nm^-1", bragg.k),
    MEMBER("d", "<f8", "nm", bragg.d),
    MEMBER("azimuth", "<f8", "degrees", bragg.azimuth),
    MEMBER("partner", "<i4", "", bragg.partner),
    MEMBER("width", "|u1", "", bragg.width),
    MEMBER("flags", "|u1", "", bragg.flags),
};

struct list {
    struct row *rows;
    size_t n, room;
};

/* ---- collecting ---- */

static int add(struct list *list, int64_t position, const struct bragg_row *row)
{
    if (list->n == list->room) {
        const size_t room = 2 * list->room + 256;
        struct row *const more = realloc(list->rows, room * sizeof *list->rows);
        if (!more)
            return -ENOMEM;
        list->rows = more;
        list->room = room;
    }
    list->rows[list->n++] = (struct row){position, *row};
    return 0;
}

static int collect(struct list *list, const struct run *run, uint64_t first, uint64_t end)
{
    const struct product *const product = run_bragg(run);
    const struct scan_geometry *const scan = run_scan(run);
    const struct bragg_rows rows =
        bragg_rows_of(&bragg_product_setup(product)->settings, &run->plan->calibration);
    for (uint64_t position = first; position < end; position++) {
        struct bragg_found found;
        const int64_t frame = scan_geometry_frame_index(scan, position);
        if (frame < 0 || !run_bragg_look(run, product, (uint64_t)frame, &found) ||
            !found.reflections)
            continue;
        for (unsigned i = 0; i < found.n_reflections; i++) {
            const struct bragg_row row =
                bragg_row_of(&rows, (uint64_t)frame, &found.reflections[i]);
            if (add(list, (int64_t)position, &row) < 0)
                return -ENOMEM;
        }
    }
    return 0;
}

/* ---- arrays ---- */

static int fill(struct bragg_rows_message *message, const struct list *list)
{
    for (unsigned i = 0; i < BRAGG_ROWS_PARTS; i++) {
        const struct member *const member = &members[i];
        message->sizes[i] = list->n * member->size;
        uint8_t *const values = message->values[i] = malloc(message->sizes[i] + 1);
        if (!values)
            return -ENOMEM;
        for (size_t j = 0; j < list->n; j++)
            memcpy(values + j * member->size, (const uint8_t *)&list->rows[j] + member->offset,
                   member->size);
    }
    return 0;
}

static json_t *describe_parts(const struct list *list)
{
    json_t *const parts = json_array();
    for (unsigned i = 0; i < BRAGG_ROWS_PARTS; i++)
        json_array_append_new(
            parts, json_pack("{s:s, s:s, s:[I], s:[s], s:s, s:I, s:s}", "name", members[i].name,
                             "dtype", members[i].dtype, "shape", (json_int_t)list->n, "dims",
                             "reflection", "units", members[i].units, "nbytes",
                             (json_int_t)list->n * (json_int_t)members[i].size, "encoding", "raw"));
    return parts;
}

static int build(struct bragg_rows_message *message, const struct run *run, uint64_t first,
                 uint64_t count)
{
    const struct run_map_shape shape = run_map_shape(run, run_scan(run));
    struct list list = {0};
    int r = collect(&list, run, first * shape.nx, (first + count) * shape.nx);
    if (r == 0)
        r = fill(message, &list);
    if (r == 0) {
        message->header =
            json_pack("{s:s, s:s, s:s, s:[I, I], s:I, s:b, s:o}", "what", "rows", "scan",
                      run->plan->id, "run", run->plan->id, "rows", (json_int_t)first,
                      (json_int_t)count, "geometry", (json_int_t)run_view(run)->version,
                      "provisional", bragg_run_is_provisional(run), "parts", describe_parts(&list));
        r = message->header ? 0 : -ENOMEM;
    }
    free(list.rows);
    return r;
}

int bragg_rows_message_init(struct bragg_rows_message *message, const struct run *run,
                            uint64_t first, uint64_t count)
{
    *message = (struct bragg_rows_message){0};
    const int r = build(message, run, first, count);
    if (r < 0)
        bragg_rows_message_finish(message);
    return r;
}

void bragg_rows_message_finish(struct bragg_rows_message *message)
{
    for (unsigned i = 0; i < BRAGG_ROWS_PARTS; i++)
        free(message->values[i]);
    json_decref(message->header);
    *message = (struct bragg_rows_message){0};
}
