#include "common/class_colours.h"

#define VALUE_EXCLUDED 254

enum { EXCLUDED = CLASSES_THAT_COUNT, NOT_ANALYSED };

/* Light grey for none, so that what was found stands out; then sky blue, blue, vermilion and yellow
 * of Okabe and Ito; white and black for what does not count. */
const uint8_t class_colours[CLASS_COLOURS][3] = {
    {0xdd, 0xdd, 0xdd}, {0x56, 0xb4, 0xe9}, {0x00, 0x72, 0xb2}, {0xd5, 0x5e, 0x00},
    {0xf0, 0xe4, 0x42}, {0xff, 0xff, 0xff}, {0x00, 0x00, 0x00},
};

const char *const class_words[CLASS_COLOURS] = {
    "none", "two-beam", "three-beam", "on-axis", "multiple", "excluded", "not analysed",
};

unsigned class_colour_of(double value)
{
    if (value >= 0 && value < CLASSES_THAT_COUNT)
        return (unsigned)value;
    return value == VALUE_EXCLUDED ? EXCLUDED : NOT_ANALYSED;
}
