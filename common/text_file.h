#pragma once

#include <sys/types.h>

#include "common/error.h"

/* What becomes of a file that has the name already. */
enum text_file_way { TEXT_FILE_NEW, TEXT_FILE_REPLACE };

/*
 * Writes a text as a file that appears under its name only when it is whole and on the disk; until
 * then it is beside it, as .NAME.*.partial. `mode` less the umask. Blocks as long as the disk
 * takes. -EEXIST: there is one already, and the way is TEXT_FILE_NEW; all errors with a sentence
 * that names the file.
 */
int text_file_write(const char *path, const char *text, enum text_file_way way, mode_t mode,
                    struct error *error);
