#include "daemon/acquisition/run_directory.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static bool is_below(const char *path, const char *root)
{
    char resolved[PATH_MAX];
    if (!realpath(root, resolved))
        return false;
    const size_t n = strcmp(resolved, "/") == 0 ? 0 : strlen(resolved);
    return strncmp(path, resolved, n) == 0 && (path[n] == '/' || path[n] == '\0');
}

static bool is_allowed(const struct config *config, const char *path)
{
    if (is_below(path, config->recording.directory))
        return true;
    for (size_t i = 0; i < config->recording_roots.n; i++) {
        if (is_below(path, config->recording_roots.paths[i]))
            return true;
    }
    return false;
}

int run_directory_resolve(const struct config *config, const char *directory, char resolved[1024],
                          struct error *error)
{
    char path[PATH_MAX];
    /* Outside of what is allowed nobody is told what is there. */
    const int failure = realpath(directory, path) ? 0 : errno;
    if (failure && is_allowed(config, directory) && !strstr(directory, "/.."))
        return error_set(error, -failure, "%.300s cannot be used: %s; create it first", directory,
                         strerror(failure));
    if (failure || !is_allowed(config, path) || strlen(path) >= 1024)
        return error_set(error, -EACCES,
                         "%.300s is not in a directory that recordings may go to: "
                         "recording.directory and recording.roots of the configuration",
                         directory);
    strcpy(resolved, path);
    return 0;
}

static bool is_recording_name(const char *path)
{
    const size_t length = strlen(path);
    return length > 3 && strcmp(path + length - 3, ".h5") == 0;
}

/* Outside of what is allowed nobody is told what is there. */
int run_file_resolve(const struct config *config, const char *file, char resolved[1024],
                     struct error *error)
{
    char path[PATH_MAX], real[PATH_MAX];
    struct stat facts;
    const bool whole = file[0] == '/';
    const int length = snprintf(path, sizeof path, "%s%s%s",
                                whole ? "" : config->recording.directory, whole ? "" : "/", file);
    const bool fits = length > 0 && (size_t)length < sizeof path;
    const int failure = !fits ? ENAMETOOLONG : realpath(path, real) ? 0 : errno;
    if (failure && fits && is_allowed(config, path) && !strstr(path, "/.."))
        return error_set(error, -failure, "%.300s cannot be opened: %s", file, strerror(failure));
    if (failure || !is_allowed(config, real) || strlen(real) >= 1024)
        return error_set(error, -EACCES,
                         "%.300s is not in a directory of recordings: recording.directory and "
                         "recording.roots of the configuration",
                         file);
    if (!is_recording_name(real) || stat(real, &facts) < 0 || !S_ISREG(facts.st_mode))
        return error_set(error, -EINVAL,
                         "%.300s is no finished recording: these are files whose names end with "
                         ".h5",
                         file);
    strcpy(resolved, real);
    return 0;
}
