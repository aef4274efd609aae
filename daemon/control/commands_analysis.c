#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/control/analysis.h"
#include "daemon/control/commands.h"
#include "processing/analysis/map_correlation.h"
#include "processing/analysis/map_drift.h"
#include "processing/analysis/map_profile.h"

/* map_profile, map_correlation and map_drift: what maps tell of themselves and of each other. */

/* ---- map_profile ---- */

/* The cost of a period is the square of the length: 0.1 s for so many values. */
enum { PERIOD_MAX_VALUES = 1024 };
/* Samples along and across the line. */
static const double most_samples = 1 << 22;

static int take_line(struct analysis *analysis, struct map_line *line)
{
    static const char *const samplings[] = {"bilinear", "nearest", NULL};
    unsigned sampling = MAP_SAMPLING_BILINEAR;
    *line = (struct map_line){.width = 1};
    if (analysis_take_place(analysis, "from", &line->from_y, &line->from_x) < 0 ||
        analysis_take_place(analysis, "to", &line->to_y, &line->to_x) < 0 ||
        analysis_take_number(analysis, "width", 1, 65536, &line->width) < 0 ||
        analysis_take_word(analysis, "interpolation", samplings, &sampling) < 0)
        return -1;
    line->sampling = (enum map_sampling)sampling;
    const double length = hypot(line->to_y - line->from_y, line->to_x - line->from_x);
    if (length <= 65536 && (length + 2) * (line->width + 1) > most_samples)
        return analysis_refuse(analysis, "bad_value", "args.width",
                               "a line of %.0f positions can be %.0f wide at most: make it "
                               "narrower or shorter",
                               length, floor(most_samples / (length + 2) - 1));
    return 0;
}

static json_t *describe_period(const struct profile_period *period)
{
    return json_pack("{s:o, s:o, s:o, s:o, s:o, s:o}", "value", analysis_number(period->period),
                     "error", analysis_number(period->error), "amplitude",
                     analysis_number(period->amplitude), "phase", analysis_number(period->phase),
                     "explained", analysis_number(period->explained), "chance",
                     analysis_number(period->chance));
}

/* A profile without a period is no mistake: `detail` says why there is none. */
static void find_period(struct analysis *analysis, const struct map_profile *profile)
{
    struct profile_period period;
    struct error why = {0};
    int r = -EFBIG;
    if (profile->n <= PERIOD_MAX_VALUES)
        r = profile_period_find(&period, profile->values, profile->n, profile->spacing, &why);
    else
        error_set(&why, r,
                  "a period is looked for in lines of at most %d values: take a shorter "
                  "line",
                  PERIOD_MAX_VALUES);
    json_object_set_new(analysis->result, "period", r < 0 ? json_null() : describe_period(&period));
    json_object_set_new(analysis->result, "detail", json_string(why.text));
}

static void add_profile_part(struct analysis *analysis, const char *name, const char *dtype,
                             size_t n, size_t item_size, const char *units, void *values)
{
    analysis_add_part(analysis, name, dtype, json_pack("[I]", (json_int_t)n),
                      json_pack("[s]", "distance"), units, values, n * item_size);
}

/* Takes the profile's arrays over. */
static void answer_profile(struct analysis *analysis, const struct product_map *map,
                           const struct map_line *line, struct map_profile *profile)
{
    json_t *const result = analysis->result;
    const char *const units = map->units;
    json_object_set_new(result, "name", json_string(map->name));
    json_object_set_new(result, "units", json_string(units));
    json_object_set_new(result, "from", json_pack("[f, f]", line->from_y, line->from_x));
    json_object_set_new(result, "to", json_pack("[f, f]", line->to_y, line->to_x));
    json_object_set_new(result, "width", json_real(line->width));
    json_object_set_new(
        result, "interpolation",
        json_string(line->sampling == MAP_SAMPLING_NEAREST ? "nearest" : "bilinear"));
    json_object_set_new(result, "spacing", json_real(profile->spacing));
    find_period(analysis, profile);
    add_profile_part(analysis, "profile", "<f8", profile->n, 8, units, profile->values);
    add_profile_part(analysis, "error", "<f8", profile->n, 8, units, profile->errors);
    add_profile_part(analysis, "count", "<u4", profile->n, 4, "", profile->counts);
}

static void analyse_profile(struct analysis *analysis)
{
    struct map_line line;
    struct map_profile profile = {0};
    double *map;
    unsigned which = 0;
    /* Looked for first: products stay with the run, their names may change meanwhile. */
    const char *const name = json_string_value(json_object_get(analysis->args, "name"));
    const struct product *const product = name ? run_find_map(analysis->run, name, &which) : NULL;
    if (take_line(analysis, &line) < 0 ||
        analysis_read_maps(analysis, "name", &analysis->pass, &map) < 0)
        return;
    if (!product) { /* it came just now */
        free(map);
        analysis_refuse(analysis, "no_data", "args.name", "no map %s yet: try again", name);
        return;
    }
    const int r = map_profile_init(&profile, &line, map, analysis->pass.ny, analysis->pass.nx,
                                   &analysis->error);
    if (r < 0)
        analysis_refuse_error(analysis, r, "args.to");
    else
        answer_profile(analysis, &product->maps[which], &line, &profile);
    free(map);
}

void command_map_profile(const struct control_service *service, struct request *request,
                         json_t *args)
{
    analysis_start(service, request, args, analyse_profile);
}

/* ---- two maps ---- */

