#pragma once

#include <jansson.h>
#include <stdint.h>

#include "daemon/acquisition/acquisition.h"
#include "daemon/config/icom_settings.h"
#include "daemon/jobs.h"

/*
 * The integrated centre of mass as a live map: `icom` (pixels * positions), with `com_magnitude`
 * (pixels) and `com_angle` (degrees), the shift that it is the integral of, after descan, flip and
 * rotation; of the first layer, of the newest pass (when the run is over, of all).
 *
 * The whole map changes with every frame, so it is computed again some times a second, as a job,
 * and seldom enough to take a tenth of a thread. The maps are a given product (given_maps.h) that
 * the recorder brings up to date itself before it closes the file. Service thread, but for the
 * product's `renew`.
 */
struct live_icom {
    struct jobs *jobs;
    struct acquisition *acquisition;
    struct icom_settings settings; /* in force: for the newest run and all later ones */
    struct run *run;               /* that the maps are of; holds a reference; NULL: none */
    struct product *product;       /* of that run; NULL: not enabled */
    bool busy;                     /* a job is at it */
    bool record;                   /* the file is to get what the next job makes */
    uint64_t next_ns;              /* monotonic: not before */
    struct live_icom_seen {        /* when the last job began */
        uint64_t analysed;
        uint32_t view, settings;
        bool over;
    } seen;
    uint32_t settings_version;
};

void live_icom_init(struct live_icom *icom, struct jobs *jobs,
                    const struct icom_settings *settings);
/* Jobs that are under way end by themselves. */
void live_icom_finish(struct live_icom *icom);

/* A run has begun. */
void live_icom_follow(struct live_icom *icom, struct run *run);

/* Begins a job when there is something new; called often. */
void live_icom_watch(struct live_icom *icom);

/* Other settings from now on. -ENOMEM, -ENOSPC with a sentence: all stays as it was. */
int live_icom_set(struct live_icom *icom, const struct icom_settings *settings,
                  struct error *error);

/* New reference. */
json_t *icom_settings_json(const struct icom_settings *settings);
