#include <math.h>

#include "daemon/control/commands.h"
#include "daemon/control/commands_bragg.h"
#include "daemon/control/measure_halo.h"
#include "processing/analysis/probe_disk.h"

/* bragg_propose: settings for Bragg reflections, proposed from the newest run's sum pattern. */

/* So many FWHM of the halo to both sides of its ring. */
#define ANNULUS_WIDTHS 1.1

/* Where a value comes from, for a person. */
struct proposal {
    struct bragg_settings settings;
    const char *centre_source, *disk_source;
};

static double half_pixels(double length)
{
    return round(2 * length) / 2;
}

/* Not beyond the border of the frame. */
static void propose_annulus(struct proposal *proposal, const struct halo *halo,
                            const struct summed_pattern *pattern)
{
    struct bragg_settings *const settings = &proposal->settings;
    const double room = fmin(fmin(halo->centre_y, pattern->height - 1 - halo->centre_y),
                             fmin(halo->centre_x, pattern->width - 1 - halo->centre_x));
    settings->centre_y = halo->centre_y;
    settings->centre_x = halo->centre_x;
    settings->centre_uncertainty =
        fmax(0.1, hypot(halo->centre_y_error, halo->centre_x_error) / M_SQRT2);
    settings->inner = fmax(1, half_pixels(halo->radius - ANNULUS_WIDTHS * halo->width));
    settings->outer =
        fmin(floor(2 * room) / 2, half_pixels(halo->radius + ANNULUS_WIDTHS * halo->width));
    proposal->centre_source = "halo of the sum pattern";
}

static void propose_disk(struct proposal *proposal, const struct summed_pattern *pattern,
                         const struct calibration *calibration)
{
    struct probe_disk disk;
    const double known = calibration_number(calibration, CALIBRATION_DISK_RADIUS, NAN);
    proposal->settings.disk_radius = known;
    proposal->disk_source = "calibration";
    if (!isnan(known))
        return;
    proposal->disk_source = "";
    if (probe_disk_measure(&disk, pattern->counts, pattern->height, pattern->width,
                           pattern->overdispersion, NULL) < 0 ||
        disk.radius >= proposal->settings.inner)
        return;
    proposal->settings.disk_radius = disk.radius;
    proposal->disk_source = "central disk of the sum pattern";
}

static json_t *proposal_json(const struct proposal *proposal)
{
    const struct bragg_settings *const settings = &proposal->settings;
    const bool disk = !isnan(settings->disk_radius);
    json_t *const warnings = json_array();
    if (!disk)
        json_array_append_new(
            warnings, json_string("the radius of the disks is not known: measure it in vacuum "
                                  "(calibration_measure) or give bragg.disk_radius"));
    return json_pack(
        "{s:{s:[f, f], s:[f, f], s:o, s:f}, s:{s:s, s:s, s:s}, s:o}", "settings", "centre",
        settings->centre_y, settings->centre_x, "annulus", settings->inner, settings->outer,
        "disk_radius", disk ? json_real(settings->disk_radius) : json_null(), "centre_uncertainty",
        settings->centre_uncertainty, "sources", "centre", proposal->centre_source, "annulus",
        "halo of the sum pattern", "disk_radius", proposal->disk_source, "warnings", warnings);
}

static void propose(const struct control_service *service, struct request *request,
                    const json_t *args, const struct summed_pattern *pattern, const struct run *run)
{
    const struct calibration *const calibration = acquisition_calibration(service->acquisition);
    struct halo_reference measured;
    struct proposal proposal = {0};
    if (!measure_halo_take(request, args, NULL, pattern, calibration, run, &measured))
        return;
    propose_annulus(&proposal, &measured.halo, pattern);
    propose_disk(&proposal, pattern, calibration);
    json_t *const result = proposal_json(&proposal);
    json_object_set_new(result, "run", json_string(run->plan->id));
    json_object_set_new(result, "halo", measure_halo_json(&measured, calibration));
    request_succeed(request, result, NULL, 0);
}

void command_bragg_propose(const struct control_service *service, struct request *request,
                           json_t *args)
{
    measure_newest_pattern(service, request, args, propose);
}
