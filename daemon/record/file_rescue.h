#pragma once

#include "common/error.h"
#include "daemon/record/file_name.h"

/*
 * A file that was deleted while it was written is still there, as long as it is open, and has no
 * name any more. This copies what was closed into a new file of its final name, in its old
 * directory, which is made again where that went too. Never overwrites. Returns 0 or a negative
 * errno with a sentence.
 */
int file_rescue(const struct file_name *name, int descriptor, struct error *error);
