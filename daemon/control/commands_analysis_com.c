#include <math.h>
#include <stdlib.h>

#include "daemon/control/commands.h"
#include "daemon/control/commands_analysis_shift.h"
#include "processing/analysis/map_integrate.h"
#include "processing/analysis/map_ricom.h"

/* com and icom: the centre of mass with its corrections, and its integral. */

static uint64_t positions_of(const struct analysis *analysis)
{
    return (uint64_t)analysis->pass.ny * analysis->pass.nx;
}

static double *new_map(struct analysis *analysis)
{
    double *const map = malloc((positions_of(analysis) + 1) * sizeof *map);
    if (!map)
        analysis_refuse(analysis, "internal", NULL, "no memory for the map");
    return map;
}

/* ---- com ---- */

static void analyse_com(struct analysis *analysis)
{
    struct shift_maps shift;
    if (shift_maps_init(&shift, analysis) < 0)
        return;
    double *const magnitude = new_map(analysis), *const azimuth = new_map(analysis);
    if (!magnitude || !azimuth) {
        free(magnitude);
        free(azimuth);
        shift_maps_finish(&shift);
        return;
    }
    shift_magnitude(magnitude, shift.y, shift.x, positions_of(analysis));
    shift_azimuth(azimuth, shift.y, shift.x, positions_of(analysis));
    analysis_add_map(analysis, "com_y", "pixels", shift.y);
    analysis_add_map(analysis, "com_x", "pixels", shift.x);
    analysis_add_map(analysis, "magnitude", "pixels", magnitude);
    analysis_add_map(analysis, "azimuth", "degrees", azimuth);
}

void command_com(const struct control_service *service, struct request *request, json_t *args)
{
    analysis_start(service, request, args, analyse_com);
}

/* ---- icom ---- */

enum integration_method { METHOD_ICOM, METHOD_RICOM };

struct integration {
    unsigned method; /* enum integration_method */
    unsigned border; /* enum map_border */
    double high_pass;
    int64_t radius; /* of ricom, positions */
};

static const char *const method_names[] = {"icom", "ricom", NULL};
static const char *const border_names[] = {"mirror", "periodic", NULL};

/* Sums of a riCOM: each position adds to (2 radius + 1)^2 others. About 0.2 s. */
static const double most_sums = 1 << 28;

static int64_t largest_radius(uint64_t n_measured)
{
    const double width = sqrt(most_sums / (double)(n_measured ? n_measured : 1));
    return (int64_t)fmin(fmax((width - 1) / 2, 1), 4096);
}

static bool is_given(const struct analysis *analysis, const char *name)
{
    return json_object_get(analysis->args, name);
}

/* What the request leaves open: of a scan that still grows riCOM is right for what has come so far,
 * of a whole one iCoM is quicker and has no radius. */
static unsigned default_method(const struct analysis *analysis, uint64_t n_measured)
{
    if (is_given(analysis, "radius"))
        return METHOD_RICOM;
    if (is_given(analysis, "border") || is_given(analysis, "high_pass"))
        return METHOD_ICOM;
    const bool grows =
        atomic_load_explicit(&analysis->run->phase, memory_order_acquire) == RUN_ACQUIRING;
    return grows && n_measured < positions_of(analysis) ? METHOD_RICOM : METHOD_ICOM;
}

static int check_method(struct analysis *analysis, const struct integration *integration)
{
    static const char *const of_icom[] = {"border", "high_pass"};
    if (integration->method == METHOD_ICOM && is_given(analysis, "radius"))
        return analysis_refuse(analysis, "bad_value", "args.radius",
                               "only the method ricom has a radius");
    for (unsigned i = 0; i < 2 && integration->method == METHOD_RICOM; i++) {
        if (is_given(analysis, of_icom[i]))
            return analysis_refuse(analysis, "bad_value", i ? "args.high_pass" : "args.border",
                                   "only the method icom has a %s; of ricom the radius takes out "
                                   "slow waves",
                                   of_icom[i]);
    }
    return 0;
}

static int take_integration(struct analysis *analysis, uint64_t n_measured,
                            struct integration *integration)
{
    const int64_t largest = largest_radius(n_measured);
    *integration = (struct integration){.method = default_method(analysis, n_measured),
                                        .radius = largest < 16 ? largest : 16};
    if (analysis_take_word(analysis, "method", method_names, &integration->method) < 0 ||
        analysis_take_word(analysis, "border", border_names, &integration->border) < 0 ||
        analysis_take_number(analysis, "high_pass", 0, 0.5, &integration->high_pass) < 0 ||
        analysis_take_integer(analysis, "radius", 1, largest, &integration->radius) < 0)
        return -1;
    return check_method(analysis, integration);
}

static int integrate_whole(struct analysis *analysis, const struct integration *integration,
                           const struct shift_maps *shift, double *phi)
{
    const struct map_integrator_settings settings = {
        .ny = analysis->pass.ny,
        .nx = analysis->pass.nx,
        .step_y = 1,
        .step_x = 1,
        .border = (enum map_border)integration->border,
        .high_pass = integration->high_pass,
    };
    struct map_integrator *integrator;
    const int r = map_integrator_create(&integrator, &settings, &analysis->error);
    if (r < 0)
        return analysis_refuse_error(analysis, r, NULL);
    map_integrate(integrator, phi, shift->y, shift->x);
    map_integrator_destroy(integrator);
    return 0;
}

static int integrate_growing(struct analysis *analysis, const struct integration *integration,
                             const struct shift_maps *shift, double *phi)
{
    const struct map_pass *const pass = &analysis->pass;
    struct map_ricom *ricom;
    const int r = map_ricom_create(&ricom, pass->ny, pass->nx, (uint32_t)integration->radius, 1,
                                   &analysis->error);
    if (r < 0)
        return analysis_refuse_error(analysis, r, NULL);
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

static void describe_integration(struct analysis *analysis, const struct integration *integration,
                                 uint64_t n_measured)
{
    const bool whole = integration->method == METHOD_ICOM;
    json_t *const result = analysis->result;
    json_object_set_new(result, "method", json_string(method_names[integration->method]));
    json_object_set_new(result, "border",
                        whole ? json_string(border_names[integration->border]) : json_null());
    json_object_set_new(result, "high_pass",
                        whole ? json_real(integration->high_pass) : json_null());
    json_object_set_new(result, "radius",
                        whole ? json_null() : json_integer((json_int_t)integration->radius));
    json_object_set_new(result, "unmeasured",
                        json_pack("{s:I, s:s}", "positions",
                                  (json_int_t)(positions_of(analysis) - n_measured), "treated",
                                  "as no shift; NaN in the map"));
}

static void analyse_icom(struct analysis *analysis)
{
    struct shift_maps shift;
    struct integration integration;
    if (shift_maps_init(&shift, analysis) < 0)
        return;
    double *phi = NULL;
    int r = take_integration(analysis, shift.n_measured, &integration);
    if (r == 0 && !(phi = new_map(analysis)))
        r = -1;
    if (r == 0)
        r = integration.method == METHOD_ICOM
                ? integrate_whole(analysis, &integration, &shift, phi)
                : integrate_growing(analysis, &integration, &shift, phi);
    if (r == 0) {
        describe_integration(analysis, &integration, shift.n_measured);
        analysis_add_map(analysis, "icom", "pixels*positions", phi);
        phi = NULL;
    }
    free(phi);
    shift_maps_finish(&shift);
}

void command_icom(const struct control_service *service, struct request *request, json_t *args)
{
    analysis_start(service, request, args, analyse_icom);
}
