#include "daemon/record/hdf5_error.h"

#include <errno.h>
#include <hdf5.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Thread-local because HDF5's own error stack is, and its failing calls have no other place to
 * leave a word. */
static _Thread_local struct {
    bool set;
    int error_number; /* 0: the library told none */
    char text[300];
} failure;

/* The drivers write "errno = 28, error message = '...'" into the innermost entry of the stack. */
static int error_number_in(const char *description)
{
    static const char key[] = "errno = ";
    const char *const at = strstr(description, key);
    return at ? atoi(at + sizeof key - 1) : 0;
}

static herr_t take_entry(unsigned depth, const H5E_error2_t *entry, void *data)
{
    const char *const description = entry->desc ? entry->desc : "unknown failure";
    const int error_number = error_number_in(description);
    if (error_number != 0 && failure.error_number == 0)
        failure.error_number = error_number;
    if (depth == 0)
        snprintf(failure.text, sizeof failure.text, "%s (HDF5, %s)", description,
                 entry->func_name ? entry->func_name : "?");
    return 0;
}

static herr_t capture(hid_t stack, void *data)
{
    if (failure.set)
        return 0;
    failure.set = true;
    return H5Ewalk2(stack, H5E_WALK_UPWARD, take_entry, NULL);
}

void hdf5_errors_capture(void)
{
    hdf5_error_forget();
    H5Eset_auto2(H5E_DEFAULT, capture, NULL);
}

void hdf5_error_forget(void)
{
    memset(&failure, 0, sizeof failure);
}

const char *write_error_remedy(int error_number)
{
    switch (error_number) {
    case ENOSPC:
    case EDQUOT:
        return "free space there or choose another recording.directory";
    case EACCES:
    case EPERM:
        return "make recording.directory writable for the daemon's user or choose another one";
    case EROFS:
        return "mount it writable or choose another recording.directory; the service's unit needs "
               "a "
               "ReadWritePaths= line for it (systemctl edit merlind)";
    case ENOENT:
    case ENOTDIR:
        return "create the directory or correct recording.directory";
    case EFBIG:
        return "use a file system without this limit or record shorter scans";
    default:
        return "see the kernel's log (journalctl -k) and check the disk";
    }
}

int hdf5_error_take(struct error *error, const char *what, const char *path)
{
    const int error_number = failure.error_number ? failure.error_number : EIO;
    const char *const reason = failure.error_number ? strerror(error_number)
                               : failure.set        ? failure.text
                                                    : "no memory";
    error_set(error, -error_number, "cannot %s %.250s: %s; %s", what, path, reason,
              write_error_remedy(error_number));
    hdf5_error_forget();
    return -error_number;
}
