#include "clients/ctl/class_legend.h"

#include <stdio.h>

#include "clients/ctl/bragg_names.h"

enum { EXCLUDED = BRAGG_CLASSES, NOT_ANALYSED };

/* Light grey for none, so that what was found stands out; then sky blue, blue, vermilion and yellow
 * of Okabe and Ito; white and black for what does not count. */
const uint8_t class_colours[CLASS_COLOURS][3] = {
    {0xdd, 0xdd, 0xdd}, {0x56, 0xb4, 0xe9}, {0x00, 0x72, 0xb2}, {0xd5, 0x5e, 0x00},
    {0xf0, 0xe4, 0x42}, {0xff, 0xff, 0xff}, {0x00, 0x00, 0x00},
};

unsigned class_colour_of(double value)
{
    if (value >= 0 && value < BRAGG_CLASSES)
        return (unsigned)value;
    return value == 254 ? EXCLUDED : NOT_ANALYSED;
}

void class_legend_fill(struct class_legend *legend, const struct array *classes)
{
    size_t counts[CLASS_COLOURS] = {0}, n = 0;
    for (size_t i = 0; i < classes->count; i++)
        counts[class_colour_of(array_value(classes, i))]++;
    for (unsigned i = 0; i < BRAGG_CLASSES; i++)
        n += counts[i];
    legend->n_lines = 0;
    for (unsigned i = 0; i < CLASS_COLOURS; i++) {
        if (i >= BRAGG_CLASSES && counts[i] == 0)
            continue;
        char *const text = legend->lines[legend->n_lines].text;
        const size_t room = sizeof legend->lines->text;
        legend->lines[legend->n_lines++].colour = i;
        if (i < BRAGG_CLASSES)
            snprintf(text, room, "%s %zu (%.1f %%)", bragg_classes[i].words, counts[i],
                     n > 0 ? 100 * (double)counts[i] / (double)n : 0);
        else
            snprintf(text, room, "%s %zu", i == EXCLUDED ? "excluded" : "not analysed", counts[i]);
    }
}
