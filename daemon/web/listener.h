#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include "common/error.h"

/*
 * The listening socket of the page's server. Own and not the library's: so a port that is taken is
 * told in words, and connections are counted before anything is spent on them.
 */
struct listener {
    int fd;
    char address[300]; /* HOST:PORT as bound, IPv6 in brackets */
    bool is_loopback;
    uv_poll_t poll;
    void (*accepted)(void *data, int fd);
    void *data;
};

/* Binds to HOST:PORT (web.listen); * is every address, port 0 or * any free one. */
int listener_open(struct listener *listener, const char *host_port, struct error *error);

/* `accepted` owns the descriptor that it is given. */
int listener_start(struct listener *listener, uv_loop_t *loop, void (*accepted)(void *data, int fd),
                   void *data);

/* Stops accepting, if it has begun; its handle closes on the loop's next turn. */
void listener_stop(struct listener *listener);

/* When the loop is done with it, or was never given it. */
void listener_finish(struct listener *listener);
