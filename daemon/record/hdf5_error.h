#pragma once

#include "common/error.h"

/*
 * What HDF5 says when a call fails, as one sentence. The library's error stack lives only until the
 * next call (closing a handle wipes it), so the innermost failure is kept at the moment it happens,
 * per thread as the stack is.
 */

/* On this thread HDF5 prints nothing from now on; its first failure is kept for hdf5_error_take. */
void hdf5_errors_capture(void);

/*
 * Turns the kept failure into "cannot WHAT PATH: reason; remedy" and forgets it. Returns its
 * negative errno, -EIO when the library told none.
 */
int hdf5_error_take(struct error *error, const char *what, const char *path);

/* Forgets a failure that nobody wants to hear of (the ones while closing a file that has failed
 * already). */
void hdf5_error_forget(void);

/* What a person can do about a system error on a file that is being written. */
const char *write_error_remedy(int error_number);
