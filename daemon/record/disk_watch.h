#pragma once

#include <stdint.h>

#include "common/error.h"

#define DISK_WATCH_PATH_SIZE 1100

/*
 * What is free on the disk of a directory, asked a few times a second by a thread of its own: a
 * disk that does not answer (a server that is gone, a cable) must not hold up those who only want
 * to tell of it.
 */
struct disk_watch;

struct disk_view {
    uint64_t bytes_free; /* as of the last answer */
    int error_number;    /* of the last answer, 0: it was one */
    double silent_s;     /* since a question that has had no answer yet, 0: there is none */
};

int disk_watch_create(struct disk_watch **watch, const char *directory, struct error *error);
/* Waits for the answer under way. NULL does nothing. */
void disk_watch_destroy(struct disk_watch *watch);

/* Asks of another directory from now on; the first answer is waited for, a tenth of a second at
 * most. */
void disk_watch_follow(struct disk_watch *watch, const char *directory);

/* Any thread. */
void disk_watch_look(struct disk_watch *watch, struct disk_view *view);
