/*
 * What a frame costs in each product: microseconds per frame on one core, for each instruction set
 * of this machine and several doses, as one JSON object.
 *
 *   bench_kernels [FORMAT...] [MEASUREMENT...]
 *
 * FORMAT: u8_256, u16_256, u16_512, u32_256, raw1_256, raw1_512. MEASUREMENT: a name below. All of
 * them when none is named.
 *
 * Frames are taken as workers do, one by one or many together, and none of four in a row, or of
 * those taken together, is like another; every figure is CPU time of this thread, the least over
 * 3 to 15 repeats, as many as it takes for the three least to be within 1 % of each other, since
 * other programs only ever add to it. raw1 frames are payloads of one bit a pixel
 * that nobody decodes unless a product asks for it. `frame_sum` is a plain loop that adds up the
 * frame's pixels, as a yardstick. Detectors: `rings_8` are eight disks and annuli of usual sizes
 * with hard edges, `antialiased_8` the same with smooth ones, `segmented_4` four quadrants,
 * `masks_8` eight masks of real weights that cover the whole frame (the most expensive ones there
 * are), `detectors_16` are rings_8 and masks_8. `all` is detectors_16, centre of mass, radial
 * profile and sum pattern, one after the other on each frame; `all_and_variance` has the sums of
 * squares, of pixels and rings, as well. `binary_16` are sixteen detectors with hard edges, rings_8
 * twice; `whole_frames_16` sixteen that cover all of the frame.
 */
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "processing/kernels/kernels_squares.h"
#include "processing/pixels/mask_values.h"
#include "processing/products/product.h"
#include "processing/products/profile_products.h"

#define FRAMES_PER_REPEAT                                                                          \
    260            /* at least; a little more than one flush of the sum pattern's tile             \
                    */
#define REPEATS 15 /* at most */
#define PRODUCTS_MAX 32

static const struct pixel_format formats[] = {
    {.width = 256, .height = 256, .pixel_size = 1, .counter_depth = 6, .image_size = 1 << 16},
    {.width = 256, .height = 256, .pixel_size = 2, .counter_depth = 12, .image_size = 1 << 17},
    {.width = 512, .height = 512, .pixel_size = 2, .counter_depth = 12, .image_size = 1 << 19},
    {.width = 256, .height = 256, .pixel_size = 4, .counter_depth = 24, .image_size = 1 << 18},
    {.width = 256,
     .height = 256,
     .pixel_size = 1,
     .counter_depth = 1,
     .image_size = 1 << 16,
     .packing = PACKING_RAW_1,
     .payload_size = 1 << 13},
    {.width = 512,
     .height = 512,
     .pixel_size = 1,
     .counter_depth = 1,
     .image_size = 1 << 18,
     .packing = PACKING_RAW_1,
     .raw_quad = true,
     .payload_size = 1 << 15},
};
static const char *const format_names[] = {"u8_256",  "u16_256",  "u16_512",
                                           "u32_256", "raw1_256", "raw1_512"};
#define N_FORMATS (sizeof formats / sizeof formats[0])

static const double doses[] = {0.05, 0.3, 1, 10}; /* counts per pixel */
#define N_DOSES (sizeof doses / sizeof doses[0])

#define SEED UINT64_C(88172645463325252) /* of the first of the frames in hand */

/* Radii in parts of the frame's width. */
static const struct virtual_detector_settings rings[] = {
    {.name = "bf", .shape = VIRTUAL_DETECTOR_DISK, .outer = 0.05},
    {.name = "abf", .shape = VIRTUAL_DETECTOR_ANNULUS, .inner = 0.025, .outer = 0.05},
    {.name = "disk", .shape = VIRTUAL_DETECTOR_DISK, .outer = 0.25},
    {.name = "half", .shape = VIRTUAL_DETECTOR_DISK, .outer = 0.4},
    {.name = "ring_1", .shape = VIRTUAL_DETECTOR_ANNULUS, .inner = 0.13, .outer = 0.15},
    {.name = "ring_2", .shape = VIRTUAL_DETECTOR_ANNULUS, .inner = 0.15, .outer = 0.17},
    {.name = "adf", .shape = VIRTUAL_DETECTOR_ANNULUS, .inner = 0.1, .outer = 0.25},
    {.name = "haadf", .shape = VIRTUAL_DETECTOR_ANNULUS, .inner = 0.25, .outer = 0.47},
};
static const struct virtual_detector_settings everything = {
    .name = "everything", .shape = VIRTUAL_DETECTOR_DISK, .outer = 1};
