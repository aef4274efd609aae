#pragma once

#include <jansson.h>
#include <stdint.h>

#include "common/error.h"
#include "daemon/results/map_values.h"
#include "processing/products/bragg_plan.h"
#include "processing/run/run.h"
#include "processing/statistics/phase_mask.h"

/*
 * The phase that a request's member `phase` asks for: the bright part of a map of the run, {map,
 * threshold}. Any thread.
 */
struct bragg_phase_wanted {
    const char *map; /* the request's */
    struct threshold threshold;
};

/* What a plan has; its map is the plan's. */
struct bragg_phase_wanted bragg_phase_planned(const struct bragg_phase_plan *plan);

/* The same as a request has it; null: none. New reference. */
json_t *bragg_phase_plan_json(const struct bragg_phase_plan *plan);

/* -EINVAL with a sentence and the member at fault in *field. */
int bragg_phase_take(struct bragg_phase_wanted *wanted, const json_t *given, const char **field,
                     struct error *error);

/*
 * phase[ny][nx] of the pass as phase_mask.h has it, the caller's to free; *threshold gets what came
 * out. -ENOENT, -ENODATA: there is no such map, or nothing in it; -EDOM: it looks at pixels where
 * reflections are looked for, so that they would make their own phase; -ENOMEM.
 */
int bragg_phase_make(uint8_t **phase, struct threshold *threshold,
                     const struct bragg_phase_wanted *wanted, const struct run *run,
                     const struct map_pass *pass, struct error *error);

/* The same of all passes of a run below each other, seen through a geometry: ny rows of nx. */
int bragg_phase_make_whole(uint8_t **phase, struct threshold *threshold,
                           const struct bragg_phase_wanted *wanted, const struct run *run,
                           const struct scan_geometry *geometry, uint32_t ny, uint32_t nx,
                           struct error *error);
