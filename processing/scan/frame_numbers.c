#include "processing/scan/frame_numbers.h"

/* Numbers have six digits in every software version seen; what follows 999,999 is not published, so
 * a restart is understood. */
#define NUMBER_WRAP UINT64_C(1000000)
/* A number further ahead than this is a broken header rather than that many lost frames. */
#define MAX_JUMP (UINT64_C(1) << 22)

void frame_numbers_begin(struct frame_numbers *numbers)
{
    *numbers = (struct frame_numbers){0};
}

uint64_t frame_numbers_unwrap(struct frame_numbers *numbers, uint64_t number)
{
    if (number + numbers->wrap + NUMBER_WRAP / 2 < numbers->newest && number < NUMBER_WRAP / 2)
        numbers->wrap += NUMBER_WRAP;
    const uint64_t unwrapped = number + numbers->wrap;
    return unwrapped <= numbers->newest + MAX_JUMP ? unwrapped : 0;
}

uint64_t frame_numbers_exposure(struct frame_numbers *numbers, uint64_t unwrapped, unsigned layer,
                                unsigned n_layers)
{
    if (n_layers == 1)
        return unwrapped - 1;
    if (numbers->first_number == 0) {
        numbers->first_number = unwrapped;
        numbers->first_layer = layer;
    } else if (numbers->numbering == LAYER_NUMBERING_UNKNOWN) {
        numbers->numbering =
            layer_numbering_from(numbers->first_number, numbers->first_layer, unwrapped, layer);
    }
    return numbers->numbering == LAYER_NUMBERING_RUNNING ? (unwrapped - 1) / n_layers
                                                         : unwrapped - 1;
}

void frame_numbers_took(struct frame_numbers *numbers, uint64_t unwrapped)
{
    if (unwrapped > numbers->newest)
        numbers->newest = unwrapped;
}

bool frame_numbers_follows(const struct frame_numbers *numbers, uint64_t number, unsigned n_layers)
{
    const uint64_t unwrapped = number + numbers->wrap;
    return unwrapped == numbers->newest + 1 || (n_layers > 1 && unwrapped == numbers->newest);
}