static const struct virtual_detector_settings quadrants = {
    .name = "dpc", .shape = VIRTUAL_DETECTOR_SEGMENTED, .outer = 0.25, .n_sectors = 4};
#define N_RINGS 8
#define N_MASKS 8

/* What is measured together, one product after the other on each frame. */
struct group {
    const struct pixel_format *format;
    enum cpu_isa isa;
    size_t n;
    struct product products[PRODUCTS_MAX];
    const struct square_kernels *squares;
    struct shared_work *shared;
};

static bool is_bits(const struct pixel_format *format)
{
    return format->packing == PACKING_RAW_1;
}

static void give_up(const char *what)
{
    fprintf(stderr, "bench_kernels: %s\n", what);
    exit(EXIT_FAILURE);
}

static void *allocate(size_t size)
{
    void *const memory = aligned_alloc(64, (size + 63) & ~(size_t)63);
    if (!memory)
        give_up("no memory");
    memset(memory, 0, size);
    return memory;
}

static double uniform(uint64_t *seed)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    return (double)(*seed >> 11) * 0x1p-53;
}

static uint32_t poisson(uint64_t *seed, double mean)
{
    const double limit = exp(-mean);
    uint32_t counts = 0;
    for (double product = uniform(seed); product > limit; product *= uniform(seed))
        counts++;
    return counts;
}

static void *make_payload(const struct pixel_format *format, double dose, uint64_t seed)
{
    uint8_t *const payload = allocate(format->payload_size);
    for (size_t bit = 0; bit < format->payload_size * 8; bit++)
        payload[bit / 8] |= (uint8_t)((poisson(&seed, dose) > 0) << bit % 8);
    return payload;
}

static void *make_frame(const struct pixel_format *format, double dose, uint64_t seed)
{
    if (is_bits(format))
        return make_payload(format, dose, seed);
    uint8_t *const image = allocate(format->image_size);
    for (size_t at = 0; at < format->image_size; at += format->pixel_size) {
        const uint32_t counts = poisson(&seed, dose);
        image[at] = (uint8_t)(counts < 63 ? counts : 63); /* little-endian */
    }
    return image;
}

static uint64_t cpu_ns(void)
{
    return clock_read_ns(CLOCK_THREAD_CPUTIME_ID);
}

/* The least times of the repeats so far, the smallest first. */
#define THAT_AGREE 3

struct least_times {
    size_t n;
    double us[THAT_AGREE];
};

static void least_times_add(struct least_times *times, double us)
{
    size_t place = times->n < THAT_AGREE ? times->n : THAT_AGREE;
    for (; place > 0 && us < times->us[place - 1]; place--) {
        if (place < THAT_AGREE)
            times->us[place] = times->us[place - 1];
    }
    if (place < THAT_AGREE)
        times->us[place] = us;
    times->n++;
}

/* Other programs only ever add to a time: when the least ones are alike nothing was added to them,
 * and more repeats would tell the same. On a quiet machine these are the first. */
static bool are_enough(const struct least_times *times)
{
    return times->n >= REPEATS ||
           (times->n >= THAT_AGREE && times->us[THAT_AGREE - 1] <= 1.01 * times->us[0]);
}

/* ---- groups ---- */

static void check(int status, const struct error *error)
{
    if (status)
        give_up(error->text);
}

static void add_detector(struct group *group, const struct virtual_detector_settings *settings,
                         enum virtual_detector_edge edge)
{
    struct error error = {0};
    struct virtual_detector_settings scaled = *settings;
    scaled.inner *= group->format->width;
    scaled.outer *= group->format->width;
    scaled.edge = edge;
    check(virtual_detector_prepare(&group->products[group->n++], &scaled, group->format, NULL,
                                   group->isa, &error),
          &error);
}

static void add_rings(struct group *group, enum virtual_detector_edge edge)
{
    for (size_t i = 0; i < N_RINGS; i++)
        add_detector(group, &rings[i], edge);
}

