#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <blosc.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "processing/run/run_products.h"
#include "processing/stored/recompute.h"
#include "tests/unit/processing/frames.h"

enum { NY = 40, NX = 50, N = NY * NX, SIDE = 16, N_PIXELS = SIDE * SIDE };

static void fill(uint8_t *image, const struct pixel_format *format, uint64_t exposure)
{
    frame_fill(image, format, FILL_RANDOM, exposure);
}

/* As a file would have it. */
static int read_chunk(void *data, unsigned layer, int64_t first_place, struct chunk_buffer *buffer,
                      size_t *size, struct error *error)
{
    const struct run *const run = data;
    const size_t image_size = run->format.image_size, raw = run->chunk_frames * image_size;
    uint8_t *const images = calloc(1, raw);
    for (uint32_t i = 0; i < run->chunk_frames && (uint64_t)first_place + i < N; i++)
        fill(images + i * image_size, &run->format, (uint64_t)first_place + i);
    free(buffer->bytes);
    buffer->capacity = raw + BLOSC_MAX_OVERHEAD;
    buffer->bytes = malloc(buffer->capacity);
    const int n = blosc_compress_ctx(1, BLOSC_BITSHUFFLE, run->format.pixel_size, raw, images,
                                     buffer->bytes, buffer->capacity, BLOSC_LZ4_COMPNAME, 0, 1);
    free(images);
    assert_true(n > 0);
    *size = (size_t)n;
    return 0;
}

static bool wants(void *data, const struct run *run)
{
    return false;
}

static void finish(void *data, struct run *run) {}

/* A run of which all frames are there and nothing is computed yet, as an old one that is opened. */
static struct run *run_with(unsigned n_workers)
{
    struct acquisition_plan *const plan = acquisition_plan_create(0);
    const struct pixel_format format = frame_format(SIDE, SIDE, 2);
    const struct run_frames frames = {.format = &format, .n_layers = 1};
    struct error error;
    struct run *run;
    plan->scan = (struct scan_geometry){.ny = NY, .nx = NX};
    plan->frame_period_ns = 10 * 1000 * 1000; /* five frames a chunk */
    plan->analysis.radial_profile = plan->analysis.variance = true;
    plan->analysis.variance_settings.n_blocks = 4;
    assert_int_equal(run_create(&run, plan, &frames, n_workers, &error), 0);
    acquisition_plan_unref(plan);
    run->store = (struct chunk_store){.data = run, .read = read_chunk};
    for (uint64_t i = 0; i < N; i++) {
        struct frame_facts *const facts = frame_table_make(run->frames, i);
        facts->number = i + 1;
        atomic_store(&facts->state, FRAME_ANALYSED);
        frame_table_raise_end(run->frames, i + 1);
    }
    return run;
}

/* While somebody looks at the arrays all the time. */
static void compute_all(struct run *run, bool gives_way)
{
    const struct product_set *const set = run_set(run);
    const struct recompute_options options = {.sink = {.wants = wants, .finish = finish},
                                              .gives_way = gives_way};
    struct recompute *recompute;
    struct recompute_progress progress = {0};
    struct error error;
    assert_int_equal(recompute_create(&recompute, run, set->products, set->n, &options, &error), 0);
    while (!progress.finished) {
        run_want_arrays(run);
        usleep(1000);
        recompute_progress(recompute, &progress);
    }
    assert_int_equal(progress.error.code, 0);
    assert_int_equal(progress.done, progress.total);
    recompute_destroy(recompute);
}

static void assert_sum_is_that_of_the_frames(const struct run *run)
{
    unsigned which;
    uint64_t expected[N_PIXELS] = {0}, values[N_PIXELS];
    uint16_t image[N_PIXELS];
    for (uint64_t i = 0; i < N; i++) {
        fill((uint8_t *)image, &run->format, i);
        for (size_t pixel = 0; pixel < N_PIXELS; pixel++)
            expected[pixel] += image[pixel];
    }
    const struct product *const sum = run_find_array(run, "sum", &which);
    assert_int_equal(run_array(run, sum, which, values), 0);
    assert_memory_equal(values, expected, sizeof values);
}

static void assert_same_arrays(const struct run *a, const struct run *b)
{
    const struct product_set *const set = run_set(a);
    unsigned n = 0;
    for (unsigned i = 0; i < set->n; i++) {
        for (unsigned which = 0; which < set->products[i]->n_arrays; which++, n++) {
            uint64_t one[N_PIXELS] = {0}, other[N_PIXELS] = {0};
            assert_int_equal(run_array(a, set->products[i], which, one), 0);
            assert_int_equal(run_array(b, run_set(b)->products[i], which, other), 0);
            if (memcmp(one, other, sizeof one) != 0)
                fail_msg("%s differs", set->products[i]->arrays[which].name);
        }
    }
    assert_true(n > 10); /* patterns, profiles, those of the variance */
}

static void sums_of_several_threads_are_those_of_one_and_of_the_frames(void **state)
{
    struct run *const one = run_with(1), *const several = run_with(4), *const first = run_with(4);
    compute_all(one, false);
    compute_all(several, false);
    compute_all(first, true); /* the others stand still */
    assert_sum_is_that_of_the_frames(one);
    assert_sum_is_that_of_the_frames(several);
    assert_same_arrays(one, several);
    assert_same_arrays(one, first);
    run_unref(one);
    run_unref(several);
    run_unref(first);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sums_of_several_threads_are_those_of_one_and_of_the_frames),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
