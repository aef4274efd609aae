#include <string.h>
#include <sysexits.h>

#include "detector/sim/options_internal.h"

int options_parse_word(const char *option, const char *text, const char *const *names, int *place)
{
    char list[100] = "";
    for (int i = 0; names[i]; i++) {
        if (strcmp(names[i], text) == 0) {
            *place = i;
            return OPTIONS_RUN;
        }
        strcat(strcat(list, i ? ", " : ""), names[i]);
    }
    return options_usage_error("--%s %s: one of %s is wanted", option, text, list);
}

int options_settle_format(struct options *options)
{
    if (!options->layout_given && options->chips == 4)
        options->layout = WIRE_2X2;
    const uint32_t chips = options->layout == WIRE_1X1 ? 1 : 4;
    if (options->chips && options->chips != chips)
        return options_usage_error("--chips %u does not go with this --layout, which has %u",
                                   options->chips, chips);
    options->chips = chips;
    return OPTIONS_RUN;
}
