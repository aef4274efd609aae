#include "processing/products/acquisition_plan.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

/* A random UUID, version 4 (RFC 9562). */
static void uuid_write(char text[37])
{
    uint8_t b[16] = {0};
    /* Waits only before the kernel's pool is first filled, early at boot. */
    if (getrandom(b, sizeof b, 0) != (ssize_t)sizeof b)
        memset(b, 0xff, sizeof b);
    b[6] = (uint8_t)((b[6] & 0x0f) | 0x40);
    b[8] = (uint8_t)((b[8] & 0x3f) | 0x80);
    snprintf(text, 37, "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x", b[0],
             b[1], b[2], b[3], b[4], b[5], b[6], b[7], b[8], b[9], b[10], b[11], b[12], b[13],
             b[14], b[15]);
}

struct acquisition_plan *acquisition_plan_create(size_t n_virtual_detectors)
{
    struct acquisition_plan *plan = calloc(1, sizeof *plan);
    if (!plan)
        return NULL;
    plan->virtual_detectors =
        calloc(n_virtual_detectors ? n_virtual_detectors : 1, sizeof *plan->virtual_detectors);
    if (!plan->virtual_detectors) {
        free(plan);
        return NULL;
    }
    plan->n_virtual_detectors = n_virtual_detectors;
    atomic_init(&plan->references, 1);
    uuid_write(plan->id);
    return plan;
}

struct acquisition_plan *acquisition_plan_copy(const struct acquisition_plan *plan)
{
    struct acquisition_plan *copy = acquisition_plan_create(plan->n_virtual_detectors);
    if (!copy)
        return NULL;
    copy->version = plan->version;
    copy->active = plan->active;
    memcpy(copy->labels, plan->labels, sizeof copy->labels);
    copy->scan_from_header = plan->scan_from_header;
    copy->scan = plan->scan;
    scan_list_ref(copy->scan.list);
    copy->find_lines = plan->find_lines;
    copy->unending = plan->unending;
    copy->one_pass = plan->one_pass;
    copy->layers = plan->layers;
    copy->detector_gap = plan->detector_gap;
    copy->frame_period_ns = plan->frame_period_ns;
    if (plan->detector_parameters)
        copy->detector_parameters = strdup(plan->detector_parameters);
    copy->recording = plan->recording;
    copy->current_known = plan->current_known;
    memcpy(copy->disk_warning, plan->disk_warning, sizeof copy->disk_warning);
    copy->analysis = plan->analysis;
    bragg_plan_copy(&copy->bragg, &plan->bragg);
    calibration_copy(&copy->calibration, &plan->calibration);
    for (size_t i = 0; i < plan->n_virtual_detectors; i++)
        virtual_detector_settings_copy(&copy->virtual_detectors[i], &plan->virtual_detectors[i]);
    return copy;
}

struct acquisition_plan *acquisition_plan_ref(struct acquisition_plan *plan)
{
    atomic_fetch_add_explicit(&plan->references, 1, memory_order_relaxed);
    return plan;
}

void acquisition_plan_unref(struct acquisition_plan *plan)
{
    if (!plan || atomic_fetch_sub_explicit(&plan->references, 1, memory_order_acq_rel) != 1)
        return;
    scan_list_unref(plan->scan.list);
    bragg_plan_finish(&plan->bragg);
    calibration_finish(&plan->calibration);
    for (size_t i = 0; i < plan->n_virtual_detectors; i++)
        virtual_detector_settings_finish(&plan->virtual_detectors[i]);
    free(plan->virtual_detectors);
    free(plan->detector_parameters);
    free(plan);
}
