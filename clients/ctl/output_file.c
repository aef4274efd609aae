#include "clients/ctl/output_file.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static bool ends_in(const char *path, const char *suffix)
{
    const size_t length = strlen(path), suffix_length = strlen(suffix);
    return length > suffix_length && !strcasecmp(path + length - suffix_length, suffix);
}

enum output_file_kind output_file_kind(const char *path)
{
    if (ends_in(path, ".npy"))
        return OUTPUT_FILE_NPY;
    return ends_in(path, ".png") ? OUTPUT_FILE_PNG : OUTPUT_FILE_OTHER;
}

/* mkstemp makes files for their owner alone; this one is to be as any other new file. */
static void give_usual_mode(int fd)
{
    const mode_t mask = umask(0);
    umask(mask);
    fchmod(fd, 0666 & ~mask);
}

static FILE *open_temporary(struct output_file *file)
{
    const int length = snprintf(file->temporary, sizeof file->temporary, "%s.XXXXXX", file->path);
    if (length < 0 || (size_t)length >= sizeof file->temporary) {
        file->temporary[0] = '\0';
        errno = ENAMETOOLONG;
        return NULL;
    }
    const int fd = mkstemp(file->temporary);
    if (fd < 0) {
        file->temporary[0] = '\0';
        return NULL;
    }
    give_usual_mode(fd);
    return fdopen(fd, "wb");
}

int output_file_open(struct output_file *file, const char *path, struct error *error)
{
    *file = (struct output_file){.path = path};
    struct stat there;
    if (lstat(path, &there) == 0 && !S_ISREG(there.st_mode))
        file->stream = fopen(path, "wb");
    else
        file->stream = open_temporary(file);
    if (!file->stream) {
        const int code = errno;
        output_file_abandon(file);
        return error_set(error, -code, "cannot write %s: %s", path, strerror(code));
    }
    errno = 0;
    return 0;
}

int output_file_commit(struct output_file *file, struct error *error)
{
    /* errno is still that of the write that failed, if one did: open set it to 0. */
    bool good = fflush(file->stream) == 0 && !ferror(file->stream);
    if (good) {
        good = fclose(file->stream) == 0;
        file->stream = NULL;
    }
    if (good && *file->temporary)
        good = rename(file->temporary, file->path) == 0;
    if (good)
        return 0;
    const int code = errno ? errno : EIO;
    output_file_abandon(file);
    return error_set(error, -code, "cannot write %s: %s", file->path, strerror(code));
}

void output_file_abandon(struct output_file *file)
{
    if (file->stream)
        fclose(file->stream);
    if (*file->temporary)
        unlink(file->temporary);
    file->stream = NULL;
}
