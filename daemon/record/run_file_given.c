#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "daemon/record/given_results.h"
#include "daemon/record/hdf5_error.h"
#include "daemon/record/hdf5_file.h"
#include "daemon/record/recorder.h"
#include "daemon/record/result_datasets.h"
#include "daemon/record/run_file.h"

/* To the disk, the file by its name. */
static int sync_file(const char *path)
{
    const int descriptor = open(path, O_RDONLY | O_CLOEXEC);
    const int r = descriptor < 0 || fsync(descriptor) < 0 ? -errno : 0;
    if (descriptor >= 0)
        close(descriptor);
    return r;
}

int run_file_add_given(const char *path, const struct run *run, struct error *error)
{
    struct result_datasets layout = {0};
    int r = 0;
    /* On a full disk HDF5 could not close the file, and would be of no use any more. */
    if (hdf5_file_check_library(error) < 0 ||
        recording_check(&run->plan->recording, given_results_size(run), NULL, error) < 0)
        return -EIO;
    if (result_datasets_describe(&layout, run) < 0) {
        result_datasets_finish(&layout);
        return error_set(error, -ENOMEM, "no memory to add maps to %s", path);
    }
    hdf5_error_forget();
    const hid_t file = hdf5_file_reopen(path);
    if (file < 0 || given_results_write(&layout, file, run) < 0)
        r = hdf5_error_take(error, "add maps to", path);
    if (hdf5_file_close(file) < 0 && r == 0)
        r = hdf5_error_take(error, "close", path);
    if (r == 0 && (r = sync_file(path)) < 0)
        error_set(error, r, "cannot bring %s to the disk: %s", path, strerror(-r));
    result_datasets_finish(&layout);
    return r;
}
