#include "processing/bragg/bragg_classifier.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/huge_memory.h"
#include "processing/bragg/bragg_candidates.h"

/* Lines of the cache: sums over disks take up to twice as long where vectors span two
 * (docs/bragg.md).
 */
static void *lines_of_zeros(size_t n, size_t size)
{
    void *const zeros = huge_memory_allocate(n * size);
    if (zeros)
        memset(zeros, 0, n * size);
    return zeros;
}

static int create_width(struct bragg_width_scratch *w, const struct bragg_reference *reference,
                        uint32_t width)
{
    const struct bragg_positions *const p = &reference->positions[width];
    const size_t n = reference->grid.map_size;
    bragg_sums_plan_init(&w->plan, &reference->grid, &p->disk, p->step);
    const size_t margin = bragg_map_margin(&reference->grid, p->step);
    w->sums_room = lines_of_zeros(n + 2 * margin, sizeof(uint32_t));
    w->sums = w->sums_room ? (uint32_t *)w->sums_room + margin : NULL;
    w->bin_ratio = calloc(p->n_bins, sizeof(*w->bin_ratio));
    w->bin_variance = calloc(p->n_bins, sizeof(*w->bin_variance));
    w->candidates = malloc(p->n * sizeof(*w->candidates));
    w->byte_sums = lines_of_zeros(n + BRAGG_BYTES_STRIDE, 1);
    return w->sums && w->byte_sums && w->bin_ratio && w->bin_variance && w->candidates ? 0
                                                                                       : -ENOMEM;
}

static int create(struct bragg_scratch *s)
{
    const struct bragg_grid *const grid = &s->reference->grid;
    size_t room = 0;
    for (uint32_t w = 0; w < s->reference->n_widths; w++) {
        if (create_width(&s->width[w], s->reference, w) < 0)
            return -ENOMEM;
        const size_t size = bragg_sums_room(&s->width[w].plan);
        room = size > room ? size : room;
    }
    s->pixels = lines_of_zeros(grid->buffer_size, sizeof(*s->pixels));
    s->narrow = lines_of_zeros(grid->buffer_size, sizeof(*s->narrow));
    s->room_16 = lines_of_zeros(room, sizeof(*s->room_16));
    s->room_32 = lines_of_zeros(room, sizeof(*s->room_32));
    s->bytes = lines_of_zeros(grid->buffer_size, sizeof(*s->bytes));
    s->room_8 = lines_of_zeros(room, sizeof(*s->room_8));
    s->excess = calloc(bragg_window_room(s->reference), sizeof(*s->excess));
    s->blocks = malloc((grid->map_size / BRAGG_LANES + 1) * sizeof(*s->blocks));
    return s->pixels && s->narrow && s->bytes && s->room_16 && s->room_32 && s->room_8 &&
                   s->excess && s->blocks
               ? 0
               : -ENOMEM;
}

int bragg_scratch_create(struct bragg_scratch **scratch, const struct bragg_reference *reference,
                         enum cpu_isa isa, struct error *error)
{
    *scratch = NULL;
    struct bragg_scratch *const s = calloc(1, sizeof(*s));
    if (s) {
        s->reference = reference;
        s->kernels = bragg_kernels_for(isa);
    }
    if (!s || create(s) < 0) {
        bragg_scratch_destroy(s);
        return error_set(error, -ENOMEM, "not enough memory to search for Bragg reflections");
    }
    *scratch = s;
    return 0;
}

void bragg_scratch_destroy(struct bragg_scratch *scratch)
{
    if (!scratch)
        return;
    free(scratch->blocks);
    free(scratch->excess);
    free(scratch->room_8);
    free(scratch->room_32);
    free(scratch->room_16);
    free(scratch->bytes);
    free(scratch->narrow);
    free(scratch->pixels);
    for (uint32_t w = 0; w < BRAGG_WIDTHS; w++) {
        free(scratch->width[w].candidates);
        free(scratch->width[w].bin_variance);
        free(scratch->width[w].bin_ratio);
        free(scratch->width[w].byte_sums);
        free(scratch->width[w].sums_room);
    }
    free(scratch);
}

void bragg_need_sums(struct bragg_scratch *scratch, enum bragg_width width)
{
    if (!scratch->width[width].has_sums)
        scratch->method->sum_disks(scratch, width);
    scratch->width[width].has_sums = true;
}

static void need_narrow(struct bragg_scratch *scratch)
{
    if (!scratch->has_narrow)
        scratch->kernels->widen_8(scratch->narrow, scratch->bytes,
                                  scratch->reference->grid.buffer_size);
    scratch->has_narrow = true;
}

void bragg_widen_pixels(struct bragg_scratch *scratch)
{
    if (scratch->has_wide)
        return;
    need_narrow(scratch);
    scratch->kernels->widen_16(scratch->pixels, scratch->narrow,
                               scratch->reference->grid.buffer_size);
    scratch->has_wide = true;
}

