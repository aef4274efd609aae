#include "daemon/opened/opened_service.h"

#include <errno.h>
#include <string.h>

#include "common/cpu.h"
#include "daemon/opened/opened_run.h"
#include "daemon/opened/opened_settings.h"

/* Nothing comes through it. */
#define RING_SIZE (UINT64_C(1) << 20)

/* Half of the CPUs: a scan that is being taken needs all of them, and memory has one bus. */
static unsigned choose_workers(const struct config *config)
{
    const unsigned all = config->workers ? config->workers : cpu_count_available();
    return all > 1 ? all / 2 : 1;
}

int opened_service_prepare(struct opened_file **out, struct config *config, struct error *error)
{
    struct opened_file *file;
    int r = opened_file_open(&file, config->open, error);
    if (r < 0)
        return r;
    config->detector_data_port = config->detector_command_port = 0;
    config->ring_size = RING_SIZE;
    config->workers = choose_workers(config);
    config->recording.enabled = false;
    config->web.enabled = false;
    config->frames.enabled = false;
    /* Its sockets are files in a directory of this user's alone. */
    config->security_server_key[0] = config->security_clients[0] = '\0';
    r = opened_settings_configure(file, config);
    if (r < 0) {
        opened_file_destroy(file);
        return error_set(error, r, "no memory for the settings of %.300s", config->open);
    }
    *out = file;
    return 0;
}

static void take_calibration(const struct opened_file *file, struct acquisition *acquisition)
{
    struct calibration calibration;
    opened_settings_calibration(file, &calibration);
    calibration.reference_age = acquisition_calibration(acquisition)->reference_age;
    acquisition_set_calibration(acquisition, &calibration);
    calibration_finish(&calibration);
}

/* A file whose run was not searched, or never got so far, is not searched now either. */
static int take_bragg(const struct opened_file *file, struct acquisition *acquisition,
                      struct error *error)
{
    struct bragg_plan plan;
    bragg_plan_copy(&plan, acquisition_bragg(acquisition));
    if (!opened_settings_reference(file, &plan))
        plan.enabled = false;
    const int r = acquisition_set_bragg(acquisition, &plan, NULL, error);
    bragg_plan_finish(&plan);
    return r;
}

int opened_service_show(struct opened_file *file, struct acquisition *acquisition,
                        struct error *error)
{
    struct run *run;
    take_calibration(file, acquisition);
    int r = take_bragg(file, acquisition, error);
    struct acquisition_plan *const plan = r < 0 ? NULL : acquisition_make_plan(acquisition);
    if (!plan) {
        opened_file_destroy(file);
        return r < 0 ? r : error_set(error, -ENOMEM, "no memory to show an old run");
    }
    r = opened_run_create(&run, file, plan, acquisition_workers(acquisition), error);
    acquisition_plan_unref(plan);
    if (r < 0)
        return r;
    opened_settings_areas(file, run);
    r = acquisition_open(acquisition, run, error);
    run_unref(run);
    return r;
}

json_t *opened_service_json(const struct config *config)
{
    const char *const slash = strrchr(config->open, '/');
    if (!config->open[0])
        return json_null();
    return json_pack("{s:s, s:s}", "file", config->open, "name", slash ? slash + 1 : config->open);
}
