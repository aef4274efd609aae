#include "daemon/start_check.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/log.h"
#include "daemon/record/recorder.h"

/* A copy: a reload may change the hook meanwhile. */
struct look {
    bool records;
    char directory[sizeof((struct recording_settings *)0)->directory];
    struct command_words hook;
    struct error recording_error, hook_error;
};

static void work(void *data)
{
    struct look *const look = data;
    if (look->records)
        recording_check_directory(look->directory, &look->recording_error);
    if (look->hook.n > 0 && access(look->hook.text, X_OK) < 0)
        error_set(&look->hook_error, -errno,
                  "hooks.on_scan_end %.300s cannot be started: %s; correct the path, or make it a "
                  "program that merlind's user may run",
                  look->hook.text, strerror(errno));
}

static void done(void *data, bool cancelled)
{
    struct look *const look = data;
    if (!cancelled && look->recording_error.code)
        log_warning("record", "nothing can be recorded as it is: %s", look->recording_error.text);
    if (!cancelled && look->hook_error.code)
        log_warning("hooks", "%s", look->hook_error.text);
    free(look);
}

void start_check(struct jobs *jobs, const struct config *config)
{
    struct look *const look = calloc(1, sizeof *look);
    if (!look)
        return;
    look->records = config->recording.enabled;
    memcpy(look->directory, config->recording.directory, sizeof look->directory);
    look->hook = config->hooks.on_scan_end;
    if (jobs_start(jobs, work, done, look) < 0)
        free(look);
}
