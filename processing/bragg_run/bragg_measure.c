#include "processing/bragg_run/bragg_measure.h"

#include <errno.h>
#include <stdlib.h>

#include "processing/stored/frame_sweep.h"

/* Passes that refine; the second one finds what the first template hid. */
#define REFINEMENTS 2

struct pass {
    const struct bragg_measuring *measuring;
    const struct annulus_counts *annulus;
    struct bragg_learner **learners;       /* [n_threads], or */
    struct bragg_refinement **refinements; /* [n_threads] */
};

/* ---- passes ---- */

static bool is_wanted(void *data, uint64_t exposure)
{
    const struct pass *const pass = data;
    const struct bragg_measuring *const measuring = pass->measuring;
    return !measuring->wanted || measuring->wanted(measuring->data, exposure);
}

static bool is_left_out(const struct pass *pass, const void *image)
{
    const double mean =
        annulus_counts_mean(pass->annulus, annulus_counts_sum(pass->annulus, image));
    return mean < pass->measuring->counts_min || mean > pass->measuring->counts_max;
}

static void take(void *data, unsigned thread, uint64_t exposure, const void *image)
{
    (void)exposure;
    const struct pass *const pass = data;
    const uint32_t pixel_size = pass->measuring->run->format.pixel_size;
    if (is_left_out(pass, image))
        return;
    if (pass->learners) {
        bragg_learner_add(pass->learners[thread], image, pixel_size);
        return;
    }
    const struct bragg_frame frame = {
        .image = image,
        .pixel_size = pixel_size,
        .in_template = true,
    };
    bragg_refinement_add(pass->refinements[thread], &frame, NULL);
}

static int run_pass(struct pass *pass, struct error *error)
{
    const struct frame_sweep sweep = {
        .run = pass->measuring->run,
        .n_threads = pass->measuring->n_threads,
        .waits = pass->measuring->waits,
        .wanted = is_wanted,
        .each = take,
        .data = pass,
    };
    return frame_sweep(&sweep, error);
}

/* ---- the sum ---- */

static int make_learners(struct pass *pass, struct error *error)
{
    const struct pixel_format *const format = &pass->measuring->run->format;
    int r = 0;
    for (unsigned i = 0; i < pass->measuring->n_threads && r == 0; i++)
        r = bragg_learner_create(&pass->learners[i], format->height, format->width, error);
    return r;
}

/* Into the first thread's. */
static int sum_frames(struct pass *pass, struct error *error)
{
    int r = make_learners(pass, error);
    if (r == 0)
        r = run_pass(pass, error);
    for (unsigned i = 1; i < pass->measuring->n_threads && r == 0; i++)
        bragg_learner_merge(pass->learners[0], pass->learners[i]);
    return r;
}

static int reference_of_sum(const struct bragg_measuring *measuring,
                            const struct bragg_learner *sum, struct bragg_reference **reference,
                            struct error *error)
{
    struct bragg_reference_values values;
    if (bragg_learner_frames(sum) == 0)
        return error_set(error, -ENODATA, "there is no frame to learn from");
    bragg_learner_values(sum, &measuring->settings, measuring->bad, &values);
    const int r = bragg_reference_create(reference, &values, error);
    return r < 0 ? r : bragg_reference_suits(*reference, &measuring->run->format, error);
}

static int measure_first(const struct bragg_measuring *measuring,
                         const struct annulus_counts *annulus, struct bragg_reference **reference,
                         struct error *error)
{
    if (measuring->sum)
        return reference_of_sum(measuring, measuring->sum, reference, error);
    struct pass pass = {
        .measuring = measuring,
        .annulus = annulus,
        .learners = calloc(measuring->n_threads, sizeof(struct bragg_learner *)),
    };
    int r = -ENOMEM;
    if (pass.learners)
        r = sum_frames(&pass, error);
    else
        error_set(error, r, "no memory to learn from frames");
    if (r == 0 && pass.learners)
        r = reference_of_sum(measuring, pass.learners[0], reference, error);
    for (unsigned i = 0; pass.learners && i < measuring->n_threads; i++)
        bragg_learner_destroy(pass.learners[i]);
    free(pass.learners);
    return r;
}

/* ---- refining ---- */

static int make_refinements(struct pass *pass, const struct bragg_reference *reference,
                            struct error *error)
{
    int r = 0;
    for (unsigned i = 0; i < pass->measuring->n_threads && r == 0; i++)
        r = bragg_refinement_create(&pass->refinements[i], reference, cpu_isa_best(), error);
    return r;
}

/* Puts a better reference in the place of *reference. */
static int refine_with(struct pass *pass, struct bragg_reference **reference, struct error *error)
{
    struct bragg_reference_values values;
    struct bragg_reference *better = NULL;
    int r = make_refinements(pass, *reference, error);
    if (r == 0)
        r = run_pass(pass, error);
    for (unsigned i = 1; i < pass->measuring->n_threads && r == 0; i++)
        bragg_refinement_merge(pass->refinements[0], pass->refinements[i]);
    if (r == 0)
        r = bragg_refinement_values(pass->refinements[0], &values, error);
    if (r == 0)
        r = bragg_reference_create(&better, &values, error);
    for (unsigned i = 0; i < pass->measuring->n_threads; i++)
        bragg_refinement_destroy(pass->refinements[i]);
    if (r < 0)
        return r;
    bragg_reference_unref(*reference);
    *reference = better;
    return 0;
}

static int refine(const struct bragg_measuring *measuring, const struct annulus_counts *annulus,
                  struct bragg_reference **reference, struct error *error)
{
    struct pass pass = {
        .measuring = measuring,
        .annulus = annulus,
        .refinements = calloc(measuring->n_threads, sizeof(struct bragg_refinement *)),
    };
    const int r = pass.refinements ? refine_with(&pass, reference, error)
                                   : error_set(error, -ENOMEM, "no memory to learn from frames");
    free(pass.refinements);
    return r;
}

int bragg_measure(const struct bragg_measuring *measuring, struct bragg_reference **out,
                  struct error *error)
{
    struct annulus_counts annulus;
    struct bragg_reference *reference = NULL;
    if (annulus_counts_init(&annulus, &measuring->settings, measuring->bad,
                            &measuring->run->format) < 0)
        return error_set(error, -ENOMEM, "no memory to learn from frames");
    int r = measure_first(measuring, &annulus, &reference, error);
    for (unsigned i = 0; i < REFINEMENTS && r == 0; i++) {
        r = refine(measuring, &annulus, &reference, error);
        /* Too few quiet sectors to do better than the sum: it stays. */
        if (r == -ENODATA) {
            *error = (struct error){0};
            r = 0;
            break;
        }
    }
    annulus_counts_finish(&annulus);
    if (r < 0)
        bragg_reference_unref(reference);
    else
        *out = reference;
    return r;
}
