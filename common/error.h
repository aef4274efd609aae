#pragma once

#include <stddef.h>

/*
 * An error on its way to a person: a negative errno for the program and a sentence for the reader.
 *
 * Functions that can fail return 0 or a negative errno. Those whose failure a person will read
 * about also take a `struct error *` (which may be NULL) and fill it at the place where it
 * happened, naming the place and the remedy.
 */
struct error {
    int code;       /* negative errno, 0 when nothing happened */
    char text[500]; /* one sentence without a full stop or a newline; cut when longer */
};

/* Fills `error` (when not NULL) and returns `code`, which must be a negative errno. */
__attribute__((format(printf, 3, 4))) int error_set(struct error *error, int code,
                                                    const char *format, ...);

/* Puts "what: " before the text that is already there; used on the way up to say where it belongs.
 */
__attribute__((format(printf, 2, 3))) void error_prefix(struct error *error, const char *format,
                                                        ...);
