#include <string.h>

#include "daemon/control/commands.h"
#include "daemon/control/scan_series.h"

/* The argument `series` of start, and the command series, which tells of the newest one. */

#define SCANS_MAX 100000

static bool take_scans(struct request *request, const json_t *series)
{
    const json_t *const scans = json_object_get(series, "scans");
    if (json_is_integer(scans) && json_integer_value(scans) >= 1 &&
        json_integer_value(scans) <= SCANS_MAX)
        return true;
    request_fail(request, "bad_value", "args.series",
                 "series.scans must be a whole number from 1 to %d: how often the scan is made",
                 SCANS_MAX);
    return false;
}

bool command_take_series(struct request *request, const json_t *args,
                         const struct acquisition_start *start)
{
    const json_t *const series = json_object_get(args, "series");
    const json_t *const drift = json_object_get(series, "drift");
    if (!series)
        return true;
    if (!json_is_object(series) || json_object_size(series) != (drift ? 2 : 1) ||
        (drift && (!json_is_string(drift) || json_string_length(drift) > 63)))
        request_fail(request, "bad_value", "args.series",
                     "series must be an object of scans and, where the drift from scan to scan is "
                     "wanted, drift: the name of the map to compare");
    else if (start->view || start->passive)
        request_fail(request, "bad_value", "args.series",
                     "a series is of scans that merlind starts: mode active");
    else
        return take_scans(request, series);
    return false;
}

void command_series(const struct control_service *service, struct request *request, json_t *args)
{
    (void)args;
    request_succeed(request, scan_series_json(service->series), NULL, 0);
}
