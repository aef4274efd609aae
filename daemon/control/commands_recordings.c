#include <string.h>

#include "daemon/control/commands.h"
#include "daemon/files/trash.h"

/* recording_keep, recording_discard, recordings_discarded. */

/* A text, or left out; false: it is something else. */
static bool take_text(struct request *request, const json_t *args, const char *name,
                      const char **text)
{
    char field[32];
    const json_t *const value = json_object_get(args, name);
    *text = json_string_value(value);
    if (!value || *text)
        return true;
    snprintf(field, sizeof field, "args.%s", name);
    request_fail(request, "bad_value", field, "%s must be a text", name);
    return false;
}

void command_recording_keep(const struct control_service *service, struct request *request,
                            json_t *args)
{
    const char *run, *file;
    if (!take_text(request, args, "run", &run) || !take_text(request, args, "file", &file))
        return;
    if (run && file)
        request_fail(request, "bad_value", "args.file", "give a run or a file, not both");
    else if (file)
        acquisition_take_back(service->acquisition, file, command_answer, request);
    else
        acquisition_set_fate(service->acquisition, run, false, command_answer, request);
}

void command_recording_discard(const struct control_service *service, struct request *request,
                               json_t *args)
{
    const char *run;
    if (take_text(request, args, "run", &run))
        acquisition_set_fate(service->acquisition, run, true, command_answer, request);
}

void command_recordings_discarded(const struct control_service *service, struct request *request,
                                  json_t *args)
{
    (void)args;
    const double hours = acquisition_trash_hours(service->acquisition);
    json_t *const files = json_array();
    size_t i;
    json_t *directory;
    json_array_foreach(acquisition_directories(service->acquisition), i, directory)
        trash_list(json_string_value(directory), hours, files);
    request_succeed(request, json_pack("{s:f, s:o}", "hours", hours, "files", files), NULL, 0);
}
