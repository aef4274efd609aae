#include "processing/bragg_run/bragg_injection.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "processing/products/annulus_counts.h"
#include "processing/run/run_excluded.h"
#include "processing/run/run_products.h"
#include "processing/stored/frame_sweep.h"

/* An electron that is shared counts in 1 to 4 pixels with these chances: 1.8 in the mean, 4 in the
 * mean square. */
static const double sharing[] = {0.45, 0.35, 0.15, 0.05};
#define SHARED_MEAN 1.8
#define SHARED_SQUARE 4.0

struct thread_work {
    struct bragg_scratch *scratch;
    uint8_t *image;
    struct bragg_result result;
    struct found_rate rates[BRAGG_INJECTIONS_MAX];
    uint64_t n_disks, chance; /* of disks with counts; (counts - mean)^2 / mean, in CHANCE_UNIT */
};

struct injecting {
    struct bragg_injection *injection;
    const struct product *product;
    const struct bragg_product_setup *setup;
    struct annulus_counts annulus;
    double template_mean; /* counts per pixel of the ring in the mean pattern */
    double shared;        /* chance that an electron is shared */
    uint64_t step;        /* every so manieth frame */
    struct thread_work *threads;
};

/* ---- chance: a pure function of the frame ---- */

struct chance {
    uint64_t state;
};

/* SplitMix64 (Steele, Lea, Flood 2014). */
static double draw(struct chance *chance)
{
    uint64_t z = chance->state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return (double)((z ^ (z >> 31)) >> 11) * 0x1p-53;
}

/* By inversion, in parts small enough for the exponential. */
static unsigned draw_poisson(struct chance *chance, double mean)
{
    unsigned n = 0;
    while (mean > 0) {
        const double part = fmin(mean, 30);
        double left = draw(chance), p = exp(-part);
        for (unsigned i = 0; left > p && i < 200; i++) {
            left -= p;
            p *= part / (i + 1);
            n++;
        }
        mean -= part;
    }
    return n;
}

/* ---- a disk ---- */

static void add_count(const struct injecting *injecting, uint8_t *image, int64_t y, int64_t x)
{
    const struct pixel_format *const format = &injecting->injection->run->format;
    if (y < 0 || x < 0 || y >= format->height || x >= format->width)
        return;
    const uint64_t full =
        (UINT64_C(1) << (format->counter_depth ? format->counter_depth : 8 * format->pixel_size)) -
        1;
    uint8_t *const pixel = image + ((size_t)y * format->width + (size_t)x) * format->pixel_size;
    uint32_t count = 0;
    memcpy(&count, pixel, format->pixel_size);
    count += count < full;
    memcpy(pixel, &count, format->pixel_size);
}

/* Returns in how many pixels it counts. */
static unsigned add_electron(const struct injecting *injecting, struct chance *chance,
                             uint8_t *image, int64_t y, int64_t x)
{
    unsigned size = 1;
    if (draw(chance) < injecting->shared) {
        double left = draw(chance);
        for (; size < 4 && left >= sharing[size - 1]; size++)
            left -= sharing[size - 1];
    }
    const int64_t dy = draw(chance) < 0.5 ? -1 : 1, dx = draw(chance) < 0.5 ? -1 : 1;
    add_count(injecting, image, y, x);
    if (size > 1)
        add_count(injecting, image, y + dy, x);
    if (size > 2)
        add_count(injecting, image, y, x + dx);
    if (size > 3)
        add_count(injecting, image, y + dy, x + dx);
    return size;
}

struct place {
    double y, x;
};

static struct place choose_place(const struct injecting *injecting, struct chance *chance)
{
    const struct bragg_settings *const settings = &injecting->setup->settings;
    const double inner = settings->inner + settings->disk_radius;
    const double outer = fmax(inner, settings->outer - settings->disk_radius);
    const double r = inner + (outer - inner) * draw(chance);
    const double azimuth = 2 * M_PI * draw(chance);
    return (struct place){settings->centre_y + r * sin(azimuth),
                          settings->centre_x + r * cos(azimuth)};
}

struct disk_counts {
    double electrons; /* that were expected */
    uint64_t added;
};

