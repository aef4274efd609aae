#pragma once

#include "daemon/config/config.h"

/*
 * Takes over from `fresh` what may change while merlind runs (config_key.reloads), and logs what
 * that was and which other keys differ, which need a start anew. `config` is otherwise as it was.
 * Returns how many keys were taken over.
 */
unsigned config_reload(struct config *config, const struct config *fresh);
