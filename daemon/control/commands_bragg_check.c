#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/bragg/bragg_glass.h"
#include "daemon/bragg/labelled_scans.h"
#include "daemon/bragg/statistics_json.h"
#include "daemon/control/analysis.h"
#include "daemon/control/commands.h"
#include "daemon/control/commands_bragg.h"
#include "processing/bragg_run/bragg_scan.h"
#include "processing/products/bragg_product.h"
#include "processing/run/run_products.h"
#include "processing/statistics/agreement.h"

/* bragg_null_test and bragg_labels: whether the classes of the newest run can be believed. */

static int take_scan(struct analysis *analysis, struct bragg_scan *scan)
{
    const struct map_pass *const pass = &analysis->pass;
    const struct bragg_scan_part part = {
        .scan = &pass->view->scan,
        .first = pass->pass * pass->ny * pass->nx,
        .ny = pass->ny,
        .nx = pass->nx,
    };
    const int r = bragg_scan_init(scan, analysis->run, &part, &analysis->error);
    return r < 0 ? analysis_refuse_error(analysis, r, NULL) : 0;
}

/* ---- bragg_null_test ---- */

/* Rows and columns [from, to); all of the scan when args has no area. */
struct area {
    json_int_t from_y, from_x, to_y, to_x;
};

static int take_area(struct analysis *analysis, struct area *area)
{
    const json_t *const given = json_object_get(analysis->args, "area");
    *area = (struct area){.to_y = analysis->pass.ny, .to_x = analysis->pass.nx};
    if (!given)
        return 0;
    const struct area asked = {
        json_integer_value(json_array_get(given, 0)), json_integer_value(json_array_get(given, 1)),
        json_integer_value(json_array_get(given, 2)), json_integer_value(json_array_get(given, 3))};
    if (json_array_size(given) != 4 || asked.from_y < 0 || asked.from_x < 0 ||
        asked.to_y <= asked.from_y || asked.to_x <= asked.from_x || asked.to_y > area->to_y ||
        asked.to_x > area->to_x)
        return analysis_refuse(analysis, "bad_value", "args.area",
                               "area must be [y0, x0, y1, x1], rows and columns of the scan of %u "
                               "x %u positions, those from y0 to y1 - 1 and x0 to x1 - 1",
                               analysis->pass.ny, analysis->pass.nx);
    *area = asked;
    return 0;
}

static const char *verdict_of(double rate, struct interval interval, double alpha)
{
    if (isnan(rate))
        return "no pattern of the area has a class yet: its false alarms count when they have";
    if (interval.low > 2 * alpha)
        return "more false alarms than twice alpha: measure the speckle and the overdispersion on "
               "this glass (a reference of the area), or the area is not glass";
    if (interval.high > 2 * alpha)
        return "too few patterns to say that false alarms are below twice alpha: take a larger "
               "area";
    return rate > alpha ? "false alarms are above alpha and below twice alpha"
                        : "false alarms are not above alpha";
}

static bool names_glass(const struct analysis *analysis)
{
    const json_t *const glass = json_object_get(analysis->args, "glass");
    return glass ? json_is_true(glass) : json_object_get(analysis->args, "area") != NULL;
}

/* From now on what is found in the area counts as false alarms; with `glass: false` nothing does.
 */
static void name_glass(struct analysis *analysis, bool cancelled)
{
    struct run *const run = analysis->run;
    char text[120];
    if (cancelled)
        return;
    const bool is_glass = names_glass(analysis);
    const int r = is_glass ? bragg_glass_take(run, analysis->result, &analysis->error)
                           : run_name_glass(run, NULL);
    if (r < 0) {
        if (!analysis->error.code)
            error_set(&analysis->error, r, "no memory to name nothing as glass");
        analysis_refuse_error(analysis, r, "args.area");
        return;
    }
    snprintf(text, sizeof text, "%s of run %s is named as glass", is_glass ? "a part" : "nothing",
             run->plan->id);
    labelled_scans_renew(acquisition_labelled_scans(analysis->service->acquisition), run);
    bragg_tell_changed(analysis->service, run, text, "");
}

static void answer_null_test(struct analysis *analysis, const struct bragg_scan *scan,
                             const struct area *area, double confidence)
{
    struct class_counts counts = {0};
    for (json_int_t y = area->from_y; y < area->to_y; y++) {
        for (json_int_t x = area->from_x; x < area->to_x; x++)
            class_counts_add(&counts, scan->classes[(size_t)y * analysis->pass.nx + (size_t)x]);
    }
    const uint64_t n = class_counts_n(&counts), found = class_counts_bragg(&counts);
    if (n == 0 && !names_glass(analysis)) {
        analysis_refuse(analysis, "no_data", "args.area",
                        "no pattern of the area has a class (yet)");
        return;
    }
    const double alpha = bragg_product_setup(run_bragg(analysis->run))->settings.alpha;
    const struct interval interval = clopper_pearson_interval((double)found, (double)n, confidence);
    json_t *const json = json_pack(
        "{s:[I, I, I, I], s:I, s:b, s:I, s:I, s:o, s:o, s:f, s:f, s:s, s:o}", "area", area->from_y,
        area->from_x, area->to_y, area->to_x, "pass", (json_int_t)analysis->pass.pass, "glass",
        names_glass(analysis), "n", (json_int_t)n, "found", (json_int_t)found, "rate",
        number_json(class_counts_fraction(&counts)), "interval", interval_json(interval),
        "confidence", confidence, "alpha", alpha, "verdict",
        verdict_of(class_counts_fraction(&counts), interval, alpha), "counts",
        class_counts_json(&counts, confidence));
    json_object_update(analysis->result, json);
    json_decref(json);
    if (json_object_get(analysis->args, "area") || json_object_get(analysis->args, "glass"))
        analysis->finish = name_glass;
}

