#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "daemon/record/hdf5_error.h"
#include "daemon/record/hdf5_file.h"
#include "daemon/record/recorder.h"

#define MIB ((uint64_t)1 << 20)
#define ROOM_WITHOUT_KNOWING (64 * MIB)

static int unusable(struct error *error, const char *directory, int error_number)
{
    return error_set(error, -error_number, "recording.directory %.300s cannot be used: %s; %s",
                     directory, strerror(error_number), write_error_remedy(error_number));
}

/* Looks at rights, but they do not tell of read-only or full file systems: so a file is made as
 * well. */
static int try_a_file(const char *directory, struct error *error)
{
    char path[sizeof((struct recording_settings *)0)->directory + 32];
    snprintf(path, sizeof path, "%s/.merlind-probe-XXXXXX", directory);
    const int descriptor = mkstemp(path);
    if (descriptor < 0)
        return unusable(error, directory, errno);
    static const char block[4096];
    const ssize_t written = write(descriptor, block, sizeof block);
    const int error_number = written < 0 ? errno : ENOSPC;
    close(descriptor);
    unlink(path);
    return written == sizeof block ? 0 : unusable(error, directory, error_number);
}

int recording_check_directory(const char *directory, struct error *error)
{
    struct stat facts;
    if (directory[0] == '\0')
        return error_set(error, -ENOENT,
                         "recording.directory is not set; set it or switch off "
                         "recording.enabled");
    if (stat(directory, &facts) < 0)
        return unusable(error, directory, errno);
    if (!S_ISDIR(facts.st_mode))
        return unusable(error, directory, ENOTDIR);
    if (access(directory, W_OK | X_OK) < 0)
        return unusable(error, directory, errno);
    return 0;
}

int recording_check(const struct recording_settings *settings, uint64_t bytes_needed,
                    uint64_t *bytes_free, struct error *error)
{
    const char *const directory = settings->directory;
    const uint64_t needed = bytes_needed ? bytes_needed : ROOM_WITHOUT_KNOWING;
    struct statvfs system;
    int r = hdf5_file_check_library(error);
    if (r < 0)
        return r;
    r = recording_check_directory(directory, error);
    if (r < 0)
        return r;
    if (statvfs(directory, &system) < 0)
        return unusable(error, directory, errno);
    const uint64_t room = (uint64_t)system.f_bavail * system.f_frsize;
    if (bytes_free)
        *bytes_free = room;
    if (room < needed)
        return error_set(error, -ENOSPC,
                         "recording.directory %.300s has %" PRIu64 " MiB free and %" PRIu64
                         " MiB are needed; %s",
                         directory, room / MIB, (needed + MIB - 1) / MIB,
                         write_error_remedy(ENOSPC));
    return try_a_file(directory, error);
}
