#include "daemon/record/hdf5_file.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdbool.h>

/*
 * HDF5 failed to close a file. It then keeps objects that are half closed, and was seen (1.10.8, a
 * write that failed with EFBIG) to crash in H5Fstart_swmr_write of the next file. Nothing more is
 * asked of it. Global, because the library's state is.
 */
static _Atomic bool library_broken;

int hdf5_file_check_library(struct error *error)
{
    if (!atomic_load_explicit(&library_broken, memory_order_relaxed))
        return 0;
    return error_set(error, -EIO,
                     "HDF5 could not close an earlier file and is not to be trusted any more; "
                     "restart merlind to record again");
}

static hid_t file_access(void)
{
    const hid_t access = H5Pcreate(H5P_FILE_ACCESS);
    if (access < 0)
        return access;
    /* Strong: closing the file closes all that is open in it, which is what is wanted after a
     * failure. SWMR needs the format of 1.10. Without blocks for small data every chunk is given
     * space at the end of the file (chunk_address.h). */
    if (H5Pset_libver_bounds(access, H5F_LIBVER_V110, H5F_LIBVER_V110) < 0 ||
        H5Pset_small_data_block_size(access, 0) < 0 ||
        H5Pset_fclose_degree(access, H5F_CLOSE_STRONG) < 0) {
        H5Pclose(access);
        return -1;
    }
    return access;
}

hid_t hdf5_file_create(const char *path)
{
    const hid_t access = file_access();
    if (access < 0)
        return access;
    const hid_t file = H5Fcreate(path, H5F_ACC_TRUNC, H5P_DEFAULT, access);
    H5Pclose(access);
    return file;
}

hid_t hdf5_file_reopen(const char *path)
{
    const hid_t access = file_access();
    hid_t file = -1;
    if (access < 0)
        return access;
    if (H5Pset_file_locking(access, false, true) >= 0)
        file = H5Fopen(path, H5F_ACC_RDWR, access);
    H5Pclose(access);
    return file;
}

int hdf5_file_close(hid_t file)
{
    if (file < 0 || hdf5_file_check_library(NULL) < 0 || H5Fclose(file) >= 0)
        return 0;
    atomic_store_explicit(&library_broken, true, memory_order_relaxed);
    return -1;
}
