#include <errno.h>
#include <string.h>

#include "daemon/calibration/calibration_table.h"
#include "daemon/control/commands.h"
#include "daemon/control/commands_calibration.h"

/* The table of calibrations: listed, added to, taken from. */

/* Values that came from the table are those of its newest entry from now on. */
static void renew(const struct control_service *service)
{
    struct calibration changed;
    calibration_copy(&changed, acquisition_calibration(service->acquisition));
    calibration_table_apply(acquisition_kept(service->acquisition), &changed);
    calibration_derive(&changed);
    acquisition_set_calibration(service->acquisition, &changed);
    calibration_finish(&changed);
}

static json_t *table_json(const struct control_service *service)
{
    return calibration_table_json(acquisition_kept(service->acquisition),
                                  acquisition_calibration(service->acquisition));
}

void command_calibrations(const struct control_service *service, struct request *request,
                          json_t *args)
{
    request_succeed(request, json_pack("{s:o}", "calibrations", table_json(service)), NULL, 0);
}

void command_calibration_save(const struct control_service *service, struct request *request,
                              json_t *args)
{
    const char *name;
    char made[KEPT_NAME_SIZE];
    struct error error = {0};
    if (!calibration_take_name(request, args, "name", &name))
        return;
    const int r =
        calibration_table_save(acquisition_kept(service->acquisition),
                               acquisition_calibration(service->acquisition), name, made, &error);
    if (r < 0)
        request_fail(request, r == -ENODATA ? "no_data" : "internal", NULL, "%s", error.text);
    else
        request_succeed(request,
                        json_pack("{s:s, s:o}", "name", made, "calibrations", table_json(service)),
                        NULL, 0);
}

void command_calibration_remove(const struct control_service *service, struct request *request,
                                json_t *args)
{
    const char *name;
    struct error error = {0};
    if (!calibration_take_name(request, args, "name", &name))
        return;
    const int r = kept_store_remove(acquisition_kept(service->acquisition), CALIBRATION_KIND,
                                    name ? name : "", &error);
    if (r < 0) {
        request_fail(request, r == -ENOENT ? "no_data" : "internal", "args.name",
                     "there is no calibration of that name in the table that could be removed: %s",
                     error.text);
        return;
    }
    renew(service);
    request_succeed(request, json_pack("{s:o}", "calibrations", table_json(service)), NULL, 0);
}
