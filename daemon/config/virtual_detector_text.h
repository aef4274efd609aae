#pragma once

#include <stdio.h>

#include "common/error.h"
#include "daemon/config/config_yaml.h"
#include "processing/products/virtual_detector.h"

/*
 * Virtual detectors as text. Configuration, requests and the recorded settings all write one in the
 * same way, as a mapping of the keys that its shape has: {name: bf, shape: disk, radius: 20}.
 * merlind.yaml(5) lists them.
 */

/* Reads one entry of the list of detectors. Reports everything that is wrong with it and returns
 * -EINVAL. A mask needs its file. */
int virtual_detector_load(struct virtual_detector_settings *settings, const struct yaml_node *node,
                          struct yaml_source *source);

/* Prints it in one line that virtual_detector_load takes. */
void virtual_detector_print(const struct virtual_detector_settings *settings, FILE *out);

/* Reads one detector of a request, JSON or YAML. As the above, but a mask may be without a file
 * (its weights come with the request). -EINVAL: all that is wrong in one sentence, and *key is what
 * is wrong first, or missing, NULL where it is no single key; -ENOMEM. */
int virtual_detector_from_text(struct virtual_detector_settings *settings, const char *text,
                               const char **key, struct error *error);