static uint64_t sum_parts(struct bragg_scratch *scratch)
{
    const struct bragg_background_plan *const plan = &scratch->reference->background;
    uint64_t total = 0;
    if (scratch->has_bytes && !scratch->has_narrow)
        scratch->kernels->sum_parts_8(scratch->part_counts, plan, scratch->bytes);
    else if (scratch->has_narrow)
        scratch->kernels->sum_parts_16(scratch->part_counts, plan, scratch->narrow);
    else
        scratch->kernels->sum_parts_32(scratch->part_counts, plan, scratch->pixels);
    for (uint32_t i = 0; i < plan->n_sectors * plan->n_bands; i++)
        total += scratch->part_counts[i];
    return total;
}

/* Whether no disk holds more counts than 16 bits do. */
static bool fit_narrow(const struct bragg_scratch *scratch, uint64_t total)
{
    const struct bragg_background_plan *const plan = &scratch->reference->background;
    uint32_t sectors[BRAGG_SECTORS_MAX] = {0};
    if (total <= UINT16_MAX)
        return true;
    if (scratch->has_wide)
        return false;
    for (uint32_t b = 0; b < plan->n_bands; b++) {
        for (uint32_t s = 0; s < plan->n_sectors; s++)
            sectors[s] += scratch->part_counts[b * plan->n_sectors + s];
    }
    uint64_t sum = 0, most = 0;
    for (uint32_t s = 0; s < plan->n_sectors + plan->disk_sectors; s++) {
        sum += sectors[s < plan->n_sectors ? s : s - plan->n_sectors];
        if (s >= plan->disk_sectors)
            sum -= sectors[s - plan->disk_sectors];
        most = sum > most ? sum : most;
    }
    return most <= UINT16_MAX;
}

/* Into bytes where the frame has no more than they hold: most steps need no more of it. */
static void load_pixels(struct bragg_scratch *scratch, const struct bragg_frame *frame)
{
    const struct bragg_kernels *const kernels = scratch->kernels;
    const struct bragg_grid *const grid = &scratch->reference->grid;
    const uint8_t *const mask = scratch->reference->mask;
    scratch->has_bytes = frame->pixel_size < 4;
    scratch->has_narrow = false;
    scratch->has_wide = !scratch->has_bytes;
    if (frame->pixel_size == 1) {
        kernels->load_8(scratch->bytes, grid, mask, frame->image);
    } else if (frame->pixel_size == 2) {
        scratch->has_narrow = !kernels->load_16_to_bytes(scratch->bytes, grid, mask, frame->image);
        if (scratch->has_narrow)
            kernels->load_16(scratch->narrow, grid, mask, frame->image);
    } else {
        kernels->load_32(scratch->pixels, grid, mask, frame->image);
    }
}

static uint64_t load_fast(struct bragg_scratch *scratch, const struct bragg_frame *frame)
{
    load_pixels(scratch, frame);
    const uint64_t total = sum_parts(scratch);
    scratch->sums_are_narrow = fit_narrow(scratch, total);
    if (!scratch->sums_are_narrow)
        bragg_widen_pixels(scratch);
    else if (scratch->has_wide)
        scratch->kernels->narrow(scratch->narrow, scratch->pixels,
                                 scratch->reference->grid.buffer_size);
    scratch->has_narrow |= scratch->has_wide && scratch->sums_are_narrow;
    return total;
}

static void sum_disks_fast(struct bragg_scratch *scratch, enum bragg_width width)
{
    const struct bragg_width_scratch *const w = &scratch->width[width];
    if (!scratch->sums_are_narrow) {
        scratch->kernels->disk_sums_32(w->sums, scratch->room_32, scratch->pixels, &w->plan);
        return;
    }
    need_narrow(scratch);
    scratch->kernels->disk_sums_16(w->sums, scratch->room_16, scratch->narrow, &w->plan);
}

static void leave_out(struct bragg_scratch *scratch, const struct bragg_frame *frame)
{
    const struct bragg_background_plan *const plan = &scratch->reference->background;
    const double n = (double)scratch->reference->values.n_frames;
    const bool own = frame->in_template && n > 1;
    scratch->keep = own ? n / (n - 1) : 1;
    scratch->own = own ? 1 / (n - 1) : 0;
    if (!own)
        return;
    for (uint32_t i = 0; i < plan->n_sectors * plan->n_bands; i++) {
        const double template = plan->part_template[i];
        scratch->part_template[i] =
            fmax(template * scratch->keep - scratch->part_counts[i] * scratch->own,
                 template * BRAGG_TEMPLATE_LEFT);
    }
}

/* The background at the places of a width from that of the bands. */
static void spread_background(struct bragg_scratch *scratch, enum bragg_width width)
{
    const struct bragg_positions *const p = &scratch->reference->positions[width];
    const uint32_t n_bands = scratch->reference->background.n_bands;
    for (uint32_t bin = 0; bin < p->n_bins; bin++) {
        const double *const mix = p->mix + (size_t)bin * n_bands;
        double ratio = 0, variance = 0;
        for (uint32_t b = p->first_band[bin]; b < p->end_band[bin]; b++) {
            ratio += mix[b] * scratch->background.ratio[b];
            variance += mix[b] * scratch->background.variance[b];
        }
        variance *= scratch->background.variance_share;
        scratch->width[width].bin_ratio[bin] = ratio;
        scratch->width[width].bin_variance[bin] = variance;
    }
}

