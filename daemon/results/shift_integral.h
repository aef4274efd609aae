#pragma once

#include <stdint.h>

#include "daemon/results/map_values.h"
#include "processing/analysis/map_descan.h"
#include "processing/analysis/map_integrate.h"

/*
 * The pattern's shift of one pass of a run, and its integral: what the commands com and icom and
 * the live map icom have in common. Any thread.
 */
struct shift_values {
    double *y, *x;       /* [ny][nx], detector pixels (of DPC without a unit), NaN where not
                            measured; owned */
    uint64_t n_measured; /* positions */
};

/* The maps com_y and com_x of a layer. -ENOENT with a sentence, -ENOMEM. */
int shift_values_init(struct shift_values *shift, const struct run *run, unsigned layer,
                      const struct map_pass *pass, struct error *error);
/* The same by differential phase contrast, from the four sectors of the segmented detector of that
 * name: shift_from_quadrants in map_shift.h. -ENOENT also: there is no such detector. */
int shift_values_init_dpc(struct shift_values *shift, const struct run *run, unsigned layer,
                          const struct map_pass *pass, const char *detector, struct error *error);
/* Also of a zeroed one. */
void shift_values_finish(struct shift_values *shift);

/* No descan but a constant: the centre of the rings, or of the frame. */
void shift_centre(struct descan_fit *fit, const struct run *run);

enum integration_method { INTEGRATION_ICOM, INTEGRATION_RICOM };

struct integration {
    unsigned method; /* enum integration_method */
    unsigned border; /* enum map_border, of iCoM */
    double high_pass;
    int64_t radius; /* of riCOM, positions */
};

/* The largest radius of a riCOM of so many positions: each adds to (2 radius + 1)^2 others, and
 * 2^28 sums take about 0.2 s. */
int64_t integration_largest_radius(uint64_t n_measured);

/* phi[ny][nx] of a shift in scan directions: map_integrate.h, map_ricom.h. What they return. */
int integration_run(const struct integration *integration, const struct map_pass *pass,
                    const struct shift_values *shift, double *phi, struct error *error);
