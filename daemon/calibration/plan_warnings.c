#include "daemon/calibration/plan_warnings.h"

#include <stdio.h>
#include <string.h>

#include "daemon/calibration/references.h"

/* What nobody has told, without which the data are hard to use later. */
static void describe_missing(const struct acquisition_plan *plan, char *text, size_t size)
{
    static const struct {
        enum calibration_item item;
        const char *name;
    } wanted[] = {
        {CALIBRATION_KV, "kV"},
        {CALIBRATION_CAMERA_LENGTH, "camera length"},
        {CALIBRATION_CONVERGENCE, "convergence angle (disk_radius_px)"},
        {CALIBRATION_SCAN_STEP, "scan step"},
    };
    text[0] = '\0';
    for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++) {
        const size_t n = strlen(text);
        if (!plan->calibration.values[wanted[i].item].known)
            snprintf(text + n, size - n, "%s%s", n ? ", " : "", wanted[i].name);
    }
    const size_t n = strlen(text);
    if (!plan->current_known && !plan->calibration.values[CALIBRATION_BEAM_CURRENT].known)
        snprintf(text + n, size - n, "%sbeam current", n ? ", " : "");
}

json_t *plan_warnings(const struct acquisition_plan *plan, const struct run *run)
{
    char missing[160], text[300];
    json_t *const warnings = reference_warnings(&plan->calibration, run);
    if (*plan->disk_warning)
        json_array_append_new(warnings, json_string(plan->disk_warning));
    describe_missing(plan, missing, sizeof missing);
    if (*missing) {
        snprintf(text, sizeof text,
                 "not known: %s; tell them with calibration, or the current as it changes with "
                 "samples_put of beam_current",
                 missing);
        json_array_append_new(warnings, json_string(text));
    }
    for (unsigned i = 0; run && i < run->n_remarks; i++)
        json_array_append_new(warnings, json_string(run->remarks[i]));
    return warnings;
}