/* A smooth weight that has no two pixels alike. */
static void add_mask(struct group *group, unsigned number)
{
    struct error error = {0};
    const uint32_t height = group->format->height, width = group->format->width;
    float *const values = allocate((size_t)height * width * sizeof *values);
    for (size_t row = 0; row < height; row++) {
        for (size_t column = 0; column < width; column++) {
            const double y = (double)row / height, x = (double)column / width;
            values[row * width + column] =
                (float)(sin(3 * y + number) * cos(5 * x * (number + 1)) + 0.37 * y + 0.11);
        }
    }
    struct virtual_detector_settings settings = {.name = "mask", .shape = VIRTUAL_DETECTOR_MASK};
    check(mask_values_create(&settings.mask, values, height, width, &error), &error);
    add_detector(group, &settings, VIRTUAL_DETECTOR_HARD);
    virtual_detector_settings_finish(&settings);
    free(values);
}

static void add_masks(struct group *group)
{
    for (unsigned i = 0; i < N_MASKS; i++)
        add_mask(group, i);
}

static void add_centre_of_mass(struct group *group)
{
    struct error error = {0};
    check(centre_of_mass_prepare(&group->products[group->n++], group->format, group->isa, &error),
          &error);
}

static void add_sum_pattern(struct group *group)
{
    struct error error = {0};
    check(sum_pattern_prepare(&group->products[group->n++], group->format, group->isa, &error),
          &error);
}

static void add_radial_profile(struct group *group)
{
    struct error error = {0};
    const struct radial_settings settings = {0};
    check(radial_profile_prepare(&group->products[group->n++], &settings, NULL, group->format,
                                 group->isa, &error),
          &error);
}

/* Lines of so many positions are the blocks of the variance's errors. */
#define LINE 128

static void add_variance(struct group *group)
{
    struct error error = {0};
    const struct variance_settings settings = {.block_length = LINE};
    check(variance_prepare(&group->products[group->n++], &settings, NULL, group->format, group->isa,
                           &error),
          &error);
}

/* The part of the variance that keeps n and n^2 of every pixel: sums of n, then of n(n - 1). */
static void add_squares_of_frame(const struct product *product, uint64_t exposure,
                                 struct frame *frame, const uint64_t *columns, void *accumulator)
{
    const struct square_kernels *const *const kernels = product->state;
    const uint32_t pixel_size = product->format.pixel_size;
    const size_t n_pixels = product->format.image_size / pixel_size;
    void *const pairs = (uint8_t *)accumulator + 2 * product->format.image_size;
    const struct frame_events *const events = frame_events(frame);
    if (events)
        events_add_pairs(events, pixel_size, accumulator, pairs, n_pixels);
    else
        (*kernels)->accumulate(accumulator, pairs, frame_image(frame), n_pixels);
}

static void finish_squares(struct product *product) {}

static const struct product_class squares_class = {
    .kind = "squares", .accumulate = add_squares_of_frame, .finish = finish_squares};

static void add_squares(struct group *group)
{
    group->squares = square_kernels_for(group->isa, group->format->pixel_size);
    group->products[group->n++] = (struct product){
        .class = &squares_class,
        .format = *group->format,
        .accumulator_size = 6 * group->format->image_size,
        .state = &group->squares,
    };
}

static void add_all(struct group *group)
{
    add_rings(group, VIRTUAL_DETECTOR_HARD);
    add_masks(group);
    add_centre_of_mass(group);
    add_radial_profile(group);
    add_sum_pattern(group);
}

/* ---- the clock ---- */

static void run_frame(const struct group *group, uint64_t exposure, struct frame *frame,
                      uint64_t *columns, void *const *accumulators)
{
    for (size_t i = 0; i < group->n; i++) {
        const struct product *const product = &group->products[i];
        if (product->n_columns > 0)
            product->class->frame(product, frame, columns);
        if (product->class->accumulate)
            product->class->accumulate(product, exposure, frame, columns, accumulators[i]);
    }
}

static void share(struct group *group)
{
    struct product *products[PRODUCTS_MAX];
    for (size_t i = 0; i < group->n; i++)
        products[i] = &group->products[i];
    group->shared = shared_work_create(products, group->n, group->format, group->isa);
}

static struct frame make_view(const struct group *group, struct frame_forms *forms,
                              const void *data, void *room)
{
    struct frame frame = {.forms = forms, .image = data};
    if (is_bits(group->format))
        frame = frame_of_payload(forms, data, room);
    frame.shared = group->shared;
    return frame;
}

/* Frames that are taken one by one are of so many that differ; of those taken together each does.
 */
#define FRAMES_THAT_DIFFER 4

/* Microseconds of a frame, taken one or many at a time as workers do: `data` are their images, or
 * their payloads of bits. */
