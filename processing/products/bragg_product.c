#include "processing/products/bragg_product.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "processing/products/annulus_counts.h"
#include "processing/products/bragg_templates.h"
#include "processing/tables/column_table.h"

enum { MAP_CLASS, MAP_COUNT, MAP_STRONGEST, N_MAPS };

/* Of a frame: what was found (below), the strongest contrast (its bits), the place of its
 * reflections in the store, the counts of the annulus. */
enum { COLUMN_FOUND, COLUMN_STRONGEST, COLUMN_PLACE, COLUMN_COUNTS, N_COLUMNS };

/* COLUMN_FOUND: class, flags, number of reflections (16 bits), epoch (8 bits). */
#define FLAGS_SHIFT 8
#define NUMBER_SHIFT 16
#define EPOCH_SHIFT 32

/* What a thread works in. */
struct thread_room {
    struct bragg_scratch *scratch; /* for the frozen reference, made when it is first needed */
    struct bragg_result result;
};

struct bragg {
    struct bragg_product_setup setup;
    enum cpu_isa isa;
    struct annulus_counts annulus;
    struct bragg_templates *templates; /* NULL: the reference is frozen */
    struct reflection_store *store;    /* NULL: reflections are not kept */
    struct thread_room rooms[];        /* [n_threads] */
};

static const char no_memory[] = "no memory for the Bragg reflections";

/* ---- one frame ---- */

static struct bragg_scratch *scratch_for(struct bragg *state, const struct frame *frame)
{
    struct thread_room *const room = &state->rooms[frame->thread];
    if (state->templates)
        return bragg_templates_scratch(state->templates, frame->thread, frame->epoch);
    if (!room->scratch &&
        bragg_scratch_create(&room->scratch, state->setup.reference, state->isa, NULL) < 0)
        room->scratch = NULL;
    return room->scratch;
}

static bool is_left_out(const struct bragg *state, uint64_t counts)
{
    const double mean = annulus_counts_mean(&state->annulus, counts);
    /* Limits that are not set are NAN. */
    return mean < state->setup.counts_min || mean > state->setup.counts_max;
}

static void search(struct bragg *state, struct frame *frame, uint32_t pixel_size,
                   struct bragg_result *result)
{
    struct bragg_scratch *const scratch = scratch_for(state, frame);
    if (!scratch) {
        *result = (struct bragg_result){.class = BRAGG_NOT_ANALYSED};
        return;
    }
    const struct bragg_frame searched = {
        .image = frame_image(frame),
        .pixel_size = pixel_size,
        .in_template = state->setup.in_template,
    };
    bragg_classify(scratch, &searched, result);
}

static void frame(const struct product *product, struct frame *frame, uint64_t *columns)
{
    struct bragg *const state = product->state;
    struct bragg_result *const result = &state->rooms[frame->thread].result;
    const uint64_t counts = annulus_counts_sum(&state->annulus, frame_image(frame));
    if (is_left_out(state, counts)) {
        result->class = BRAGG_EXCLUDED;
        result->flags = 0;
        result->n_reflections = 0;
        result->contrast = 0;
    } else {
        search(state, frame, product->format.pixel_size, result);
    }
    columns[COLUMN_FOUND] = result->class | (uint64_t)result->flags << FLAGS_SHIFT |
                            (uint64_t)result->n_reflections << NUMBER_SHIFT |
                            (uint64_t)(state->templates ? frame->epoch : 0) << EPOCH_SHIFT;
    memcpy(&columns[COLUMN_STRONGEST], &result->contrast, sizeof result->contrast);
    columns[COLUMN_PLACE] = state->store && result->n_reflections > 0
                                ? reflection_store_put(state->store, frame->thread,
                                                       result->reflections, result->n_reflections)
                                : REFLECTIONS_NOWHERE;
    columns[COLUMN_COUNTS] = counts;
}

static void learn(const struct product *product, struct frame *frame)
{
    struct bragg *const state = product->state;
    const void *const image = frame_image(frame);
    if (state->templates && !is_left_out(state, annulus_counts_sum(&state->annulus, image)))
        bragg_templates_learn(state->templates, frame->thread, frame->epoch, image);
}

static bool ready(const struct product *product, unsigned epoch)
{
    const struct bragg *const state = product->state;
    return !state->templates || bragg_templates_ready(state->templates, epoch);
}

/* ---- looking ---- */

static void take_apart(const struct bragg *state, const uint64_t *columns,
                       struct bragg_found *found)
{
    const uint64_t packed = columns[COLUMN_FOUND];
    *found = (struct bragg_found){
        .class = (uint8_t)packed,
        .flags = (uint8_t)(packed >> FLAGS_SHIFT),
        .n_reflections = (uint16_t)(packed >> NUMBER_SHIFT),
        .epoch = (unsigned)(packed >> EPOCH_SHIFT),
        .counts = annulus_counts_mean(&state->annulus, columns[COLUMN_COUNTS]),
    };
    memcpy(&found->strongest, &columns[COLUMN_STRONGEST], sizeof found->strongest);
    if (state->store)
        found->reflections = reflection_store_get(state->store, columns[COLUMN_PLACE]);
}

bool bragg_product_look(const struct product *product, uint64_t exposure, struct bragg_found *found)
{
    uint64_t columns[N_COLUMNS];
    if (!column_table_get(product->columns, exposure, columns))
        return false;
    take_apart(product->state, columns, found);
    return true;
}

