#pragma once

#include <stdint.h>

#include "common/error.h"

/*
 * Integrated centre of mass of a scan that is still growing (riCOM: Yu, Friedrich, Jannis, Van Aert
 * & Verbeeck 2022, Microscopy and Microanalysis 28, 1526):
 *
 *   phi(r) = step / (2 pi) * sum over probe positions p, 0 < |r - p| <= radius, of C(p) . (r - p) /
 *   |r - p|^2
 *
 * distances in scan positions. Each new position adds its own kernel, so the map is right at any
 * moment for what has come so far, and equals the convolution of the whole when all is in;
 * positions that never come contribute nothing. With a radius beyond the field it goes over into
 * map_integrate.h (but for the borders); a smaller one takes out waves longer than about two radii
 * and is quicker: (2 radius + 1)^2 sums per position.
 *
 * The shift C is in scan directions, after descan, rotation and flip. Signs and units as in
 * map_integrate.h; the steps of rows and columns are taken as equal. Not for more than one thread
 * at a time.
 */
struct map_ricom;

/* radius in positions, 1 to 4096: the template is 2 radius + 1 wide. step > 0. -EINVAL with a
 * sentence, -ENOMEM. */
int map_ricom_create(struct map_ricom **out, uint32_t ny, uint32_t nx, uint32_t radius, double step,
                     struct error *error);
/* NULL does nothing. */
void map_ricom_destroy(struct map_ricom *ricom);

/*
 * Adds the shift of one position; one that was there before is replaced (a new pass), and NaN takes
 * it out. No allocation. -EINVAL: outside the map.
 */
int map_ricom_add(struct map_ricom *ricom, uint32_t row, uint32_t column, double shift_y,
                  double shift_x);

/* Forgets all positions: a new scan, or other corrections of the shift. */
void map_ricom_clear(struct map_ricom *ricom);

/* phi[ny][nx]; NaN where the position itself has not come. */
void map_ricom_get(const struct map_ricom *ricom, double *phi);
