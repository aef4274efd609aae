#include "daemon/config/config_reload.h"

#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "daemon/config/config_keys.h"

static void take_over(const struct config_key *key, struct config *config,
                      const struct config *fresh)
{
    memcpy(config_field(key, config), config_const_field(key, fresh), key->size);
}

static bool reload_key(size_t i, struct config *config, const struct config *fresh)
{
    const struct config_key *const key = &config_keys[i];
    char *const old = config_value_text(key, config);
    char *const now = config_value_text(key, fresh);
    const bool changed = old && now && strcmp(old, now) != 0;
    if (changed && key->reloads) {
        take_over(key, config, fresh);
        config->origins[i] = fresh->origins[i];
        log_notice("config", "%s is %s now (was %s)", key->path, now, old);
    } else if (changed) {
        log_warning("config", "%s stays %s: its new value %s needs a restart of merlind", key->path,
                    old, now);
    }
    free(old);
    free(now);
    return changed && key->reloads;
}

unsigned config_reload(struct config *config, const struct config *fresh)
{
    unsigned n = 0;
    for (size_t i = 0; i < CONFIG_KEYS; i++)
        n += reload_key(i, config, fresh);
    return n;
}
