#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include "daemon/control/analysis.h"
#include "daemon/control/commands.h"
#include "processing/stored/frame_picks.h"
#include "processing/stored/frame_sums.h"

/* pattern with at, positions or area: recorded patterns of the newest run, read from its file. */

/* Of a reply, and of the memory beside the scan's. */
#define PICKS_MAX_BYTES (UINT64_C(1) << 29)
/* A larger area takes so long that events tell of it. */
#define SMALL_AREA 4096

/* ---- where ---- */

static int refuse_place(struct analysis *analysis, const char *field)
{
    const struct map_pass *const pass = &analysis->pass;
    return analysis_refuse(analysis, "bad_value", field,
                           "%s must be [y, x], whole numbers within a scan of %u x %u positions",
                           field + 5, pass->ny, pass->nx);
}

/* [y, x] as a position of the scan, in the pass that was asked for. */
static bool take_place(const struct map_pass *pass, const json_t *place, uint64_t *position)
{
    const json_t *const y = json_array_get(place, 0), *const x = json_array_get(place, 1);
    if (json_array_size(place) != 2 || !json_is_integer(y) || !json_is_integer(x))
        return false;
    const json_int_t row = json_integer_value(y), column = json_integer_value(x);
    if (row < 0 || row >= pass->ny || column < 0 || column >= pass->nx)
        return false;
    *position = (pass->pass * pass->ny + (uint64_t)row) * pass->nx + (uint64_t)column;
    return true;
}

static int read_picks(struct frame_picks *picks, struct analysis *analysis, unsigned layer)
{
    struct chunk_reader reader;
    int r = chunk_reader_init(&reader, analysis->run, &analysis->error);
    if (r == 0)
        r = frame_picks_read(picks, &reader, layer, &analysis->pass.view->scan, &analysis->error);
    chunk_reader_finish(&reader);
    return r < 0 ? analysis_refuse_error(analysis, r, NULL) : 0;
}

static void name_result(struct analysis *analysis, const char *name, unsigned layer)
{
    json_object_set_new(analysis->result, "name", json_string(name));
    json_object_set_new(analysis->result, "units", json_string("counts"));
    json_object_set_new(analysis->result, "layer",
                        json_string(run_layer_name(analysis->run, layer)));
}

/* ---- at ---- */

static void answer_at(struct analysis *analysis, struct frame_picks *picks)
{
    const struct pixel_format *const format = &analysis->run->format;
    json_object_set(analysis->result, "at", json_object_get(analysis->args, "at"));
    json_object_set_new(analysis->result, "number", json_integer((json_int_t)picks->numbers[0]));
    analysis_add_part(analysis, "data", pixel_format_dtype(format),
                      json_pack("[I, I]", (json_int_t)format->height, (json_int_t)format->width),
                      json_pack("[s, s]", "y", "x"), "counts", picks->images, format->image_size);
    picks->images = NULL; /* taken over */
}

static void fetch_at(struct analysis *analysis)
{
    struct frame_picks picks;
    uint64_t position;
    unsigned layer;
    if (analysis_take_layer(analysis, &layer) < 0)
        return;
    if (!take_place(&analysis->pass, json_object_get(analysis->args, "at"), &position)) {
        refuse_place(analysis, "args.at");
        return;
    }
    if (frame_picks_init(&picks, analysis->run, 1, &analysis->error) < 0) {
        analysis_refuse_error(analysis, -ENOMEM, NULL);
        return;
    }
    picks.positions[0] = position;
    name_result(analysis, "at", layer);
    if (read_picks(&picks, analysis, layer) == 0) {
        if (picks.found[0])
            answer_at(analysis, &picks);
        else
            analysis_refuse(analysis, "no_data", "args.at",
                            "no frame of this position is on the disk: nothing was measured there, "
                            "or it is not written yet");
    }
    frame_picks_finish(&picks);
}

/* ---- positions ---- */

