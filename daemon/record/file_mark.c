#include "daemon/record/file_mark.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "daemon/record/hdf5_error.h"
#include "daemon/record/nexus.h"

#define CAPACITY 512

int file_mark_create(struct file_mark *mark, hid_t entry)
{
    *mark = (struct file_mark){.address = HADDR_UNDEF};
    mark->dataset = nexus_text_create(entry, "recording_error", CAPACITY);
    /* Written once, which gives it its place in the file. */
    if (mark->dataset < 0 || nexus_text_write(mark->dataset, "", 0) < 0)
        return -1;
    mark->address = H5Dget_offset(mark->dataset);
    if (mark->address == HADDR_UNDEF)
        hdf5_error_forget();
    return 0;
}

int file_mark_write(struct file_mark *mark, const char *text)
{
    if (mark->written || *text == '\0')
        return 0;
    mark->written = true;
    return nexus_text_write(mark->dataset, text, strlen(text));
}

int file_mark_force(const struct file_mark *mark, int descriptor, const char *text)
{
    char padded[CAPACITY] = {0};
    if (mark->address == HADDR_UNDEF)
        return -ENOENT;
    snprintf(padded, sizeof padded, "%s", text);
    const ssize_t n = pwrite(descriptor, padded, sizeof padded, (off_t)mark->address);
    if (n != (ssize_t)sizeof padded)
        return n < 0 ? -errno : -ENOSPC;
    return fdatasync(descriptor) < 0 ? -errno : 0;
}
