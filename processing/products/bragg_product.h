#pragma once

#include "processing/products/bragg_plan.h"
#include "processing/products/product.h"
#include "processing/products/reflection_store.h"

/*
 * Which frames hold Bragg reflections: processing/bragg/bragg_classifier.h as a product. Maps, by
 * frame:
 *
 *   bragg/class      uint8: enum bragg_class; 255 where no frame was analysed
 *   bragg/count      uint64: reflections
 *   bragg/strongest  float64: contrast of the strongest one, excess over background; 0 without one
 *
 * The reflections themselves are kept by frame (bragg_product_look), but not of an unending scan.
 * With a frozen reference the results are final; else they are provisional: the run learns while it
 * goes on (bragg_templates.h), and in the end another product with what was learned from all frames
 * takes its place (bragg_final.h).
 */
struct bragg_product_setup {
    struct bragg_settings settings; /* complete: run_bragg_settings */
    /* What frames are compared with; the product takes a reference of it. NULL: it learns. */
    struct bragg_reference *reference;
    bool in_template;   /* its template is the sum of the very frames that will be searched */
    const uint8_t *bad; /* [height][width], must stay; NULL: none */
    double counts_min, counts_max; /* as in bragg_plan.h, and the following */
    uint32_t tile, block_length;
    struct bragg_phase_plan phase;
    char reference_name[48];
    const struct epochs *epochs; /* of the run */
    bool keeps_reflections;
    unsigned n_threads; /* frame.thread is less than this */
};

/* -EINVAL, -ENOTSUP or -ENOMEM with a sentence. */
int bragg_product_prepare(struct product *product, const struct bragg_product_setup *setup,
                          const struct pixel_format *format, struct error *error);

bool product_is_bragg(const struct product *product);

/* What was found in a frame. */
struct bragg_found {
    uint8_t class, flags; /* as bragg_result has them */
    uint16_t n_reflections;
    unsigned epoch;                             /* of the template; 0 with a frozen one */
    double strongest;                           /* contrast */
    double counts;                              /* mean per pixel of the annulus */
    const struct bragg_reflection *reflections; /* NULL: none, or not kept */
};

/* false: the frame was not searched (yet). Any thread. */
bool bragg_product_look(const struct product *product, uint64_t exposure,
                        struct bragg_found *found);

/* Makes the columns of a frame those of one that is excluded. */
void bragg_product_exclude(uint64_t *columns);

/* Whether its results may still change: it learns. */
bool bragg_product_is_provisional(const struct product *product);

/* What frames are compared with; NULL while it learns. */
const struct bragg_reference *bragg_product_reference(const struct product *product);

/* The setup that it was made with. */
const struct bragg_product_setup *bragg_product_setup(const struct product *product);

/* The sum of all frames that it has learned, when no thread adds any more. NULL: no memory, or it
 * does not learn. */
const struct bragg_learner *bragg_product_sum(const struct product *product);

/* What kept frames from being searched, code 0: nothing. Any thread. */
void bragg_product_error(const struct product *product, struct error *error);

/* Reflections that were found and not kept. */
uint64_t bragg_product_lost(const struct product *product);
