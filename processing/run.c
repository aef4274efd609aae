#include "processing/run.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "processing/chunk_sink.h"

/* A chunk is one HDF5 chunk and one Blosc buffer: large enough to compress well, small enough to
 * stay in a core's L2 cache. */
#define CHUNK_BYTES ((uint64_t)1 << 20)
/* ... and not so long in coming that a crash would cost more than this. */
#define CHUNK_NS (50 * NS_PER_MS)
#define MAX_PRODUCTS 3

static uint64_t largest_divisor(uint64_t number, uint64_t limit)
{
    uint64_t divisor = limit < number ? limit : number;
    while (divisor > 1 && number % divisor)
        divisor--;
    return divisor;
}

/* k, the frames of a chunk: as many as fit, and a divisor of the line where that costs less than
 * half of them. */
static uint32_t choose_chunk_frames(const struct run *run)
{
    uint64_t limit = CHUNK_BYTES / run->format.image_size;
    if (run->plan->frame_period_ns && limit > CHUNK_NS / run->plan->frame_period_ns)
        limit = CHUNK_NS / run->plan->frame_period_ns;
    if (limit < 1)
        limit = 1;
    if (run->scan.ny == 0)
        return (uint32_t)limit;
    if (limit > run->scan.nx)
        limit = run->scan.nx;
    const uint64_t divisor = largest_divisor(run->scan.nx, limit);
    return (uint32_t)(2 * divisor >= limit ? divisor : limit);
}

static void choose_scan(struct run *run)
{
    run->scan = run->plan->scan;
    const struct acquisition_header *const header = &run->acquisition;
    const uint64_t announced =
        run->hdr && header->frames_in_acquisition > 0 ? (uint64_t)header->frames_in_acquisition : 0;
    if (run->plan->scan_from_header && run->hdr) {
        if (header->scan_x > 0 && header->scan_y > 0) {
            run->scan = (struct scan_geometry){.ny = header->scan_y, .nx = header->scan_x};
        } else if (header->frames_per_trigger > 1 && announced > header->frames_per_trigger &&
                   announced % header->frames_per_trigger == 0 &&
                   announced / header->frames_per_trigger <= UINT32_MAX) {
            run->scan = (struct scan_geometry){
                .ny = (uint32_t)(announced / header->frames_per_trigger),
                .nx = (uint32_t)header->frames_per_trigger,
            };
        }
    }
    const bool endless = run->hdr && header->frames_in_acquisition == 0;
    run->frames_to_come = announced ? announced : endless ? 0 : scan_geometry_frames(&run->scan);
    run->expected = scan_geometry_positions(&run->scan);
    if (run->scan.ny == 0 && run->frames_to_come > run->scan.skip_start)
        run->expected = run->frames_to_come - run->scan.skip_start;
}

static int prepare_products(struct run *run, struct error *error)
{
    run->products = calloc(MAX_PRODUCTS, sizeof *run->products);
    if (!run->products)
        return error_set(error, -ENOMEM, "no memory for the live results");
    const enum cpu_isa isa = cpu_isa_best();
    int r;
    if (run->plan->n_virtual_detectors > 0) {
        r = virtual_detectors_prepare(&run->products[run->n_products], run->plan->virtual_detectors,
                                      run->plan->n_virtual_detectors, &run->format, isa, error);
        if (r < 0)
            return r;
        run->n_products++;
    }
    r = centre_of_mass_prepare(&run->products[run->n_products], &run->format, isa, error);
    if (r < 0)
        return r;
    run->n_products++;
    r = sum_pattern_prepare(&run->products[run->n_products], &run->format, isa, error);
    if (r < 0)
        return r;
    run->n_products++;
    return 0;
}

static unsigned lay_out_columns(struct run *run)
{
    unsigned n_columns = 0;
    for (unsigned i = 0; i < run->n_products; i++) {
        run->products[i].first_column = n_columns;
        n_columns += run->products[i].n_columns;
    }
    return n_columns;
}