/* `level`: electrons per count of the template's sum. */
static struct disk_counts add_disk(const struct injecting *injecting, struct chance *chance,
                                   struct place place, double level, uint8_t *image)
{
    const struct bragg_reference_values *const values =
        bragg_reference_values(injecting->setup->reference);
    const double radius = injecting->setup->settings.disk_radius;
    struct disk_counts counts = {0};
    for (int64_t y = (int64_t)floor(place.y - radius); y <= (int64_t)ceil(place.y + radius); y++) {
        for (int64_t x = (int64_t)floor(place.x - radius); x <= (int64_t)ceil(place.x + radius);
             x++) {
            if (y < 0 || x < 0 || y >= values->height || x >= values->width ||
                hypot((double)y - place.y, (double)x - place.x) > radius)
                continue;
            const uint64_t sum = values->template_sums[(size_t)y * values->width + (size_t)x];
            counts.electrons += level * (double)sum;
            for (unsigned n = draw_poisson(chance, level * (double)sum); n > 0; n--)
                counts.added += add_electron(injecting, chance, image, y, x);
        }
    }
    return counts;
}

static bool is_found(const struct injecting *injecting, const struct bragg_result *result,
                     struct place place)
{
    const double near = fmax(2, injecting->setup->settings.disk_radius / 2);
    for (uint32_t i = 0; i < result->n_reflections; i++) {
        if (hypot(result->reflections[i].y - place.y, result->reflections[i].x - place.x) <= near)
            return true;
    }
    return false;
}

/* ---- frames ---- */

static bool is_wanted(void *data, uint64_t exposure)
{
    const struct injecting *const injecting = data;
    struct bragg_found found;
    return exposure % injecting->step == 0 &&
           run_bragg_look(injecting->injection->run, injecting->product, exposure, &found) &&
           found.class == BRAGG_NONE;
}

/* What the variance over the mean is made from; sums of integers depend on no order. */
#define CHANCE_UNIT 0x1p-20

static void add_chance(struct thread_work *work, const struct disk_counts *counts,
                       double per_electron)
{
    const double mean = counts->electrons * per_electron;
    const double off = (double)counts->added - mean;
    if (!(mean > 0))
        return;
    work->n_disks++;
    work->chance += (uint64_t)llround(off * off / mean / CHANCE_UNIT);
}

static void inject(void *data, unsigned thread, uint64_t exposure, const void *image)
{
    const struct injecting *const injecting = data;
    const struct bragg_injection *const injection = injecting->injection;
    const struct pixel_format *const format = &injection->run->format;
    struct thread_work *const work = &injecting->threads[thread];
    struct chance chance = {exposure * UINT64_C(0xd1342543de82ef95) + 1};
    struct found_rate *const rate =
        &work->rates[exposure / injecting->step % injection->n_contrasts];
    const double mean =
        annulus_counts_mean(&injecting->annulus, annulus_counts_sum(&injecting->annulus, image));
    const double per_electron = 1 + injecting->shared * (SHARED_MEAN - 1);
    const double level = rate->contrast * mean / injecting->template_mean / per_electron;
    const struct place place = choose_place(injecting, &chance);
    memcpy(work->image, image, format->image_size);
    const struct disk_counts counts = add_disk(injecting, &chance, place, level, work->image);
    add_chance(work, &counts, per_electron);
    const struct bragg_frame frame = {
        .image = work->image,
        .pixel_size = format->pixel_size,
        .in_template = injecting->setup->in_template,
    };
    bragg_classify(work->scratch, &frame, &work->result);
    rate->n++;
    rate->found += is_found(injecting, &work->result, place);
}

/* ---- all ---- */

static int make_threads(struct injecting *injecting, struct error *error)
{
    const struct bragg_injection *const injection = injecting->injection;
    int r = 0;
    for (unsigned i = 0; i < injection->n_threads && r == 0; i++) {
        struct thread_work *const work = &injecting->threads[i];
        memcpy(work->rates, injection->rates, sizeof work->rates);
        work->image = malloc(injection->run->format.image_size);
        r = work->image ? bragg_scratch_create(&work->scratch, injecting->setup->reference,
                                               cpu_isa_best(), error)
                        : error_set(error, -ENOMEM, "no memory to put reflections into frames");
    }
    return r;
}

static int collect(struct injecting *injecting, struct error *error)
{
    struct bragg_injection *const injection = injecting->injection;
    uint64_t n = 0, n_disks = 0, chance = 0;
    for (unsigned thread = 0; thread < injection->n_threads; thread++) {
        n_disks += injecting->threads[thread].n_disks;
        chance += injecting->threads[thread].chance;
    }
    injection->overdispersion = (double)chance * CHANCE_UNIT / (double)n_disks;
    for (unsigned i = 0; i < injection->n_contrasts; i++) {
        for (unsigned thread = 0; thread < injection->n_threads; thread++) {
            injection->rates[i].n += injecting->threads[thread].rates[i].n;
            injection->rates[i].found += injecting->threads[thread].rates[i].found;
        }
        n += injection->rates[i].n;
    }
    return n > 0 ? 0
                 : error_set(error, -ENODATA,
                             "no frame of the run is without reflections, so that "
                             "none can be put into it");
}

