#include <math.h>
#include <stdlib.h>

#include "daemon/control/commands.h"
#include "daemon/control/commands_analysis_shift.h"

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
    struct shift_values shift;
    if (shift_maps_init(&shift, analysis) < 0)
        return;
    double *const magnitude = new_map(analysis), *const azimuth = new_map(analysis);
    if (!magnitude || !azimuth) {
        free(magnitude);
        free(azimuth);
        shift_values_finish(&shift);
        return;
    }
    shift_magnitude(magnitude, shift.y, shift.x, positions_of(analysis));
    shift_azimuth(azimuth, shift.y, shift.x, positions_of(analysis));
    analysis_add_map(analysis, "com_y", shift_maps_unit(analysis), shift.y);
    analysis_add_map(analysis, "com_x", shift_maps_unit(analysis), shift.x);
    analysis_add_map(analysis, "magnitude", shift_maps_unit(analysis), magnitude);
    analysis_add_map(analysis, "azimuth", "degrees", azimuth);
}

void command_com(const struct control_service *service, struct request *request, json_t *args)
{
    analysis_start(service, request, args, analyse_com);
}

/* ---- icom ---- */

static const char *const method_names[] = {"icom", "ricom", NULL};
static const char *const border_names[] = {"mirror", "periodic", NULL};

static bool is_given(const struct analysis *analysis, const char *name)
{
    return json_object_get(analysis->args, name);
}

/* What the request leaves open: of a scan that still grows riCOM is right for what has come so far,
 * of a whole one iCoM is quicker and has no radius. */
static unsigned default_method(const struct analysis *analysis, uint64_t n_measured)
{
    if (is_given(analysis, "radius"))
        return INTEGRATION_RICOM;
    if (is_given(analysis, "border") || is_given(analysis, "high_pass"))
        return INTEGRATION_ICOM;
    const bool grows =
        atomic_load_explicit(&analysis->run->phase, memory_order_acquire) == RUN_ACQUIRING;
    return grows && n_measured < positions_of(analysis) ? INTEGRATION_RICOM : INTEGRATION_ICOM;
}

static int check_method(struct analysis *analysis, const struct integration *integration)
{
    static const char *const of_icom[] = {"border", "high_pass"};
    if (integration->method == INTEGRATION_ICOM && is_given(analysis, "radius"))
        return analysis_refuse(analysis, "bad_value", "args.radius",
                               "only the method ricom has a radius");
    for (unsigned i = 0; i < 2 && integration->method == INTEGRATION_RICOM; i++) {
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
    const int64_t largest = integration_largest_radius(n_measured);
    *integration = (struct integration){.method = default_method(analysis, n_measured),
                                        .radius = largest < 16 ? largest : 16};
    if (analysis_take_word(analysis, "method", method_names, &integration->method) < 0 ||
        analysis_take_word(analysis, "border", border_names, &integration->border) < 0 ||
        analysis_take_number(analysis, "high_pass", 0, 0.5, &integration->high_pass) < 0 ||
        analysis_take_integer(analysis, "radius", 1, largest, &integration->radius) < 0)
        return -1;
    return check_method(analysis, integration);
}

static void describe_integration(struct analysis *analysis, const struct integration *integration,
                                 uint64_t n_measured)
{
    const bool whole = integration->method == INTEGRATION_ICOM;
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
    struct shift_values shift;
    struct integration integration;
    if (shift_maps_init(&shift, analysis) < 0)
        return;
    double *phi = NULL;
    int r = take_integration(analysis, shift.n_measured, &integration);
    if (r == 0 && !(phi = new_map(analysis)))
        r = -1;
    if (r == 0) {
        r = integration_run(&integration, &analysis->pass, &shift, phi, &analysis->error);
        r = r < 0 ? analysis_refuse_error(analysis, r, NULL) : 0;
    }
    if (r == 0) {
        describe_integration(analysis, &integration, shift.n_measured);
        analysis_add_map(analysis, "icom",
                         *shift_maps_unit(analysis) ? "pixels*positions" : "positions", phi);
        phi = NULL;
    }
    free(phi);
    shift_values_finish(&shift);
}

void command_icom(const struct control_service *service, struct request *request, json_t *args)
{
    analysis_start(service, request, args, analyse_icom);
}
