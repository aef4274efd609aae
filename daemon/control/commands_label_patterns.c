#include <errno.h>
#include <stdlib.h>

#include "daemon/control/analysis.h"
#include "daemon/control/commands.h"
#include "daemon/control/label_source.h"
#include "processing/stored/frame_sums.h"

/* label_patterns: the sum, or the mean, of the patterns of each label of a map (phase, region,
 * class). */

/* Of the reply, and of the memory beside the scan's. */
#define PATTERNS_MAX_BYTES (UINT64_C(1) << 29)

struct label_patterns {
    struct label_map map;
    struct frame_sums sums; /* one for each label from 0, which stays empty */
    uint64_t *positions;    /* [n_labels]: that have the label, measured or not */
    unsigned layer;
    bool mean; /* in place of the sum */
};

static uint32_t sum_of(const void *data, uint64_t position)
{
    const struct label_map *const map = data;
    const uint32_t label = map->labels[position];
    return label ? label + 1 : 0;
}

static uint32_t n_labels_of(const struct label_map *map)
{
    uint32_t highest = 0;
    for (uint64_t i = 0; i < map->n; i++)
        highest = map->labels[i] > highest ? map->labels[i] : highest;
    return highest + 1;
}

static int give_memory(struct label_patterns *patterns, struct analysis *analysis)
{
    const struct run *const run = analysis->run;
    const uint64_t pixels = (uint64_t)run->format.height * run->format.width;
    const uint32_t n_labels = n_labels_of(&patterns->map);
    if (n_labels * pixels * sizeof(uint64_t) > PATTERNS_MAX_BYTES)
        return analysis_refuse(analysis, "bad_value", NULL,
                               "patterns of %u labels of %u x %u pixels are too large: at most "
                               "2^29 bytes",
                               n_labels - 1, run->format.height, run->format.width);
    if (frame_sums_init(&patterns->sums, run, n_labels, &analysis->error) < 0)
        return analysis_refuse_error(analysis, -ENOMEM, NULL);
    patterns->positions = calloc(n_labels, sizeof *patterns->positions);
    if (!patterns->positions)
        return analysis_refuse(analysis, "internal", NULL, "no memory for the labels");
    for (uint64_t i = 0; i < patterns->map.n; i++)
        patterns->positions[patterns->map.labels[i]]++;
    patterns->positions[0] = 0;
    return 0;
}

static int sum_frames(struct label_patterns *patterns, struct analysis *analysis)
{
    struct chunk_reader reader;
    int r = chunk_reader_init(&reader, analysis->run, &analysis->error);
    if (r < 0)
        return analysis_refuse_error(analysis, r, NULL);
    const struct frame_sums_source source = {
        .reader = &reader,
        .layer = patterns->layer,
        .scan = &analysis->pass.view->scan,
        .label_of = sum_of,
        .data = &patterns->map,
    };
    r = frame_sums_add(&patterns->sums, &source, 0, patterns->map.n, analysis->sweep,
                       &analysis->error);
    chunk_reader_finish(&reader);
    return r < 0 ? analysis_refuse_error(analysis, r, NULL) : 0;
}

static void add_counts(struct analysis *analysis, const char *name, uint64_t **counts,
                       uint32_t n_labels)
{
    analysis_add_part(analysis, name, "<u8", json_pack("[I]", (json_int_t)n_labels),
                      json_pack("[s]", "label"), "", *counts, n_labels * sizeof **counts);
    *counts = NULL; /* taken over */
}

static void answer(struct label_patterns *patterns, struct analysis *analysis)
{
    const struct pixel_format *const format = &analysis->run->format;
    struct frame_sums *const sums = &patterns->sums;
    json_object_set_new(analysis->result, "layer",
                        json_string(run_layer_name(analysis->run, patterns->layer)));
    json_object_set_new(analysis->result, "left_out", json_integer((json_int_t)sums->left_out));
    if (patterns->mean)
        frame_sums_to_means(sums);
    analysis_add_part(analysis, patterns->mean ? "mean" : "sum", patterns->mean ? "<f8" : "<u8",
                      json_pack("[I, I, I]", (json_int_t)sums->n_labels, (json_int_t)format->height,
                                (json_int_t)format->width),
                      json_pack("[s, s, s]", "label", "y", "x"), "counts", sums->patterns,
                      sums->n_labels * sums->n_pixels * sizeof *sums->patterns);
    sums->patterns = NULL; /* taken over */
    add_counts(analysis, "frames", &sums->frames, sums->n_labels);
    add_counts(analysis, "positions", &patterns->positions, sums->n_labels);
}

static void analyse(struct analysis *analysis)
{
    struct label_patterns patterns = {0};
    if (analysis_take_layer(analysis, &patterns.layer) < 0 ||
        analysis_take_flag(analysis, "mean", &patterns.mean) < 0 ||
        label_map_init(&patterns.map, analysis) < 0)
        return;
    if (give_memory(&patterns, analysis) == 0 && sum_frames(&patterns, analysis) == 0)
        answer(&patterns, analysis);
    frame_sums_finish(&patterns.sums);
    free(patterns.positions);
    label_map_finish(&patterns.map);
}

void command_label_patterns(const struct control_service *service, struct request *request,
                            json_t *args)
{
    analysis_start_sweep(service, request, args, "label_patterns", NULL, analyse, NULL);
}
