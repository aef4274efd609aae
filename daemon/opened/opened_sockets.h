#pragma once

#include <stdint.h>

#include "common/error.h"
#include "daemon/opened/opened_children.h"

/* The sockets by which the processes of old runs are talked to, in a directory that nobody else may
 * use. Belongs to the service thread; zeroed before use. */
#define OPENED_DIRECTORY_SIZE 80

struct opened_sockets {
    char directory[OPENED_DIRECTORY_SIZE]; /* "": not made yet */
    uint64_t n_named;
};

/* Names a pair that is not there yet. A negative errno with a sentence: the directory cannot be
 * made. */
int opened_sockets_name(struct opened_sockets *sockets, struct opened_endpoints *endpoints,
                        struct error *error);

/* Their process has ended. */
void opened_sockets_remove(const struct opened_endpoints *endpoints);

/* Removes the directory, which has to be empty. */
void opened_sockets_finish(struct opened_sockets *sockets);
