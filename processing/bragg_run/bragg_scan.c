#include "processing/bragg_run/bragg_scan.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

#include "processing/run/run_excluded.h"
#include "processing/run/run_glass.h"
#include "processing/run/run_products.h"

/* Every run's bootstrap draws the same numbers: the same classes give the same text. */
#define SEED 1

int bragg_scan_whole(struct bragg_scan_part *part, const struct run *run,
                     const struct scan_geometry *scan, struct error *error)
{
    const struct run_map_shape shape = run_map_shape(run, scan);
    uint64_t rows;
    if (__builtin_mul_overflow(shape.passes, shape.ny, &rows) || rows > UINT32_MAX ||
        shape.nx > UINT32_MAX)
        return error_set(error, -EFBIG, "%" PRIu64 " passes of %" PRIu64 " lines are too many",
                         shape.passes, shape.ny);
    *part = (struct bragg_scan_part){.scan = scan, .ny = (uint32_t)rows, .nx = (uint32_t)shape.nx};
    return 0;
}

/* ---- positions ---- */

struct collecting {
    struct bragg_scan *scan;
    const struct run *run;
    const struct product *product;
    const struct bragg_settings *settings;
    size_t n, room;
    /* Of frames without reflections, and with them: how many, and their counts per pixel of the
     * annulus. */
    uint64_t n_counted[2];
    double counts[2];
};

static int add_reflections(struct collecting *collecting, uint32_t position,
                           const struct bragg_found *found)
{
    struct bragg_scan *const scan = collecting->scan;
    if (collecting->n + found->n_reflections > collecting->room) {
        const size_t room = 2 * collecting->room + BRAGG_REFLECTIONS_MAX;
        struct scan_reflection *const more =
            realloc(scan->reflections, room * sizeof *scan->reflections);
        if (!more)
            return -ENOMEM;
        scan->reflections = more;
        collecting->room = room;
    }
    for (unsigned i = 0; i < found->n_reflections; i++)
        scan->reflections[collecting->n++] = (struct scan_reflection){
            .position = position,
            .gy = found->reflections[i].y - collecting->settings->centre_y,
            .gx = found->reflections[i].x - collecting->settings->centre_x,
        };
    return 0;
}

/* A scan's map has the classifier's classes. */
_Static_assert((int)SCAN_CLASS_NONE == (int)BRAGG_NONE &&
                   (int)SCAN_CLASS_TWO_BEAM == (int)BRAGG_TWO_BEAM &&
                   (int)SCAN_CLASS_THREE_BEAM == (int)BRAGG_THREE_BEAM &&
                   (int)SCAN_CLASS_ON_AXIS == (int)BRAGG_ON_AXIS &&
                   (int)SCAN_CLASS_MULTIPLE == (int)BRAGG_MULTIPLE &&
                   (int)SCAN_CLASS_EXCLUDED == (int)BRAGG_EXCLUDED &&
                   (int)SCAN_CLASS_NOT_ANALYSED == (int)BRAGG_NOT_ANALYSED,
               "enum scan_class and enum bragg_class are numbers of the same file");

static int collect(struct collecting *collecting, const struct bragg_scan_part *part)
{
    struct bragg_scan *const scan = collecting->scan;
    const uint64_t n = (uint64_t)part->ny * part->nx;
    for (uint64_t i = 0; i < n; i++) {
        struct bragg_found found;
        const int64_t frame = scan_geometry_frame_index(part->scan, part->first + i);
        scan->classes[i] = BRAGG_NOT_ANALYSED;
        scan->contrast[i] = NAN;
        if (frame < 0 ||
            !run_bragg_look(collecting->run, collecting->product, (uint64_t)frame, &found))
            continue;
        scan->classes[i] = found.class;
        if (found.class < SCAN_CLASSES) {
            const bool bragg = found.class != SCAN_CLASS_NONE;
            collecting->counts[bragg] += found.counts;
            collecting->n_counted[bragg]++;
        }
        if (found.n_reflections > 0)
            scan->contrast[i] = found.strongest;
        if (found.reflections && add_reflections(collecting, (uint32_t)i, &found) < 0)
            return -ENOMEM;
    }
    return 0;
}

