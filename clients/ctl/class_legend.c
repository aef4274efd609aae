#include "clients/ctl/class_legend.h"

#include <stdio.h>

void class_legend_fill(struct class_legend *legend, const struct array *classes)
{
    size_t counts[CLASS_COLOURS] = {0}, n = 0;
    for (size_t i = 0; i < classes->count; i++)
        counts[class_colour_of(array_value(classes, i))]++;
    for (unsigned i = 0; i < CLASSES_THAT_COUNT; i++)
        n += counts[i];
    legend->n_lines = 0;
    for (unsigned i = 0; i < CLASS_COLOURS; i++) {
        if (i >= CLASSES_THAT_COUNT && counts[i] == 0)
            continue;
        char *const text = legend->lines[legend->n_lines].text;
        const size_t room = sizeof legend->lines->text;
        legend->lines[legend->n_lines++].colour = i;
        if (i < CLASSES_THAT_COUNT)
            snprintf(text, room, "%s %zu (%.1f %%)", class_words[i], counts[i],
                     n > 0 ? 100 * (double)counts[i] / (double)n : 0);
        else
            snprintf(text, room, "%s %zu", class_words[i], counts[i]);
    }
}
