#include "processing/run/run.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "processing/run/chunk_sink.h"
#include "processing/run/run_excluded.h"
#include "processing/run/run_glass.h"
#include "processing/run/run_products.h"
#include "processing/run/run_remarks.h"
#include "processing/tables/column_table.h"

/* A chunk is one HDF5 chunk and one Blosc buffer: large enough to compress well, small enough to
 * stay in a core's L2 cache. */
#define CHUNK_BYTES ((uint64_t)1 << 20)
/* ... and not so long in coming that a crash would cost more than this. */
#define CHUNK_NS (50 * NS_PER_MS)

static uint64_t largest_divisor(uint64_t number, uint64_t limit)
{
    uint64_t divisor = limit < number ? limit : number;
    while (divisor > 1 && number % divisor)
        divisor--;
    return divisor;
}

/* Places of a line, or of a whole list; 0: no lines. */
static uint64_t line_places(const struct scan_geometry *scan)
{
    return scan->order == SCAN_ORDER_LIST ? scan->list->n : scan->nx;
}

/* k, the places of a chunk: as many as fit, and a divisor of the line where that costs less than
 * half of them. */
static uint32_t choose_chunk_frames(const struct run *run)
{
    uint64_t limit = CHUNK_BYTES / (run->format.image_size * run->n_layers);
    if (run->plan->frame_period_ns && limit > CHUNK_NS / run->plan->frame_period_ns)
        limit = CHUNK_NS / run->plan->frame_period_ns;
    if (limit < 1)
        limit = 1;
    if (run->scan.ny == 0)
        return (uint32_t)limit;
    const uint64_t line = line_places(&run->scan);
    if (limit > line)
        limit = line;
    const uint64_t divisor = largest_divisor(line, limit);
    /* The passes of a list follow each other in one stack, and each has to begin with a chunk. */
    if (run->scan.order == SCAN_ORDER_LIST && scan_geometry_passes(&run->scan) > 1)
        return (uint32_t)divisor;
    return (uint32_t)(2 * divisor >= limit ? divisor : limit);
}

/* Frames that the HDR announces; 0: none, or until it is stopped. */
static uint64_t announced_frames(const struct run *run)
{
    return run->hdr && run->acquisition.frames_in_acquisition > 0
               ? (uint64_t)run->acquisition.frames_in_acquisition
               : 0;
}

/* The weakest source is ScanX and ScanY, then frames per trigger; a shape that was asked for beats
 * both. */
static const char *choose_shape(struct run *run)
{
    const struct acquisition_header *const header = &run->acquisition;
    const uint64_t announced = announced_frames(run);
    if (!run->plan->scan_from_header || !run->hdr)
        return run->plan->scan.ny ? "request" : "configuration";
    const uint64_t line = header->frames_per_trigger;
    if (line > 1 && announced > line && announced % line == 0 && announced / line <= UINT32_MAX &&
        line <= UINT32_MAX) {
        run->scan.ny = (uint32_t)(announced / line);
        run->scan.nx = (uint32_t)line;
        return "header";
    }
    if (header->scan_x > 0 && header->scan_y > 0) {
        run->scan.ny = header->scan_y;
        run->scan.nx = header->scan_x;
        return "header";
    }
    return "configuration";
}

static const char *choose_scan(struct run *run)
{
    run->scan = run->plan->scan;
    const char *const source = choose_shape(run);
    if (run->plan->find_lines)
        run->scan = (struct scan_geometry){0};
    if (run->plan->unending) {
        run->scan.repeats = SCAN_REPEATS_UNENDING;
        run->recycle = scan_geometry_pass_frames(&run->scan);
        return source;
    }
    const bool endless = run->hdr && run->acquisition.frames_in_acquisition == 0;
    const uint64_t announced = announced_frames(run);
    run->frames_to_come = run->plan->one_pass ? scan_geometry_frames(&run->scan)
                          : announced         ? announced
                          : endless           ? 0
                                              : scan_geometry_frames(&run->scan);
    run->expected = scan_geometry_visits(&run->scan) * run->n_layers;
    if (run->scan.ny == 0 && run->frames_to_come > run->scan.skip_start)
        run->expected = (run->frames_to_come - run->scan.skip_start) * run->n_layers;
    return source;
}

static int create_latest(struct run *run)
{
    for (unsigned i = 0; i < run->n_layers; i++) {
        run->latest[i].image = malloc(run->format.image_size);
        if (!run->latest[i].image)
            return -ENOMEM;
    }
    return 0;
}

static int take_header(struct run *run, const uint8_t *hdr, size_t hdr_size, struct error *error)
{
    if (!hdr)
        return 0;
    run->hdr = malloc(hdr_size + 1);
    if (!run->hdr)
        return error_set(error, -ENOMEM, "no memory for the acquisition header");
    memcpy(run->hdr, hdr, hdr_size);
    run->hdr[hdr_size] = '\0';
    run->hdr_size = hdr_size;
    return acquisition_header_parse(&run->acquisition, hdr, hdr_size, error);
}