static int partial_init(struct run_partial *partial, const struct run *run)
{
    partial->own = calloc(run->n_products, sizeof *partial->own);
    partial->shared = calloc(run->n_products, sizeof *partial->shared);
    if (!partial->own || !partial->shared)
        return -ENOMEM;
    for (unsigned i = 0; i < run->n_products; i++) {
        const size_t size = run->products[i].accumulator_size;
        if (size == 0)
            continue;
        partial->own[i] = product_accumulator_create(size);
        partial->shared[i] = product_accumulator_create(size);
        if (!partial->own[i] || !partial->shared[i])
            return -ENOMEM;
    }
    return 0;
}

static int create_partials(struct run *run, unsigned n_workers, struct error *error)
{
    run->partials = calloc(n_workers, sizeof *run->partials);
    if (!run->partials)
        return error_set(error, -ENOMEM, "no memory for the live results");
    run->n_workers = n_workers;
    for (unsigned i = 0; i < n_workers; i++)
        pthread_mutex_init(&run->partials[i].mutex, NULL);
    for (unsigned i = 0; i < n_workers; i++) {
        if (partial_init(&run->partials[i], run) < 0)
            return error_set(error, -ENOMEM, "no memory for the live results");
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

int run_create(struct run **out, struct acquisition_plan *plan, const struct pixel_format *format,
               const uint8_t *hdr, size_t hdr_size, unsigned n_workers, struct error *error)
{
    struct run *run = calloc(1, sizeof *run);
    if (!run)
        return error_set(error, -ENOMEM, "no memory for a run");
    atomic_init(&run->references, 1);
    atomic_init(&run->pending, 1);
    atomic_init(&run->latest_wanted, 1);
    pthread_mutex_init(&run->recording.mutex, NULL);
    pthread_mutex_init(&run->latest_mutex, NULL);
    run->plan = acquisition_plan_ref(plan);
    run->format = *format;
    run->started_ns = clock_realtime_ns();
    int r = take_header(run, hdr, hdr_size, error);
    if (r < 0)
        goto fail;
    choose_scan(run);
    run->chunk_frames = choose_chunk_frames(run);
    r = prepare_products(run, error);
    if (r < 0)
        goto fail;
    const unsigned n_columns = lay_out_columns(run);
    r = create_partials(run, n_workers, error);
    if (r < 0)
        goto fail;
    r = -ENOMEM;
    run->latest_image = malloc(format->image_size);
    if (!run->latest_image || frame_table_create(&run->frames, n_columns) < 0) {
        error_set(error, r, "no memory for the live results");
        goto fail;
    }
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

void run_drop_pending(struct run *run, const struct chunk_sink *sink)
{
    if (atomic_fetch_sub_explicit(&run->pending, 1, memory_order_acq_rel) == 1)
        sink->finish(sink->data, run);
}

static void partial_finish(struct run_partial *partial, const struct run *run)
{
    for (unsigned i = 0; i < run->n_products; i++) {
        if (partial->own)
            free(partial->own[i]);
        if (partial->shared)
            free(partial->shared[i]);
    }
    free(partial->own);
    free(partial->shared);
    pthread_mutex_destroy(&partial->mutex);
}

void run_unref(struct run *run)
{
    if (!run || atomic_fetch_sub_explicit(&run->references, 1, memory_order_acq_rel) != 1)
        return;
    frame_table_destroy(run->frames);
    free(run->latest_image);
    for (unsigned i = 0; i < run->n_workers; i++)
        partial_finish(&run->partials[i], run);
    free(run->partials);
    for (unsigned i = 0; i < run->n_products; i++)
        run->products[i].class->finish(&run->products[i]);
    free(run->products);
    free(run->hdr);
    acquisition_plan_unref(run->plan);
    pthread_mutex_destroy(&run->latest_mutex);
    pthread_mutex_destroy(&run->recording.mutex);
    free(run);
}
