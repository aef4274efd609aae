#include "daemon/results/live_detectors.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "daemon/calibration/calibration_state.h"
#include "processing/run/run_products.h"

/* ---- the list ---- */

int live_detectors_init(struct live_detectors *detectors,
                        const struct virtual_detector_settings *settings, size_t n)
{
    *detectors = (struct live_detectors){0};
    for (size_t i = 0; i < n; i++) {
        if (live_detectors_put(detectors, &settings[i], NULL) < 0) {
            live_detectors_finish(detectors);
            return -ENOMEM;
        }
    }
    return 0;
}

void live_detectors_finish(struct live_detectors *detectors)
{
    for (size_t i = 0; i < detectors->n; i++)
        virtual_detector_settings_finish(&detectors->settings[i]);
    free(detectors->settings);
    *detectors = (struct live_detectors){0};
}

static size_t index_of(const struct live_detectors *detectors, const char *name)
{
    size_t i = 0;
    while (i < detectors->n && strcmp(detectors->settings[i].name, name) != 0)
        i++;
    return i;
}

const struct virtual_detector_settings *live_detectors_find(const struct live_detectors *detectors,
                                                            const char *name)
{
    const size_t i = index_of(detectors, name);
    return i < detectors->n ? &detectors->settings[i] : NULL;
}

static int check_room(const struct live_detectors *detectors, size_t place, struct error *error)
{
    if (place < LIVE_DETECTORS_MAX)
        return 0;
    return error_set(error, -ENOSPC,
                     "there are %d virtual detectors already: remove one that is not needed",
                     LIVE_DETECTORS_MAX);
}

int live_detectors_check(const struct live_detectors *detectors,
                         const struct virtual_detector_settings *settings, struct error *error)
{
    for (size_t i = 0; i < detectors->n; i++) {
        const struct virtual_detector_settings *const other = &detectors->settings[i];
        if (strcmp(other->name, settings->name) != 0 &&
            virtual_detectors_share_a_name(other, settings))
            return error_set(error, -EEXIST,
                             "the virtual detectors \"%s\" and \"%s\" have maps of the same name: "
                             "give one another name",
                             other->name, settings->name);
    }
    return check_room(detectors, index_of(detectors, settings->name), error);
}

int live_detectors_put(struct live_detectors *detectors,
                       const struct virtual_detector_settings *settings, struct error *error)
{
    const size_t i = index_of(detectors, settings->name);
    struct virtual_detector_settings copy;
    if (check_room(detectors, i, error) < 0)
        return -ENOSPC;
    if (i == detectors->n) {
        struct virtual_detector_settings *const longer =
            realloc(detectors->settings, (i + 1) * sizeof *longer);
        if (!longer)
            return error_set(error, -ENOMEM, "no memory for a virtual detector");
        detectors->settings = longer;
        detectors->n++;
        virtual_detector_settings_copy(&detectors->settings[i], settings);
        return 0;
    }
    virtual_detector_settings_copy(&copy, settings);
    virtual_detector_settings_finish(&detectors->settings[i]);
    detectors->settings[i] = copy;
    return 0;
}

int live_detectors_remove(struct live_detectors *detectors, const char *name, struct error *error)
{
    const size_t i = index_of(detectors, name);
    if (i == detectors->n)
        return error_set(error, -ENOENT, "there is no virtual detector \"%s\"", name);
    virtual_detector_settings_finish(&detectors->settings[i]);
    detectors->n--;
    memmove(&detectors->settings[i], &detectors->settings[i + 1],
            (detectors->n - i) * sizeof *detectors->settings);
    return 0;
}

/* ---- a run ---- */

/* The products of a run that were made of the detector of that name. */
static size_t products_of(const struct product_set *set, const char *name,
                          const struct product *products[RUN_MAX_LAYERS])
{
    size_t n = 0;
    for (unsigned i = 0; i < set->n && n < RUN_MAX_LAYERS; i++) {
        if (strcmp(set->products[i]->source, name) == 0)
            products[n++] = set->products[i];
    }
    return n;
}

/* Names belong to one thing. */
static int check_names(const struct run *run, const struct virtual_detector_settings *settings,
                       struct error *error)
{
    char name[PRODUCT_NAME_SIZE];
    for (unsigned i = 0; i < virtual_detector_n_maps(settings); i++) {
        unsigned which;
        virtual_detector_map_name(settings, i, name, sizeof name);
        const struct product *const other = run_find_map(run, name, &which);
        if ((other && strcmp(other->source, settings->name) != 0) ||
            run_find_array(run, name, &which))
            return error_set(error, -EEXIST,
                             "there is a result \"%s\" already: give the detector another name",
                             name);
    }
    return 0;
}

/* One product per layer. Those that were made stay with the run when a later one fails, unused. */
static int make_products(struct run *run, const struct virtual_detector_settings *settings,
                         struct product *products[RUN_MAX_LAYERS], struct error *error)
{
    const struct detector_pixels pixels = run_detector_pixels(run);
    for (unsigned layer = 0; layer < run->n_layers; layer++) {
        struct product prepared = {0};
        const int r = virtual_detector_prepare(&prepared, settings, &run->format, &pixels,
                                               cpu_isa_best(), error);
        if (r < 0)
            return r;
        products[layer] = run_add_product(run, &prepared, layer, settings->name, error);
        if (!products[layer])
            return -ENOMEM;
    }
    return 0;
}

int live_detectors_change_run(struct run *run, const char *name,
                              const struct virtual_detector_settings *settings,
                              const struct product_set **set, struct error *error)
{
    const struct product *removed[RUN_MAX_LAYERS];
    struct product *added[RUN_MAX_LAYERS];
    const size_t n_removed = products_of(run_set(run), name, removed);
    const size_t n_added = settings ? run->n_layers : 0;
    int r = settings ? check_names(run, settings, error) : 0;
    if (r == 0 && settings)
        r = make_products(run, settings, added, error);
    if (r < 0)
        return r;
    *set = run_change_set(run, removed, n_removed, added, n_added);
    return *set ? 0 : error_set(error, -ENOMEM, "no memory for another set of results");
}

/* `settings` NULL: removes it. What does not fit the frames leaves the run as it is. */
static void renew(struct run *run, const char *name,
                  const struct virtual_detector_settings *settings)
{
    const struct product_set *set;
    struct error error = {0};
    if (live_detectors_change_run(run, name, settings, &set, &error) < 0)
        log_warning("acquisition", "run %s keeps the virtual detector %s of before: %s",
                    run->plan->id, name, error.text);
}

void live_detectors_renew_run(struct run *run, const struct live_detectors *detectors,
                              const struct calibration *calibration)
{
    const struct product_set *const before = run_set(run);
    for (unsigned i = 0; i < before->n; i++) {
        const char *const source = before->products[i]->source;
        if (*source && !live_detectors_find(detectors, source))
            renew(run, source, NULL);
    }
    for (size_t i = 0; detectors->settings && i < detectors->n; i++) {
        struct virtual_detector_settings complete = detectors->settings[i];
        calibration_complete_detector(calibration, &complete);
        renew(run, complete.name, &complete);
    }
}