static double repeat_us(const struct group *group, struct frame_forms *forms, void *const *data,
                        uint8_t *rooms, void *const *accumulators)
{
    uint64_t columns[PRODUCT_MAX_COLUMNS], done = 0;
    struct frame frames[WEIGHT_IMAGES];
    const uint64_t start = cpu_ns();
    while (done < FRAMES_PER_REPEAT) {
        const unsigned n = frames_at_once(forms, group->shared);
        for (unsigned i = 0; i < n; i++) {
            const size_t which = n > 1 ? i : done % FRAMES_THAT_DIFFER;
            frames[i] =
                make_view(group, forms, data[which], rooms + which * group->format->image_size);
        }
        frames_weigh_ahead(frames, n);
        for (unsigned i = 0; i < n; i++)
            run_frame(group, done++, &frames[i], columns, accumulators);
    }
    return (double)(cpu_ns() - start) / 1e3 / (double)done;
}

static void group_finish(struct group *group, void **accumulators)
{
    for (size_t i = 0; i < group->n; i++) {
        free(accumulators[i]);
        group->products[i].class->finish(&group->products[i]);
    }
    shared_work_destroy(group->shared);
}

static void *accumulator_of(const struct product *product)
{
    void *const accumulator = product_accumulator_create(product->accumulator_size + 1);
    if (!accumulator)
        give_up("no memory");
    return accumulator;
}

static double group_us(struct group *group, void *const *data)
{
    struct frame_forms forms;
    void *accumulators[PRODUCTS_MAX] = {NULL};
    struct least_times times = {0};
    void *const rooms = allocate(WEIGHT_IMAGES * group->format->image_size);
    frame_forms_init(&forms, group->format, group->isa);
    share(group);
    for (size_t i = 0; i < group->n; i++)
        accumulators[i] = accumulator_of(&group->products[i]);
    while (!are_enough(&times))
        least_times_add(&times, repeat_us(group, &forms, data, rooms, accumulators));
    group_finish(group, accumulators);
    frame_forms_finish(&forms);
    free(rooms);
    return times.us[0];
}

static uint64_t frame_sum(const struct pixel_format *format, const void *image)
{
    const size_t n_pixels = format->image_size / format->pixel_size;
    uint64_t sum = 0;
    if (format->pixel_size == 1)
        for (size_t i = 0; i < n_pixels; i++)
            sum += ((const uint8_t *)image)[i];
    else if (format->pixel_size == 2)
        for (size_t i = 0; i < n_pixels; i++)
            sum += ((const uint16_t *)image)[i];
    else
        for (size_t i = 0; i < n_pixels; i++)
            sum += ((const uint32_t *)image)[i];
    return sum;
}

static double frame_sum_us(const struct pixel_format *format, const void *image)
{
    struct least_times times = {0};
    volatile uint64_t sum = 0;
    while (!are_enough(&times)) {
        const uint64_t start = cpu_ns();
        for (size_t i = 0; i < FRAMES_PER_REPEAT; i++) {
            __asm__ volatile(""
                             :
                             : "r"(image)
                             : "memory"); /* the frame may have changed: sum it again */
            sum = sum + frame_sum(format, image);
        }
        least_times_add(&times, (double)(cpu_ns() - start) / 1e3 / FRAMES_PER_REPEAT);
    }
    return times.us[0];
}

/* ---- what is measured ---- */

static void fill_rings(struct group *group)
{
    add_rings(group, VIRTUAL_DETECTOR_HARD);
}

static void fill_antialiased(struct group *group)
{
    add_rings(group, VIRTUAL_DETECTOR_ANTIALIASED);
}

static void fill_whole_frame(struct group *group)
{
    add_detector(group, &everything, VIRTUAL_DETECTOR_HARD);
}

static void fill_segmented(struct group *group)
{
    add_detector(group, &quadrants, VIRTUAL_DETECTOR_HARD);
}

static void fill_mask(struct group *group)
{
    add_mask(group, 0);
}

static void fill_binary(struct group *group)
{
    fill_rings(group);
    fill_rings(group);
}

static void fill_whole_frames(struct group *group)
{
    for (unsigned i = 0; i < 16; i++)
        fill_whole_frame(group);
}

static void fill_sixteen(struct group *group)
{
    add_rings(group, VIRTUAL_DETECTOR_HARD);
    add_masks(group);
}

static void fill_all_and_squares(struct group *group)
{
    add_all(group);
    add_squares(group);
}

static void fill_all_and_variance(struct group *group)
{
    add_all(group);
    add_variance(group);
}

