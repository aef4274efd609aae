#include <math.h>
#include <stdio.h>

#include "daemon/control/commands.h"
#include "daemon/control/commands_calibration.h"
#include "daemon/control/measure_halo.h"

/* Strain of the newest run's halo against a halo that was measured before and named. */

static json_t *strain_json(const struct halo_strain *strain, double azimuth)
{
    return json_pack("{s:f, s:f, s:f, s:f, s:f, s:f, s:f, s:f, s:f}", "e_xx", strain->exx, "e_yy",
                     strain->eyy, "e_xy", strain->exy, "e_xx_error", strain->exx_error,
                     "e_yy_error", strain->eyy_error, "e_xy_error", strain->exy_error, "mean_error",
                     strain->mean_error, "difference_error", strain->difference_error, "azimuth",
                     azimuth);
}

static void answer(const struct control_service *service, struct request *request,
                   const json_t *args, const struct summed_pattern *pattern, const struct run *run)
{
    const struct calibration *const calibration = acquisition_calibration(service->acquisition);
    struct halo_reference reference, measured;
    struct halo_strain strain, turned;
    double azimuth = 0;
    if (!halo_take_reference(service, request, args, pattern->height, pattern->width, &reference) ||
        !calibration_take_number(request, args, "azimuth", -360, 360, &azimuth))
        return;
    if (!measure_halo_take(request, args, &reference, pattern, calibration, run, &measured) ||
        !measure_halo_save(request, service, args, &measured))
        return;
    halo_strain_against(&strain, &measured.halo, &reference.halo);
    halo_strain_turn(&turned, &strain, azimuth);
    request_succeed(request,
                    json_pack("{s:s, s:{s:s, s:s, s:[I, I]}, s:o, s:o, s:o}", "run", measured.run,
                              "reference", "name", reference.name, "run", reference.run, "time",
                              (json_int_t)(reference.time_ns / 1000000000),
                              (json_int_t)(reference.time_ns % 1000000000), "strain",
                              strain_json(&turned, azimuth), "halo",
                              measure_halo_json(&measured, calibration), "warnings",
                              halo_warnings_json(measured.camera_length, &reference)),
                    NULL, 0);
}

void command_halo_strain(const struct control_service *service, struct request *request,
                         json_t *args)
{
    measure_newest_pattern(service, request, args, answer);
}
