#include "daemon/results/shift_integral.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "processing/analysis/map_ricom.h"
#include "processing/analysis/map_shift.h"
#include "processing/run/run_products.h"

/* ---- the shift ---- */

/* A frame may come in while they are read: a position counts only where both are there. */
static void match(struct shift_values *shift, uint64_t n_positions)
{
    for (uint64_t i = 0; i < n_positions; i++) {
        if (isnan(shift->y[i]) || isnan(shift->x[i]))
            shift->y[i] = shift->x[i] = NAN;
        else
            shift->n_measured++;
    }
}

static int read_component(double **values, const struct run *run, unsigned layer,
                          const struct map_pass *pass, const char *component, struct error *error)
{
    char name[PRODUCT_NAME_SIZE];
    const char *const prefix = run_layer_name(run, layer);
    snprintf(name, sizeof name, "%s%s%s", prefix, *prefix ? "/" : "", component);
    return map_values_read(values, run, pass, name, error);
}

int shift_values_init(struct shift_values *shift, const struct run *run, unsigned layer,
                      const struct map_pass *pass, struct error *error)
{
    *shift = (struct shift_values){0};
    int r = read_component(&shift->y, run, layer, pass, "com_y", error);
    if (r == 0)
        r = read_component(&shift->x, run, layer, pass, "com_x", error);
    if (r == 0)
        match(shift, (uint64_t)pass->ny * pass->nx);
    else
        shift_values_finish(shift);
    return r;
}

/* NULL: there is none. */
static const struct product *find_quadrants(const struct run *run, unsigned layer,
                                            const char *detector, double *azimuth)
{
    const struct product_set *const set = run_set(run);
    for (unsigned i = 0; i < set->n; i++) {
        const struct product *const product = set->products[i];
        if (product->layer == layer && strcmp(product->source, detector) == 0 &&
            virtual_detector_is_quadrants(product, azimuth))
            return product;
    }
    return NULL;
}

static int make_room(struct shift_values *shift, uint64_t n_positions, struct error *error)
{
    shift->y = malloc((n_positions + 1) * sizeof *shift->y);
    shift->x = malloc((n_positions + 1) * sizeof *shift->x);
    if (shift->y && shift->x)
        return 0;
    shift_values_finish(shift);
    return error_set(error, -ENOMEM, "no memory for the shift of the pattern");
}

int shift_values_init_dpc(struct shift_values *shift, const struct run *run, unsigned layer,
                          const struct map_pass *pass, const char *detector, struct error *error)
{
    const uint64_t n_positions = (uint64_t)pass->ny * pass->nx;
    double azimuth, *quadrants[4] = {NULL};
    const struct product *const product = find_quadrants(run, layer, detector, &azimuth);
    *shift = (struct shift_values){0};
    if (!product)
        return error_set(error, -ENOENT,
                         "the run has no segmented virtual detector \"%.47s\" of four sectors: add "
                         "one, with the direct beam on all four",
                         detector);
    int r = 0;
    for (unsigned i = 0; r == 0 && i < 4; i++)
        r = map_values_read(&quadrants[i], run, pass, product->maps[i].name, error);
    if (r == 0)
        r = make_room(shift, n_positions, error);
    if (r == 0) {
        shift_from_quadrants(shift->y, shift->x, (const double *const *)quadrants, azimuth,
                             n_positions);
        match(shift, n_positions);
    }
    for (unsigned i = 0; i < 4; i++)
        free(quadrants[i]);
    return r;
}

void shift_values_finish(struct shift_values *shift)
{
    free(shift->y);
    free(shift->x);
    *shift = (struct shift_values){0};
}

void shift_centre(struct descan_fit *fit, const struct run *run)
{
    const struct radial_settings *const rings = &run->plan->analysis.variance_settings.rings;
    *fit = (struct descan_fit){.n_terms = 1};
    fit->y[0] = rings->centre_given ? rings->centre_y : (run->format.height - 1) / 2.0;
    fit->x[0] = rings->centre_given ? rings->centre_x : (run->format.width - 1) / 2.0;
}

/* ---- its integral ---- */

int64_t integration_largest_radius(uint64_t n_measured)
{
    static const double most_sums = 1 << 28;
    const double width = sqrt(most_sums / (double)(n_measured ? n_measured : 1));
    return (int64_t)fmin(fmax((width - 1) / 2, 1), 4096);
}

static int integrate_whole(const struct integration *integration, const struct map_pass *pass,
                           const struct shift_values *shift, double *phi, struct error *error)
{
    const struct map_integrator_settings settings = {
        .ny = pass->ny,
        .nx = pass->nx,
        .step_y = 1,
        .step_x = 1,
        .border = (enum map_border)integration->border,
        .high_pass = integration->high_pass,
    };
    struct map_integrator *integrator;
    const int r = map_integrator_create(&integrator, &settings, error);
    if (r < 0)
        return r;
    map_integrate(integrator, phi, shift->y, shift->x);
    map_integrator_destroy(integrator);
    return 0;
}

static int integrate_growing(const struct integration *integration, const struct map_pass *pass,
                             const struct shift_values *shift, double *phi, struct error *error)
{
    struct map_ricom *ricom;
    const int r =
        map_ricom_create(&ricom, pass->ny, pass->nx, (uint32_t)integration->radius, 1, error);
    if (r < 0)
        return r;
    for (uint32_t y = 0; y < pass->ny; y++) {
        for (uint32_t x = 0; x < pass->nx; x++) {
            const uint64_t i = (uint64_t)y * pass->nx + x;
            if (!isnan(shift->y[i]))
                map_ricom_add(ricom, y, x, shift->y[i], shift->x[i]);
        }
    }
    map_ricom_get(ricom, phi);
    map_ricom_destroy(ricom);
    return 0;
}

int integration_run(const struct integration *integration, const struct map_pass *pass,
                    const struct shift_values *shift, double *phi, struct error *error)
{
    return integration->method == INTEGRATION_ICOM
               ? integrate_whole(integration, pass, shift, phi, error)
               : integrate_growing(integration, pass, shift, phi, error);
}