static int run_all(struct injecting *injecting, struct error *error)
{
    const struct bragg_injection *const injection = injecting->injection;
    const struct frame_sweep sweep = {
        .run = injection->run,
        .layer = injecting->product->layer,
        .n_threads = injection->n_threads,
        .waits = injection->waits,
        .wanted = is_wanted,
        .each = inject,
        .data = injecting,
    };
    int r = make_threads(injecting, error);
    if (r == 0)
        r = frame_sweep(&sweep, error);
    if (r == 0)
        r = collect(injecting, error);
    for (unsigned i = 0; i < injection->n_threads; i++) {
        bragg_scratch_destroy(injecting->threads[i].scratch);
        free(injecting->threads[i].image);
    }
    return r;
}

/* Counts per pixel of the ring in the template, per unit of its sums: what `level` counts in. */
static double template_mean(const struct injecting *injecting)
{
    const struct bragg_reference_values *const values =
        bragg_reference_values(injecting->setup->reference);
    const struct annulus_counts *const annulus = &injecting->annulus;
    double sum = 0;
    for (uint32_t i = 0; i < annulus->height; i++) {
        for (uint32_t j = 0; j < annulus->width; j++) {
            if (annulus->mask[(size_t)i * annulus->width + j])
                sum += (double)values->template_sums[(size_t)(annulus->top + i) * values->width +
                                                     annulus->left + j];
        }
    }
    return annulus->n_pixels > 0 ? sum / (double)annulus->n_pixels : 0;
}

/* The share of electrons that gives the counts of a disk this overdispersion. */
static double shared_part(double overdispersion)
{
    const double part =
        (overdispersion - 1) / (SHARED_SQUARE - 1 - overdispersion * (SHARED_MEAN - 1));
    return part < 0 ? 0 : part > 1 ? 1 : part;
}

int bragg_injection_test(struct bragg_injection *injection, struct error *error)
{
    const struct product *const product = run_bragg(injection->run);
    if (!product || bragg_product_is_provisional(product))
        return error_set(error, -ENODATA,
                         "the newest run has no final classes of Bragg reflections (yet)");
    struct injecting injecting = {
        .injection = injection,
        .product = product,
        .setup = bragg_product_setup(product),
        .step = frame_table_end(injection->run->frames) / injection->max_frames + 1,
        .threads = calloc(injection->n_threads, sizeof(struct thread_work)),
    };
    injecting.shared =
        shared_part(bragg_reference_values(injecting.setup->reference)->overdispersion);
    int r = error_set(error, -ENOMEM, "no memory to put reflections into frames");
    if (injecting.threads &&
        annulus_counts_init(&injecting.annulus, &injecting.setup->settings, injecting.setup->bad,
                            &injection->run->format) == 0) {
        *error = (struct error){0};
        injecting.template_mean = template_mean(&injecting);
        r = run_all(&injecting, error);
        annulus_counts_finish(&injecting.annulus);
    }
    free(injecting.threads);
    return r;
}

/* ---- the rate of the headline ---- */

/* So many tell a rate to 2 %. */
#define FRAMES_OF_HEADLINE 500

static bool is_due(const struct run *run, const struct product *product)
{
    return product && !bragg_product_is_provisional(product) && run->recycle == 0 &&
           run_has_images(run) && frame_table_end(run->frames) > 0 &&
           bragg_product_setup(product)->settings.contrast_min > 0;
}

bool bragg_found_is_due(const struct run *run)
{
    return is_due(run, run_bragg(run));
}

int bragg_found_measure(struct run *run, struct error *error)
{
    const struct product *const product = run_bragg(run);
    if (!is_due(run, product))
        return 0;
    struct bragg_injection injection = {
        .run = run,
        .n_contrasts = 1,
        .rates[0].contrast = bragg_product_setup(product)->settings.contrast_min,
        .max_frames = FRAMES_OF_HEADLINE,
        .waits = true,
        .n_threads = run->n_workers,
    };
    const int r = bragg_injection_test(&injection, error);
    if (r == 0)
        run_set_bragg_found(run, product, &injection.rates[0]);
    return r;
}
