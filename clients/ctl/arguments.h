#pragma once

#include <jansson.h>

#include "clients/ctl/options.h"
#include "common/error.h"

/* Adds to a request's arguments what the options say of the geometry: scan, order, positions (which
 * are read from their file), repeats, skip, shift. A negative errno with a sentence: the file is
 * none. */
int arguments_add_geometry(json_t *arguments, const struct options *options, struct error *error);

/* {path}: the daemon writes the file and is somewhere else, so a path from here is made absolute.
 */
json_t *arguments_of_path(const char *path);

/* Adds a word KEY=VALUE; a value that is no JSON is a text. false: it is no such word. */
bool arguments_add_word(json_t *arguments, const char *word);

/* Adds the words KEY=VALUE of the command line from word `first` on. -EINVAL with a sentence that
 * ends in the hint: one of them is no such word. */
int arguments_add_words(json_t *arguments, const struct options *options, unsigned first,
                        const char *hint, struct error *error);
