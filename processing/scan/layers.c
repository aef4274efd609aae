#include "processing/scan/layers.h"

#include <string.h>

#define COLOUR_SIDE 128 /* super-pixels of a chip's row in colour mode */

static bool is_colour(const struct frame_header *header,
                      const struct acquisition_header *acquisition)
{
    if (acquisition && acquisition->chip_mode[0])
        return strcmp(acquisition->chip_mode, "CM") == 0 ||
               strcmp(acquisition->chip_mode, "CSCM") == 0;
    return header->width % 256 == COLOUR_SIDE;
}

/* "Counter 0", "Counter 1", "Alternating"; that both are named is the only sign of two. */
static bool names_both_counters(const struct acquisition_header *acquisition)
{
    return acquisition && strchr(acquisition->active_counters, '0') &&
           strchr(acquisition->active_counters, '1');
}

struct layers layers_of_frame(const struct frame_header *header,
                              const struct acquisition_header *acquisition, unsigned told)
{
    if (!header->colour_mode && told <= 1)
        return (struct layers){.n = 1};
    const bool colour = told ? told > 2 : is_colour(header, acquisition);
    const unsigned n = told > 1 ? told : !colour ? 2 : names_both_counters(acquisition) ? 8 : 4;
    return (struct layers){.n = n, .colour = colour};
}

enum layer_numbering layer_numbering_from(uint64_t first_number, unsigned first_layer,
                                          uint64_t second_number, unsigned second_layer)
{
    return second_number == first_number + 1 && second_layer != first_layer
               ? LAYER_NUMBERING_RUNNING
               : LAYER_NUMBERING_REPEATED;
}