static struct measurement {
    const char *name;
    void (*fill)(struct group *group);
    bool every_dose; /* the others take the same time whatever the pixels hold */
    bool not_bits;   /* there is none of 1-bit frames */
    bool wanted;
} measurements[] = {
    {"rings_8", fill_rings, false},
    {"binary_16", fill_binary, false},
    {"whole_frames_16", fill_whole_frames, false},
    {"antialiased_8", fill_antialiased, false},
    {"segmented_4", fill_segmented, false},
    {"whole_frame_detector", fill_whole_frame, false},
    {"mask", fill_mask, false},
    {"masks_8", add_masks, true},
    {"detectors_16", fill_sixteen, true},
    {"centre_of_mass", add_centre_of_mass, false},
    {"sum_pattern", add_sum_pattern, true},
    {"radial_profile", add_radial_profile, true},
    {"squares", add_squares, true},
    {"variance", add_variance, true, true},
    {"all", add_all, true},
    {"all_and_squares", fill_all_and_squares, true, true},
    {"all_and_variance", fill_all_and_variance, true, true},
};
#define N_MEASUREMENTS (sizeof measurements / sizeof measurements[0])

static double measure(const struct measurement *measurement, const struct pixel_format *format,
                      enum cpu_isa isa, double dose)
{
    struct group group = {.format = format, .isa = isa};
    void *frames[WEIGHT_IMAGES];
    for (size_t i = 0; i < WEIGHT_IMAGES; i++)
        frames[i] = make_frame(format, dose, SEED + i);
    measurement->fill(&group);
    const double us = group_us(&group, frames);
    for (size_t i = 0; i < WEIGHT_IMAGES; i++)
        free(frames[i]);
    return us;
}

static void print_measurement(const struct measurement *measurement,
                              const struct pixel_format *format, enum cpu_isa isa)
{
    /* The plain code is a reference; how it depends on the dose is nobody's question. */
    if (!measurement->every_dose || isa == CPU_ISA_PLAIN) {
        printf("\"%s\": %.2f", measurement->name, measure(measurement, format, isa, 0.3));
        return;
    }
    printf("\"%s\": {", measurement->name);
    for (size_t i = 0; i < N_DOSES; i++)
        printf("%s\"%g\": %.2f", i ? ", " : "", doses[i],
               measure(measurement, format, isa, doses[i]));
    printf("}");
}

static void print_format(const struct pixel_format *format, const char *name)
{
    printf("  \"%s\": {\n", name);
    for (enum cpu_isa isa = CPU_ISA_PLAIN; isa <= cpu_isa_best(); isa++) {
        printf("    \"%s\": {", cpu_isa_name(isa));
        bool first = true;
        for (size_t i = 0; i < N_MEASUREMENTS; i++) {
            if (!measurements[i].wanted || (measurements[i].not_bits && is_bits(format)))
                continue;
            fputs(first ? "\n      " : ",\n      ", stdout);
            first = false;
            print_measurement(&measurements[i], format, isa);
            fflush(stdout);
        }
        printf("},\n");
    }
    const struct pixel_format bytes = {.image_size = is_bits(format) ? format->payload_size
                                                                     : format->image_size,
                                       .pixel_size = format->pixel_size};
    void *const image = make_frame(format, 0.3, SEED);
    printf("    \"frame_sum\": %.2f\n  }", frame_sum_us(&bytes, image));
    free(image);
}

static bool is_named(const char *name, int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], name) == 0)
            return true;
    }
    return false;
}

/* Returns how many measurements are named; none means all. */
static int choose_measurements(int argc, char **argv)
{
    int n = 0;
    for (size_t i = 0; i < N_MEASUREMENTS; i++) {
        measurements[i].wanted = is_named(measurements[i].name, argc, argv);
        n += measurements[i].wanted;
    }
    for (size_t i = 0; i < N_MEASUREMENTS; i++)
        measurements[i].wanted = measurements[i].wanted || n == 0;
    return n;
}

int main(int argc, char **argv)
{
    const bool every_format = argc - 1 == choose_measurements(argc, argv);
    printf("{\n  \"unit\": \"us per frame\"");
    for (size_t i = 0; i < N_FORMATS; i++) {
        if (!every_format && !is_named(format_names[i], argc, argv))
            continue;
        fputs(",\n", stdout);
        print_format(&formats[i], format_names[i]);
    }
    printf("\n}\n");
    return EXIT_SUCCESS;
}
