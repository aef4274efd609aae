#include "clients/ctl/bragg_names.h"

const char *const bragg_class_members[CLASSES_THAT_COUNT] = {
    "none", "two_beam", "three_beam", "on_axis", "multiple",
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
