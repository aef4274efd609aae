#include "clients/ctl/bragg_names.h"

const struct bragg_class_name bragg_classes[BRAGG_CLASSES] = {
    {"none", "none"},       {"two_beam", "two-beam"}, {"three_beam", "three-beam"},
    {"on_axis", "on-axis"}, {"multiple", "multiple"},
};

struct text bragg_area_name(const json_t *area)
{
    struct text text;
    const char *const name = member_text(area, "name");
    if (*name)
        snprintf(text.text, sizeof text.text, "%.40s", name);
    else
        snprintf(text.text, sizeof text.text, "%llu",
                 (unsigned long long)member_count(area, "label"));
    return text;
}