/* Map a in the pass `pass`, map b (left out: the same) in the pass `pass_b` (left out: the same).
 */
struct map_pair {
    struct map_pass pass_b;
    double *a, *b; /* owned */
};

static void pair_finish(struct map_pair *pair)
{
    free(pair->a);
    free(pair->b);
}

static int choose_pass_b(struct analysis *analysis, struct map_pair *pair)
{
    int64_t wanted = (int64_t)analysis->pass.pass;
    if (analysis_take_integer(analysis, "pass_b", 0, UINT32_MAX, &wanted) < 0)
        return -1;
    const int r = map_pass_choose(&pair->pass_b, analysis->run, analysis->pass.view, wanted,
                                  &analysis->error);
    return r < 0 ? analysis_refuse_error(analysis, r, "args.pass_b") : 0;
}

static int pair_init(struct map_pair *pair, struct analysis *analysis)
{
    const json_t *const a = json_object_get(analysis->args, "a");
    const json_t *const b = json_object_get(analysis->args, "b");
    *pair = (struct map_pair){0};
    if (choose_pass_b(analysis, pair) < 0)
        return -1;
    if ((!b || (a && json_equal(a, b))) && pair->pass_b.pass == analysis->pass.pass)
        return analysis_refuse(analysis, "bad_value", b ? "args.b" : NULL,
                               "this would be a map and itself: name another one as b, or another "
                               "pass of the same as pass_b");
    if (analysis_read_maps(analysis, "a", &analysis->pass, &pair->a) == 0 &&
        analysis_read_maps(analysis, b ? "b" : "a", &pair->pass_b, &pair->b) == 0)
        return 0;
    pair_finish(pair);
    return -1;
}

static void describe_pair(struct analysis *analysis, const struct map_pair *pair)
{
    json_t *const a = json_object_get(analysis->args, "a");
    json_t *const b = json_object_get(analysis->args, "b");
    json_object_set(analysis->result, "a", a);
    json_object_set(analysis->result, "b", b ? b : a);
    json_object_set_new(analysis->result, "pass_b",
                        pair->pass_b.passes > 1 ? json_integer((json_int_t)pair->pass_b.pass)
                                                : json_null());
}

/* ---- map_correlation ---- */

static void describe_correlation(struct analysis *analysis, const struct map_correlation *found)
{
    const struct {
        const char *name;
        double value;
    } numbers[] = {
        {"r", found->r},
        {"r_error", found->r_error},
        {"slope", found->slope},
        {"slope_error", found->slope_error},
        {"offset", found->offset},
        {"offset_error", found->offset_error},
        {"residual_rms", found->residual_rms},
        {"mean_a", found->mean_a},
        {"mean_b", found->mean_b},
    };
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        json_object_set_new(analysis->result, numbers[i].name, analysis_number(numbers[i].value));
    json_object_set_new(analysis->result, "n", json_integer((json_int_t)found->n));
    json_object_set_new(analysis->result, "blocks", json_integer(found->n_blocks));
}

static int64_t default_block(const struct map_pass *pass)
{
    const uint32_t side = (pass->ny < pass->nx ? pass->ny : pass->nx) / 8;
    return side < 1 ? 1 : side > 8 ? 8 : side;
}

static void analyse_correlation(struct analysis *analysis)
{
    struct map_pair pair;
    struct map_correlation found;
    int64_t block = default_block(&analysis->pass);
    if (analysis_take_integer(analysis, "block", 1, 65536, &block) < 0 ||
        pair_init(&pair, analysis) < 0)
        return;
    const int r = map_correlate(&found, pair.a, pair.b, analysis->pass.ny, analysis->pass.nx,
                                (uint32_t)block, &analysis->error);
    if (r < 0) {
        analysis_refuse_error(analysis, r, NULL);
    } else {
        describe_pair(analysis, &pair);
        describe_correlation(analysis, &found);
        json_object_set_new(analysis->result, "block", json_integer((json_int_t)block));
    }
    pair_finish(&pair);
}

void command_map_correlation(const struct control_service *service, struct request *request,
                             json_t *args)
{
    analysis_start(service, request, args, analyse_correlation);
}

/* ---- map_drift ---- */

static void describe_drift(struct analysis *analysis, const struct map_drift *drift)
{
    const double found[] = {drift->dy, drift->dx};
    json_object_set_new(analysis->result, "drift", analysis_numbers(found, 2));
    json_object_set_new(analysis->result, "error", analysis_number(drift->error));
    json_object_set_new(analysis->result, "quality", analysis_number(drift->quality));
    json_object_set_new(analysis->result, "found", json_boolean(drift->found));
}

static void analyse_drift(struct analysis *analysis)
{
    struct map_pair pair;
    struct map_drift drift;
    double smoothing = 1;
    if (analysis_take_number(analysis, "smoothing", 0.5, 100, &smoothing) < 0 ||
        pair_init(&pair, analysis) < 0)
        return;
    const int r = map_drift_find(&drift, pair.a, pair.b, analysis->pass.ny, analysis->pass.nx,
                                 smoothing, &analysis->error);
    if (r < 0) {
        analysis_refuse_error(analysis, r, NULL);
    } else {
        describe_pair(analysis, &pair);
        describe_drift(analysis, &drift);
        json_object_set_new(analysis->result, "smoothing", json_real(smoothing));
    }
    pair_finish(&pair);
}

void command_map_drift(const struct control_service *service, struct request *request, json_t *args)
{
    analysis_start(service, request, args, analyse_drift);
}
