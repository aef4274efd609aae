#include "processing/bragg_run/bragg_thinning.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/cpu.h"
#include "processing/bragg/bragg_classifier.h"
#include "processing/run/run_excluded.h"
#include "processing/run/run_products.h"
#include "processing/statistics/thinning.h"
#include "processing/stored/frame_sweep.h"

/* One thread's. */
struct thread_work {
    void *image;
    struct bragg_scratch *scratch;
    struct bragg_result result;
};

struct thinning_work {
    struct bragg_thinning *thinning;
    const struct product *product;
    struct thread_work *threads; /* [n_threads] */
};

/* What was excluded stays so: the window of counts is of the dose as it was. */
static bool is_wanted(void *data, uint64_t exposure)
{
    const struct thinning_work *const work = data;
    struct bragg_found found;
    if (exposure >= work->thinning->n_exposures ||
        !run_bragg_look(work->thinning->run, work->product, exposure, &found))
        return false;
    work->thinning->classes[exposure] = found.class;
    return found.class != BRAGG_EXCLUDED && found.class != BRAGG_NOT_ANALYSED;
}

static void classify(void *data, unsigned thread, uint64_t exposure, const void *image)
{
    const struct thinning_work *const work = data;
    const struct bragg_thinning *const thinning = work->thinning;
    const struct pixel_format *const format = &thinning->run->format;
    struct thread_work *const mine = &work->threads[thread];
    memcpy(mine->image, image, format->image_size);
    /* Cannot fail: keep and the size of a pixel are known to be good. */
    (void)thin_frame(mine->image, format->pixel_size, (uint64_t)format->height * format->width,
                     thinning->keep, thinning->seed, exposure, NULL);
    const struct bragg_frame frame = {.image = mine->image, .pixel_size = format->pixel_size};
    bragg_classify(mine->scratch, &frame, &mine->result);
    thinning->classes[exposure] = mine->result.class;
    if (mine->result.n_reflections > 0)
        thinning->contrast[exposure] = mine->result.contrast;
}

static int make_threads(struct thinning_work *work, struct error *error)
{
    const struct bragg_thinning *const thinning = work->thinning;
    const struct bragg_reference *const reference = bragg_product_setup(work->product)->reference;
    int r = 0;
    work->threads = calloc(thinning->n_threads, sizeof *work->threads);
    if (!work->threads)
        return error_set(error, -ENOMEM, "no memory to thin frames");
    for (unsigned i = 0; r == 0 && i < thinning->n_threads; i++) {
        struct thread_work *const mine = &work->threads[i];
        mine->image = malloc(thinning->run->format.image_size);
        r = mine->image ? bragg_scratch_create(&mine->scratch, reference, cpu_isa_best(), error)
                        : error_set(error, -ENOMEM, "no memory to thin frames");
    }
    return r;
}

static int make_results(struct bragg_thinning *thinning, struct error *error)
{
    const uint64_t n = frame_table_end(thinning->run->frames);
    thinning->n_exposures = n;
    thinning->classes = malloc(n + 1);
    thinning->contrast = malloc((n + 1) * sizeof *thinning->contrast);
    if (!thinning->classes || !thinning->contrast)
        return error_set(error, -ENOMEM, "no memory to thin frames");
    memset(thinning->classes, BRAGG_NOT_ANALYSED, n + 1);
    for (uint64_t i = 0; i < n; i++)
        thinning->contrast[i] = NAN;
    return 0;
}

static int sweep_all(struct thinning_work *work, struct error *error)
{
    struct bragg_thinning *const thinning = work->thinning;
    const struct frame_sweep sweep = {
        .run = thinning->run,
        .layer = work->product->layer,
        .n_threads = thinning->n_threads,
        .wanted = is_wanted,
        .each = classify,
        .data = work,
    };
    int r = make_threads(work, error);
    if (r == 0)
        r = frame_sweep(&sweep, error);
    for (unsigned i = 0; work->threads && i < thinning->n_threads; i++) {
        bragg_scratch_destroy(work->threads[i].scratch);
        free(work->threads[i].image);
    }
    free(work->threads);
    return r;
}

int bragg_thin(struct bragg_thinning *thinning, struct error *error)
{
    const struct product *const product = run_bragg(thinning->run);
    struct thinning_work work = {.thinning = thinning, .product = product};
    if (!product || !bragg_product_setup(product)->reference ||
        bragg_product_setup(product)->in_template)
        return error_set(error, -ENODATA,
                         "its frames were not compared with a kept reference: scans that are to be "
                         "thinned have to share one");
    int r = make_results(thinning, error);
    if (r == 0)
        r = sweep_all(&work, error);
    if (r < 0)
        bragg_thinning_finish(thinning);
    return r;
}

void bragg_thinning_finish(struct bragg_thinning *thinning)
{
    free(thinning->classes);
    free(thinning->contrast);
    thinning->classes = NULL;
    thinning->contrast = NULL;
    thinning->n_exposures = 0;
}
