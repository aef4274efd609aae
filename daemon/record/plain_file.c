#include "daemon/record/plain_file.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

int plain_file_failed(const struct plain_file *file, struct error *error)
{
    const int code = errno ? errno : EIO;
    return error_set(error, -code, "cannot write %.250s: %s", file->name, strerror(code));
}

int plain_file_begin(struct plain_file *file, const char *name, bool force, struct error *error)
{
    *file = (struct plain_file){.name = name};
    snprintf(file->partial, sizeof file->partial, "%s.partial", name);
    if (!force && access(name, F_OK) == 0)
        return error_set(error, -EEXIST,
                         "%.250s is there already: give another name, or --force to replace it",
                         name);
    file->stream = fopen(file->partial, "we");
    return file->stream ? 0 : plain_file_failed(file, error);
}

int plain_file_end(struct plain_file *file, struct error *error)
{
    FILE *const stream = file->stream;
    file->stream = NULL;
    errno = 0;
    const bool good = fflush(stream) == 0 && fsync(fileno(stream)) == 0;
    const int code = errno;
    const bool closed = fclose(stream) == 0;
    if (!good)
        errno = code;
    if (good && closed && rename(file->partial, file->name) == 0)
        return 0;
    const int r = plain_file_failed(file, error);
    unlink(file->partial);
    return r;
}

void plain_file_abandon(struct plain_file *file)
{
    if (!file->stream)
        return;
    fclose(file->stream);
    unlink(file->partial);
}