/* ---- all ---- */

int bragg_scan_init(struct bragg_scan *scan, const struct run *run,
                    const struct bragg_scan_part *part, struct error *error)
{
    const struct product *const product = run_bragg(run);
    const size_t n = (size_t)part->ny * part->nx;
    *scan = (struct bragg_scan){0};
    if (!product) {
        struct error why;
        run_bragg_error(run, &why);
        return error_set(error, -ENODATA, "%s",
                         why.code ? why.text
                                  : "no Bragg reflections were looked for in this run: set "
                                    "bragg.enabled");
    }
    scan->classes = malloc(n + 1);
    scan->contrast = malloc((n + 1) * sizeof *scan->contrast);
    scan->reflections = malloc(sizeof *scan->reflections);
    struct collecting collecting = {
        .scan = scan,
        .run = run,
        .product = product,
        .settings = &bragg_product_setup(product)->settings,
        .room = 1,
    };
    if (!scan->classes || !scan->contrast || !scan->reflections || collect(&collecting, part) < 0) {
        bragg_scan_finish(scan);
        return error_set(error, -ENOMEM, "no memory for the statistics of Bragg reflections");
    }
    const bool bragg = collecting.n_counted[0] == 0;
    scan->dose = collecting.counts[bragg] / (double)collecting.n_counted[bragg];
    scan->results = (struct bragg_scan_results){
        .ny = part->ny,
        .nx = part->nx,
        .classes = scan->classes,
        .contrast = scan->contrast,
        .reflections = run->recycle ? NULL : scan->reflections,
        .n_reflections = collecting.n,
        .pixel_size = calibration_number(&run->plan->calibration, CALIBRATION_PIXEL_SIZE_K, 0),
    };
    return 0;
}

void bragg_scan_exclude(struct bragg_scan *scan, const uint8_t *mask)
{
    const size_t n = (size_t)scan->results.ny * scan->results.nx;
    size_t kept = 0;
    for (size_t i = 0; i < n; i++) {
        if (!mask[i])
            continue;
        scan->classes[i] = SCAN_CLASS_EXCLUDED;
        scan->contrast[i] = NAN;
    }
    for (size_t i = 0; i < scan->results.n_reflections; i++)
        if (!mask[scan->reflections[i].position])
            scan->reflections[kept++] = scan->reflections[i];
    scan->results.n_reflections = kept;
}

void bragg_scan_finish(struct bragg_scan *scan)
{
    free(scan->classes);
    free(scan->contrast);
    free(scan->reflections);
    *scan = (struct bragg_scan){0};
}

struct bragg_statistics_settings bragg_scan_settings(const struct run *run)
{
    const struct product *const product = run_bragg(run);
    struct bragg_statistics_settings settings = {.seed = SEED};
    if (!product)
        return settings;
    const struct bragg_product_setup *const setup = bragg_product_setup(product);
    settings.block = setup->block_length;
    settings.tile_y = settings.tile_x = setup->tile;
    settings.min_contrast = setup->settings.contrast_min;
    settings.found = run_bragg_found(run);
    settings.alarms = run_glass_alarms(run, 0);
    settings.contrast_alarms = run_glass_alarms(run, settings.min_contrast);
    return settings;
}

struct series_scan_maps bragg_scan_series_maps(const struct bragg_scan *scan, const struct run *run)
{
    const struct bragg_statistics_settings settings = bragg_scan_settings(run);
    return (struct series_scan_maps){
        .ny = scan->results.ny,
        .nx = scan->results.nx,
        .classes = scan->classes,
        .contrast = scan->contrast,
        .min_contrast = settings.min_contrast,
        .found = settings.found,
        .alarms = settings.alarms,
        .contrast_alarms = settings.contrast_alarms,
        .block = settings.block ? settings.block : 3,
    };
}
