#include "daemon/acquisition/disk_start.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "daemon/acquisition/run_geometry.h"

/* Longer without an answer, and nobody of ours asks the disk anything. */
#define SILENT_S 1.0

/* Bits of the counter that the detector will have, as far as it is known; 0: it is not. */
static unsigned counter_depth(const struct acquisition *acquisition,
                              const struct acquisition_start *start)
{
    const char *key, *text = detector_settings_get(&acquisition->known, "COUNTERDEPTH");
    char given[DETECTOR_VALUE_SIZE];
    json_t *value;
    json_object_foreach(start ? start->parameters : NULL, key, value)
    {
        if (strcasecmp(key, "COUNTERDEPTH") == 0 &&
            start_parameter_text(value, given, sizeof given))
            text = given;
    }
    return text ? (unsigned)strtoul(text, NULL, 10) : 0;
}

static int judge(const struct acquisition *acquisition, struct acquisition_plan *plan,
                 const struct disk_forecast *forecast, struct error *error)
{
    struct error sentence = {0};
    const enum disk_verdict verdict =
        disk_forecast_judge(forecast, plan->recording.directory, &sentence);
    if (verdict == DISK_SHORT && acquisition->config->recording_short_of_space == DISK_REFUSE) {
        *error = sentence;
        return sentence.code;
    }
    memcpy(plan->disk_warning, sentence.text, sizeof plan->disk_warning);
    return 0;
}

int disk_check_start(struct acquisition *acquisition, struct acquisition_plan *plan,
                     const struct acquisition_start *start, struct error *error)
{
    struct recorder *const recorder = pipeline_recorder(acquisition->pipeline);
    struct disk_view disk;
    uint64_t bytes_free = 0;
    recorder_watch_disk(recorder, plan->recording.directory);
    recorder_disk(recorder, &disk);
    if (disk.silent_s > SILENT_S)
        return error_set(error, -EIO,
                         "the disk of recording.directory %.300s does not answer: see to it, "
                         "choose another directory or do not record",
                         plan->recording.directory);
    const int r = recording_check(&plan->recording, 0, &bytes_free, error);
    if (r < 0)
        return r;
    const struct disk_forecast forecast =
        disk_forecast_make(&acquisition->disk_experience, plan_expected(plan),
                           counter_depth(acquisition, start), bytes_free);
    return judge(acquisition, plan, &forecast, error);
}
