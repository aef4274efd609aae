#pragma once

#include <stdint.h>

#include "common/error.h"

/*
 * Integrated centre of mass (iCoM; iDPC when the shift is that of the quadrants): the map phi whose
 * gradient comes nearest to the measured shift in the mean square.
 *
 *   phi(Q) = (Qy Cy(Q) + Qx Cx(Q)) / (2 pi i |Q|^2),   phi(0) = 0
 *
 * (Lazic, Bosch & Lazar 2016, Ultramicroscopy 160, 265.) The shift is in scan directions, after
 * descan, rotation and flip (map_descan.h, map_shift.h). phi has the units of the shift times those
 * of the step: with the shift in nm^-1 (pixels times nm^-1 per pixel) and steps in nm, 2 pi phi is
 * the phase in radians in the weak-object limit. It is high where the beam is drawn to (nuclei
 * are bright). Its mean over the map is 0.
 *
 * Positions not measured (NaN) count as no shift, and are NaN in the result.
 *
 * Borders: with MAP_BORDER_MIRROR phi goes on mirrored beyond every border (half a step outside
 * the last row and column), so that the component of the shift across a border turns its sign. Done
 * by cosine and sine transforms, which equals padding to [2 ny][2 nx] at a quarter of the cost. A
 * uniform shift becomes a ramp. With MAP_BORDER_PERIODIC the map repeats itself; a uniform shift
 * is lost.
 */
enum map_border { MAP_BORDER_MIRROR, MAP_BORDER_PERIODIC };

struct map_integrator_settings {
    uint32_t ny, nx;       /* at least 1 */
    double step_y, step_x; /* between rows and columns, > 0, in any unit of length */
    enum map_border border;
    /* Slower waves than this are taken out, 1 / unit of the step; 0: none. Each is multiplied by 1
     * - 2^-(Q / high_pass)^2, so half is left at high_pass. What low counts and rests of descan put
     * into slow waves grows with 1 / Q; about 1 / field of view is a good start. */
    double high_pass;
};

/* Plans and buffers. Used by one thread at a time. */
struct map_integrator;

/* -EINVAL with a sentence, -ENOMEM. */
int map_integrator_create(struct map_integrator **out,
                          const struct map_integrator_settings *settings, struct error *error);
/* NULL does nothing. */
void map_integrator_destroy(struct map_integrator *integrator);

/* Computes phi[ny][nx] from shift_y, shift_x [ny][nx], as often as wanted. phi may be one of them.
 */
void map_integrate(struct map_integrator *integrator, double *phi, const double *shift_y,
                   const double *shift_x);