static void null_test(struct analysis *analysis)
{
    struct bragg_scan scan = {0};
    struct area area;
    double confidence = 0.95;
    if (take_scan(analysis, &scan) == 0 && take_area(analysis, &area) == 0 &&
        analysis_take_number(analysis, "confidence", 0.01, 0.9999, &confidence) == 0)
        answer_null_test(analysis, &scan, &area, confidence);
    bragg_scan_finish(&scan);
}

void command_bragg_null_test(const struct control_service *service, struct request *request,
                             json_t *args)
{
    analysis_start(service, request, args, null_test);
}

/* ---- bragg_labels ---- */

/* A person's classes and those that were found, side by side. */
struct judged {
    uint8_t *person, *found;
    uint64_t n;
};

static bool read_class(const json_t *word, uint8_t *class)
{
    const char *const name = json_string_value(word);
    for (uint8_t i = 0; name && i < SCAN_CLASSES; i++) {
        if (strcmp(name, class_names[i]) == 0) {
            *class = i;
            return true;
        }
    }
    return false;
}

static int take_label(struct analysis *analysis, const json_t *label, const struct bragg_scan *scan,
                      struct judged *judged)
{
    const json_int_t y = json_integer_value(json_array_get(label, 0));
    const json_int_t x = json_integer_value(json_array_get(label, 1));
    if (json_array_size(label) != 3 || y < 0 || x < 0 || y >= analysis->pass.ny ||
        x >= analysis->pass.nx || !read_class(json_array_get(label, 2), &judged->person[judged->n]))
        return analysis_refuse(analysis, "bad_value", "args.labels",
                               "label %llu must be [y, x, class]: a position of the scan of %u x "
                               "%u, and none, two_beam, three_beam, on_axis or multiple",
                               (unsigned long long)judged->n + 1, analysis->pass.ny,
                               analysis->pass.nx);
    judged->found[judged->n++] = scan->classes[(size_t)y * analysis->pass.nx + (size_t)x];
    return 0;
}

static int take_labels(struct analysis *analysis, const struct bragg_scan *scan,
                       struct judged *judged)
{
    const json_t *const labels = json_object_get(analysis->args, "labels");
    const size_t n = json_array_size(labels);
    if (n == 0)
        return analysis_refuse(analysis, "bad_value", "args.labels",
                               "labels must be a list of [y, x, class]");
    judged->person = malloc(n);
    judged->found = malloc(n);
    if (!judged->person || !judged->found)
        return analysis_refuse(analysis, "internal", NULL, "no memory for the labels");
    for (size_t i = 0; i < n; i++) {
        if (take_label(analysis, json_array_get(labels, i), scan, judged) < 0)
            return -1;
    }
    return 0;
}

static json_t *agreement_json(const struct agreement *agreement)
{
    json_t *const confusion = json_array();
    for (unsigned i = 0; i < SCAN_CLASSES; i++) {
        json_t *const row = json_array();
        for (unsigned j = 0; j < SCAN_CLASSES; j++)
            json_array_append_new(row, json_integer((json_int_t)agreement->confusion[i][j]));
        json_array_append_new(confusion, row);
    }
    return json_pack(
        "{s:I, s:o, s:f, s:o, s:o, s:[o, o]}", "n", (json_int_t)agreement->n, "confusion",
        confusion, "observed", agreement->observed, "kappa", number_json(agreement->kappa),
        "kappa_error", number_json(agreement->kappa_error), "kappa_interval",
        number_json(agreement->kappa_interval.low), number_json(agreement->kappa_interval.high));
}

static void answer_labels(struct analysis *analysis, const struct judged *judged)
{
    const double confidence = 0.95;
    struct agreement of_classes, on_bragg;
    int r = agreement_of(&of_classes, judged->person, judged->found, judged->n, confidence,
                         &analysis->error);
    if (r == 0)
        r = agreement_on_bragg(&on_bragg, judged->person, judged->found, judged->n, confidence,
                               &analysis->error);
    if (r < 0) {
        analysis_refuse_error(analysis, r, "args.labels");
        return;
    }
    json_object_set_new(analysis->result, "confidence", json_real(confidence));
    json_object_set_new(analysis->result, "classes", agreement_json(&of_classes));
    json_object_set_new(analysis->result, "bragg", agreement_json(&on_bragg));
}

static void labels(struct analysis *analysis)
{
    struct bragg_scan scan = {0};
    struct judged judged = {0};
    if (take_scan(analysis, &scan) == 0 && take_labels(analysis, &scan, &judged) == 0)
        answer_labels(analysis, &judged);
    free(judged.person);
    free(judged.found);
    bragg_scan_finish(&scan);
}

void command_bragg_labels(const struct control_service *service, struct request *request,
                          json_t *args)
{
    analysis_start(service, request, args, labels);
}