void bragg_product_exclude(uint64_t *columns)
{
    const double nothing = 0;
    columns[COLUMN_FOUND] = BRAGG_EXCLUDED | (columns[COLUMN_FOUND] >> EPOCH_SHIFT << EPOCH_SHIFT);
    columns[COLUMN_PLACE] = REFLECTIONS_NOWHERE;
    memcpy(&columns[COLUMN_STRONGEST], &nothing, sizeof nothing);
}

static void map_value(const struct product *product, unsigned map, const uint64_t *columns,
                      void *value)
{
    struct bragg_found found;
    take_apart(product->state, columns, &found);
    const uint64_t count = found.n_reflections;
    if (map == MAP_CLASS)
        *(uint8_t *)value = found.class;
    else if (map == MAP_COUNT)
        memcpy(value, &count, sizeof count);
    else
        memcpy(value, &found.strongest, sizeof found.strongest);
}

bool bragg_product_is_provisional(const struct product *product)
{
    return ((const struct bragg *)product->state)->templates != NULL;
}

const struct bragg_reference *bragg_product_reference(const struct product *product)
{
    return ((const struct bragg *)product->state)->setup.reference;
}

const struct bragg_product_setup *bragg_product_setup(const struct product *product)
{
    return &((const struct bragg *)product->state)->setup;
}

const struct bragg_learner *bragg_product_sum(const struct product *product)
{
    const struct bragg *const state = product->state;
    return state->templates ? bragg_templates_sum(state->templates) : NULL;
}

void bragg_product_error(const struct product *product, struct error *error)
{
    const struct bragg *const state = product->state;
    *error = (struct error){0};
    if (state->templates)
        bragg_templates_error(state->templates, error);
}

uint64_t bragg_product_lost(const struct product *product)
{
    const struct bragg *const state = product->state;
    return state->store ? reflection_store_lost(state->store) : 0;
}

/* ---- life ---- */

static void state_destroy(struct bragg *state)
{
    for (unsigned i = 0; i < state->setup.n_threads; i++)
        bragg_scratch_destroy(state->rooms[i].scratch);
    bragg_templates_destroy(state->templates);
    reflection_store_destroy(state->store);
    annulus_counts_finish(&state->annulus);
    bragg_reference_unref(state->setup.reference);
    free(state);
}

static void finish(struct product *product)
{
    state_destroy(product->state);
    free(product->maps);
    product->state = NULL;
    product->maps = NULL;
}

static const struct product_class class = {
    .kind = "bragg",
    .frame = frame,
    .learn = learn,
    .ready = ready,
    .map_value = map_value,
    .finish = finish,
};

bool product_is_bragg(const struct product *product)
{
    return product->class == &class;
}

static struct product_map *make_maps(void)
{
    static const struct product_map maps[N_MAPS] = {
        [MAP_CLASS] = {"bragg/class", MAP_DTYPE_U8, "",
                       "Bragg reflections: 0 none, 1 two-beam, 2 three-beam, 3 on-axis, 4 "
                       "multiple, 254 excluded, 255 not analysed",
                       BRAGG_NOT_ANALYSED},
        [MAP_COUNT] = {"bragg/count", MAP_DTYPE_U64, "", "number of Bragg reflections", 0},
        [MAP_STRONGEST] = {"bragg/strongest", MAP_DTYPE_F64, "",
                           "contrast of the strongest Bragg reflection: excess over background", 0},
    };
    struct product_map *const made = malloc(sizeof maps);
    if (made)
        memcpy(made, maps, sizeof maps);
    return made;
}

static int make_parts(struct bragg *state, const struct pixel_format *format, struct error *error)
{
    const struct bragg_product_setup *const setup = &state->setup;
    const struct bragg_templates_setup learning = {
        .settings = setup->settings,
        .bad = setup->bad,
        .format = *format,
        .isa = state->isa,
        .epochs = setup->epochs,
        .n_threads = setup->n_threads,
    };
    if (annulus_counts_init(&state->annulus, &setup->settings, setup->bad, format) < 0)
        return error_set(error, -ENOMEM, no_memory);
    if (setup->keeps_reflections) {
        state->store = reflection_store_create(setup->n_threads);
        if (!state->store)
            return error_set(error, -ENOMEM, no_memory);
    }
    return setup->reference ? bragg_reference_suits(setup->reference, format, error)
                            : bragg_templates_create(&state->templates, &learning, error);
}

int bragg_product_prepare(struct product *product, const struct bragg_product_setup *setup,
                          const struct pixel_format *format, struct error *error)
{
    struct bragg *const state =
        calloc(1, sizeof *state + setup->n_threads * sizeof(struct thread_room));
    if (!state)
        return error_set(error, -ENOMEM, no_memory);
    state->setup = *setup;
    state->isa = cpu_isa_best();
    if (setup->reference)
        bragg_reference_ref(setup->reference);
    product->maps = make_maps();
    const int r =
        product->maps ? make_parts(state, format, error) : error_set(error, -ENOMEM, no_memory);
    if (r < 0) {
        state_destroy(state);
        free(product->maps);
        product->maps = NULL;
        return r;
    }
    product->class = &class;
    product->format = *format;
    product->n_columns = N_COLUMNS;
    product->n_maps = N_MAPS;
    product->state = state;
    return 0;
}
