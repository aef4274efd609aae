#pragma once

#include "common/error.h"
#include "daemon/config/config.h"

/*
 * The directory that a client chose for a recording, resolved, if it is recording.directory or one
 * of recording.roots, or below: -EACCES, or the errno of looking for it, with a sentence.
 */
int run_directory_resolve(const struct config *config, const char *directory, char resolved[1024],
                          struct error *error);

/*
 * A finished recording (NAME.h5) that a client names, relative to recording.directory or absolute,
 * resolved. -EACCES: it is not in one of these directories; -EINVAL: no such name; -ENOENT and the
 * like, with a sentence.
 */
int run_file_resolve(const struct config *config, const char *file, char resolved[1024],
                     struct error *error);
