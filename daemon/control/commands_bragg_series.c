#include <errno.h>

#include "daemon/control/commands.h"
#include "daemon/control/commands_calibration.h"

/* bragg_series: the table over all scans that have a label. */

void command_bragg_series(const struct control_service *service, struct request *request,
                          json_t *args)
{
    const char *label;
    double confidence = 0.95;
    struct error error = {0};
    if (!calibration_take_name(request, args, "label", &label) ||
        !calibration_take_number(request, args, "confidence", 0.01, 0.9999, &confidence))
        return;
    if (!label) {
        request_fail(request, "bad_value", "args.label", "label must be the name of a label");
        return;
    }
    json_t *const series = labelled_scans_series(acquisition_labelled_scans(service->acquisition),
                                                 label, confidence, &error);
    if (series)
        request_succeed(request, json_pack("{s:o}", "series", series), NULL, 0);
    else
        request_fail(request, error.code == -ENODATA ? "no_data" : "internal", "args.label", "%s",
                     error.text);
}
