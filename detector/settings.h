#pragma once

#include <stdbool.h>

#include "common/error.h"

/* Values of parameters by name: those that are about to be set, or those that the detector is known
 * to have. */
enum { DETECTOR_SETTINGS_MAX = 128, DETECTOR_NAME_SIZE = 48, DETECTOR_VALUE_SIZE = 300 };

struct detector_setting {
    char name[DETECTOR_NAME_SIZE];
    char value[DETECTOR_VALUE_SIZE];
};

/* All zeros is the empty one. */
struct detector_settings {
    unsigned n;
    struct detector_setting list[DETECTOR_SETTINGS_MAX];
};

/* Adds or replaces. What does not fit is dropped, so that nothing wrong is remembered of it. */
void detector_settings_put(struct detector_settings *settings, const char *name, const char *value);

/* NULL: not there. Names are case-insensitive. */
const char *detector_settings_get(const struct detector_settings *settings, const char *name);

void detector_settings_drop(struct detector_settings *settings, const char *name);
void detector_settings_clear(struct detector_settings *settings);

/* Times and triggers: a change of mode may have altered them. */
void detector_settings_drop_after_mode(struct detector_settings *settings);

/*
 * Whether settings that are `asked` for go together with one another and with those that the
 * detector is `known` to have, which hold where nothing is asked: a Merlin silently resets what
 * does not (merlin-protocol notes 1.6). 0, or -EINVAL with a sentence, `*culprit` being the asked
 * parameter that is to blame. Combinations in which nothing was asked for are not looked at.
 */
int detector_settings_check(const struct detector_settings *asked,
                            const struct detector_settings *known, const char **culprit,
                            struct error *error);
