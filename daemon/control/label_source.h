#pragma once

#include "daemon/control/analysis.h"
#include "daemon/control/label_rows.h"

/*
 * Which label (phase, region, class) each position of the scan has: 1 to 255, 0 belongs to nothing.
 * From args.labels, [ny][nx], or args.regions, the same for every pass; or from args.map, a map of
 * the run whose values are the labels, or are divided by args.thresholds t1 < t2 < ...: label 1
 * below t1, 2 from t1 to below t2 and so on. Or from what was found of Bragg reflections:
 * args.classes (true), 1 none, 2 two-beam and so on to 5 multiple; args.phase (bragg_phase.h), 1
 * outside, 2 in the phase; both: 1 to 5 outside, 6 to 10 in the phase.
 */
struct label_map {
    uint8_t *labels; /* [n], owned */
    uint64_t n;      /* positions of all passes */
    json_t *names;   /* of the labels from 0 on, owned; NULL: they have none */
};

/* 0, or -1 when it was refused. */
int label_map_init(struct label_map *map, struct analysis *analysis);
void label_map_finish(struct label_map *map);