static void search(struct bragg_scratch *scratch, uint64_t busy)
{
    uint32_t n_candidates = 0;
    const struct bragg_background_plan *const plan = &scratch->reference->background;
    scratch->kernels->fit_background(
        &scratch->background, plan, scratch->part_counts,
        scratch->own > 0 ? scratch->part_template : plan->part_template, busy);
    for (uint32_t w = 0; w < scratch->reference->n_widths; w++) {
        spread_background(scratch, w);
        scratch->width[w].n_candidates = 0;
        memset(scratch->width[w].least, 0, sizeof(scratch->width[w].least));
        scratch->method->find(scratch, w);
        n_candidates += scratch->width[w].n_candidates;
    }
    if (n_candidates == 0)
        return;
    for (uint32_t w = 0; w < scratch->reference->n_widths; w++)
        bragg_need_sums(scratch, w);
}

static void tell_background(const struct bragg_scratch *scratch, struct bragg_result *result)
{
    const struct bragg_background_plan *const plan = &scratch->reference->background;
    const struct bragg_background *const background = &scratch->background;
    result->n_bands = (uint8_t)plan->n_bands;
    result->n_sectors = (uint32_t)__builtin_popcountll(plan->usable);
    result->n_quiet_sectors = background->n_quiet;
    result->scale = background->scale;
    for (uint32_t b = 0; b < plan->n_bands; b++) {
        result->ratio[b] = background->ratio[b];
        result->ratio_error[b] = sqrt(background->variance[b]);
    }
    if (background->n_quiet * 5 < result->n_sectors)
        result->flags |= BRAGG_CROWDED;
}

/* Annuli brighter than this many times the template's mean are beyond the thresholds. */
#define BRIGHTEST 48

/* Sums of 32 bits hold any disk, thresholds reach over a range of counts. */
static bool in_range(const struct bragg_scratch *scratch, uint64_t total)
{
    const struct bragg_reference *const r = scratch->reference;
    const double mean = r->counts_per_pixel * r->pixels.n_used;
    return total < UINT32_MAX && (double)total < BRIGHTEST * mean;
}

static void clear_result(struct bragg_result *result)
{
    memset(result, 0, offsetof(struct bragg_result, reflections));
}

/* With fewer sectors than this part the first background stays, or with fewer counts in them, which
 * would tell it only to a factor. */
#define QUIET_PART 8
#define QUIET_COUNTS 4

static bool enough_left(const struct bragg_scratch *scratch, uint64_t busy)
{
    const struct bragg_background_plan *const plan = &scratch->reference->background;
    const uint64_t left = plan->usable & ~busy;
    uint64_t counts = 0;
    if ((uint32_t)__builtin_popcountll(left) * QUIET_PART < plan->n_sectors)
        return false;
    for (uint32_t b = 0; b < plan->n_bands && counts < QUIET_COUNTS; b++) {
        for (uint32_t s = 0; s < plan->n_sectors; s++)
            counts += left >> s & 1 ? scratch->part_counts[b * plan->n_sectors + s] : 0;
    }
    return counts >= QUIET_COUNTS;
}

void bragg_classify_by(const struct bragg_method *method, struct bragg_scratch *scratch,
                       const struct bragg_frame *frame, struct bragg_result *result)
{
    const struct bragg_reference *const r = scratch->reference;
    clear_result(result);
    scratch->method = method;
    for (uint32_t w = 0; w < r->n_widths; w++)
        scratch->width[w].has_sums = scratch->width[w].has_byte_sums = false;
    const uint64_t total = method->load(scratch, frame);
    if (total == 0) {
        result->flags = BRAGG_NO_COUNTS;
        return;
    }
    if (!in_range(scratch, total)) {
        result->class = BRAGG_NOT_ANALYSED;
        result->flags = BRAGG_OUT_OF_RANGE;
        return;
    }
    leave_out(scratch, frame);
    search(scratch, 0);
    bragg_choose_peaks(scratch);
    const uint64_t busy = bragg_busy_sectors(scratch);
    if (busy & scratch->background.quiet && enough_left(scratch, busy)) {
        search(scratch, busy);
        bragg_choose_peaks(scratch);
    }
    bragg_list_reflections(scratch, result);
    tell_background(scratch, result);
    bragg_find_class(scratch, result);
}

void bragg_classify(struct bragg_scratch *scratch, const struct bragg_frame *frame,
                    struct bragg_result *result)
{
    static const struct bragg_method fast = {load_fast, sum_disks_fast, bragg_find_candidates};
    bragg_classify_by(&fast, scratch, frame, result);
}