static struct run_recording *recording_create(void)
{
    struct run_recording *const recording = calloc(1, sizeof *recording);
    if (recording)
        pthread_mutex_init(&recording->mutex, NULL);
    return recording;
}

static void recording_destroy(struct run_recording *recording)
{
    if (!recording)
        return;
    pthread_mutex_destroy(&recording->mutex);
    free(recording);
}

/* Asks for nothing that is not there: what fails leaves the rest to run_unref. */
static int give_memory(struct run *run, const char *scan_source, struct error *error)
{
    run->recording = recording_create();
    run->stalls = stall_watch_create();
    run->bragg = run_bragg_create();
    /* Recycled, at a number that no chunk has: a chunk that is written again may move. */
    run->stored = column_table_create(3, UINT32_MAX);
    run->stored_late = column_table_create(2, 0);
    if (!run->recording || !run->stalls || !run->bragg || !run->stored || !run->stored_late ||
        create_latest(run) < 0 || frame_table_create(&run->frames) < 0 ||
        run_set_view(run, &run->scan, scan_source) < 0)
        return error_set(error, -ENOMEM, "no memory for the live results");
    return 0;
}

static void init(struct run *run, struct acquisition_plan *plan, const struct run_frames *frames)
{
    atomic_init(&run->references, 1);
    atomic_init(&run->pending, 1);
    pthread_mutex_init(&run->products_mutex, NULL);
    for (unsigned i = 0; i < RUN_MAX_LAYERS; i++) {
        pthread_mutex_init(&run->latest[i].mutex, NULL);
        atomic_init(&run->latest[i].wanted, 1);
    }
    run->plan = acquisition_plan_ref(plan);
    run->format = *frames->format;
    run->n_layers = frames->n_layers;
    run->colour = frames->colour;
    run->started_ns = clock_realtime_ns();
}

int run_create(struct run **out, struct acquisition_plan *plan, const struct run_frames *frames,
               unsigned n_workers, struct error *error)
{
    struct run *run = calloc(1, sizeof *run);
    if (!run)
        return error_set(error, -ENOMEM, "no memory for a run");
    init(run, plan, frames);
    run->n_workers = n_workers;
    atomic_init(&run->fate, plan->recording.ask ? RUN_ASK : RUN_KEEP);
    int r = take_header(run, frames->hdr, frames->hdr_size, error);
    if (r < 0)
        goto fail;
    const char *const scan_source = choose_scan(run);
    run->chunk_frames = choose_chunk_frames(run);
    r = give_memory(run, scan_source, error);
    if (r < 0)
        goto fail;
    r = run_prepare_products(run, error);
    if (r < 0)
        goto fail;
    *out = run;
    return 0;

fail:
    run_unref(run);
    return r;
}

struct run *run_ref(struct run *run)
{
    atomic_fetch_add_explicit(&run->references, 1, memory_order_relaxed);
    return run;
}

bool run_take_pending(struct run *run)
{
    uint64_t pending = atomic_load_explicit(&run->pending, memory_order_relaxed);
    while (pending > 0 &&
           !atomic_compare_exchange_weak_explicit(&run->pending, &pending, pending + 1,
                                                  memory_order_relaxed, memory_order_relaxed))
        continue;
    return pending > 0;
}

void run_drop_pending(struct run *run, const struct chunk_sink *sink)
{
    if (atomic_fetch_sub_explicit(&run->pending, 1, memory_order_acq_rel) == 1)
        sink->finish(sink->data, run);
}

static void views_finish(struct run *run)
{
    struct run_view *view = atomic_load_explicit(&run->view, memory_order_acquire);
    while (view) {
        struct run_view *const older = view->older;
        scan_list_unref(view->scan.list);
        free(view);
        view = older;
    }
}

void run_unref(struct run *run)
{
    if (!run || atomic_fetch_sub_explicit(&run->references, 1, memory_order_acq_rel) != 1)
        return;
    run_products_finish(run);
    run_remarks_finish(run);
    views_finish(run);
    run_excluded_finish(run);
    run_glass_finish(run);
    frame_table_destroy(run->frames);
    column_table_destroy(run->stored_late);
    column_table_destroy(run->stored);
    if (run->store.destroy)
        run->store.destroy(run->store.data);
    stall_watch_destroy(run->stalls);
    run_bragg_destroy(run->bragg);
    recording_destroy(run->recording);
    for (unsigned i = 0; i < RUN_MAX_LAYERS; i++) {
        free(run->latest[i].image);
        pthread_mutex_destroy(&run->latest[i].mutex);
    }
    free(run->hdr);
    acquisition_plan_unref(run->plan);
    pthread_mutex_destroy(&run->products_mutex);
    free(run);
}