static int take_positions(struct frame_picks *picks, struct analysis *analysis)
{
    const json_t *const list = json_object_get(analysis->args, "positions");
    const size_t n = json_array_size(list);
    if (n == 0)
        return analysis_refuse(analysis, "bad_value", "args.positions",
                               "positions must be a list of [y, x]");
    if (n > PICKS_MAX_BYTES / analysis->run->format.image_size)
        return analysis_refuse(analysis, "bad_value", "args.positions",
                               "%zu patterns are more than 2^29 bytes: ask for fewer at a time", n);
    if (frame_picks_init(picks, analysis->run, n, &analysis->error) < 0)
        return analysis_refuse_error(analysis, -ENOMEM, NULL);
    for (size_t i = 0; i < n; i++) {
        if (!take_place(&analysis->pass, json_array_get(list, i), &picks->positions[i]))
            return refuse_place(analysis, "args.positions");
    }
    return 0;
}

static void answer_positions(struct analysis *analysis, struct frame_picks *picks)
{
    const struct pixel_format *const format = &analysis->run->format;
    const json_int_t n = (json_int_t)picks->n;
    analysis_add_part(
        analysis, "data", pixel_format_dtype(format),
        json_pack("[I, I, I]", n, (json_int_t)format->height, (json_int_t)format->width),
        json_pack("[s, s, s]", "position", "y", "x"), "counts", picks->images,
        picks->n * format->image_size);
    analysis_add_part(analysis, "found", "|u1", json_pack("[I]", n), json_pack("[s]", "position"),
                      "", picks->found, picks->n);
    analysis_add_part(analysis, "number", "<u8", json_pack("[I]", n), json_pack("[s]", "position"),
                      "", picks->numbers, picks->n * sizeof *picks->numbers);
    picks->images = picks->found = NULL; /* taken over, as the next */
    picks->numbers = NULL;
}

static void fetch_positions(struct analysis *analysis)
{
    struct frame_picks picks = {0};
    unsigned layer;
    if (analysis_take_layer(analysis, &layer) < 0)
        return;
    name_result(analysis, "positions", layer);
    if (take_positions(&picks, analysis) == 0 && read_picks(&picks, analysis, layer) == 0)
        answer_positions(analysis, &picks);
    frame_picks_finish(&picks);
}

/* ---- area ---- */

/* Lines [y0, y1), columns [x0, x1). */
struct area {
    uint32_t y0, x0, y1, x1;
};

static bool read_area(const json_t *list, struct area *area)
{
    uint32_t *const edges[4] = {&area->y0, &area->x0, &area->y1, &area->x1};
    bool good = json_array_size(list) == 4;
    for (size_t i = 0; i < 4 && good; i++) {
        const json_t *const value = json_array_get(list, i);
        const json_int_t edge = json_integer_value(value);
        good = json_is_integer(value) && edge >= 0 && edge <= UINT32_MAX;
        *edges[i] = good ? (uint32_t)edge : 0;
    }
    return good && area->y0 < area->y1 && area->x0 < area->x1;
}

static int take_area(struct analysis *analysis, struct area *area)
{
    const struct map_pass *const pass = &analysis->pass;
    if (read_area(json_object_get(analysis->args, "area"), area) && area->y1 <= pass->ny &&
        area->x1 <= pass->nx)
        return 0;
    return analysis_refuse(analysis, "bad_value", "args.area",
                           "area must be [y0, x0, y1, x1] with y0 < y1 and x0 < x1, whole numbers "
                           "within a scan of %u x %u positions; y1 and x1 are not in it",
                           pass->ny, pass->nx);
}

static uint32_t all_belong(const void *data, uint64_t position)
{
    (void)data;
    (void)position;
    return 1;
}

