#include "daemon/logbook/beam_current.h"

#include <string.h>

static bool unit_in_pa(const char *unit, double *unit_pa)
{
    static const struct {
        const char *unit;
        double pa;
    } units[] = {{"pA", 1}, {"nA", 1e3}, {"fA", 1e-3}, {"uA", 1e6}};
    for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
        if (strcmp(unit, units[i].unit) == 0) {
            *unit_pa = units[i].pa;
            return true;
        }
    }
    return false;
}

bool beam_current_find(struct logbook *logbook, unsigned *which, double *unit_pa)
{
    char name[LOGBOOK_NAME_SIZE], unit[LOGBOOK_UNIT_SIZE];
    for (unsigned i = 0; logbook && logbook_describe(logbook, i, name, unit); i++) {
        if (strcmp(name, BEAM_CURRENT) != 0)
            continue;
        *which = i;
        return unit_in_pa(unit, unit_pa);
    }
    return false;
}