static int sum_area(struct frame_sums *sums, struct analysis *analysis, unsigned layer,
                    const struct area *area)
{
    const struct map_pass *const pass = &analysis->pass;
    struct frame_sums_progress unwatched = {0};
    struct chunk_reader reader;
    int r = chunk_reader_init(&reader, analysis->run, &analysis->error);
    const struct frame_sums_source source = {
        .reader = &reader, .layer = layer, .scan = &pass->view->scan, .label_of = all_belong};
    for (uint64_t y = area->y0; y < area->y1 && r == 0; y++)
        r = frame_sums_add(sums, &source, (pass->pass * pass->ny + y) * pass->nx + area->x0,
                           area->x1 - area->x0, analysis->sweep ? analysis->sweep : &unwatched,
                           &analysis->error);
    chunk_reader_finish(&reader);
    return r < 0 ? analysis_refuse_error(analysis, r, NULL) : 0;
}

static void answer_area(struct analysis *analysis, struct frame_sums *sums, bool mean)
{
    const struct pixel_format *const format = &analysis->run->format;
    json_object_set(analysis->result, "area", json_object_get(analysis->args, "area"));
    json_object_set_new(analysis->result, "frames", json_integer((json_int_t)sums->frames[0]));
    json_object_set_new(analysis->result, "left_out", json_integer((json_int_t)sums->left_out));
    if (mean)
        frame_sums_to_means(sums);
    analysis_add_part(analysis, "data", mean ? "<f8" : "<u8",
                      json_pack("[I, I]", (json_int_t)format->height, (json_int_t)format->width),
                      json_pack("[s, s]", "y", "x"), "counts", sums->patterns,
                      sums->n_pixels * sizeof *sums->patterns);
    sums->patterns = NULL; /* taken over */
}

static void fetch_area(struct analysis *analysis)
{
    struct frame_sums sums;
    struct area area;
    unsigned layer;
    bool mean = false;
    if (analysis_take_layer(analysis, &layer) < 0 || take_area(analysis, &area) < 0 ||
        analysis_take_flag(analysis, "mean", &mean) < 0)
        return;
    if (frame_sums_init(&sums, analysis->run, 1, &analysis->error) < 0) {
        analysis_refuse_error(analysis, -ENOMEM, NULL);
        return;
    }
    name_result(analysis, "area", layer);
    if (sum_area(&sums, analysis, layer, &area) == 0)
        answer_area(analysis, &sums, mean);
    frame_sums_finish(&sums);
}

static bool is_large(const json_t *list)
{
    struct area area;
    return read_area(list, &area) &&
           (uint64_t)(area.y1 - area.y0) * (area.x1 - area.x0) > SMALL_AREA;
}

/* ---- which of them ---- */

static void named_pattern(const struct control_service *service, struct request *request,
                          json_t *args)
{
    if (json_object_get(args, "layer"))
        request_fail(request, "bad_value", "args.layer",
                     "layer goes with at, positions and area: a pattern's name has its layer in "
                     "it, counter1/sum");
    else if (json_object_get(args, "pass"))
        request_fail(request, "bad_value", "args.pass",
                     "pass goes with at, positions and area: a pattern with a name is of all "
                     "passes");
    else
        command_named_pattern(service, request, args);
}

void command_pattern(const struct control_service *service, struct request *request, json_t *args)
{
    static const char *const ways[] = {"name", "at", "positions", "area"};
    unsigned n = 0;
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++)
        n += json_object_get(args, ways[i]) != NULL;
    if (n > 1)
        request_fail(request, "bad_value", NULL,
                     "give one of name, at, positions and area: they are four ways to say which "
                     "pattern");
    else if (json_object_get(args, "mean") && !json_object_get(args, "area"))
        request_fail(request, "bad_value", "args.mean", "mean goes with area only");
    else if (n == 0 || json_object_get(args, "name"))
        named_pattern(service, request, args);
    else if (json_object_get(args, "at"))
        analysis_start_frames(service, request, args, fetch_at);
    else if (json_object_get(args, "positions"))
        analysis_start_frames(service, request, args, fetch_positions);
    else if (is_large(json_object_get(args, "area")))
        analysis_start_sweep(service, request, args, "pattern", NULL, fetch_area, NULL);
    else
        analysis_start_frames(service, request, args, fetch_area);
}
