#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "common/log.h"

/*
 * Lines of the log on their way out, for log.c: to stderr, or to the journal by its own protocol
 * (one datagram of NAME=value lines), which carries the fields that a line of text cannot.
 * libsystemd's sd_journal_sendv would do the same and wait without end for a journal that hangs;
 * here whoever waits gives up at a time.
 */
enum {
    LOG_TEXT_SIZE = 700, /* a struct error, and what was being done when it happened */
    LOG_COMPONENT_SIZE = 24,
    LOG_RUN_SIZE = 40, /* a UUID */
};

/* Formatted but for its time: gmtime_r takes a lock, so that is left to the writing thread. */
struct log_line {
    uint64_t time_ns;
    struct log_about about; /* its `run` points to the line's own */
    char component[LOG_COMPONENT_SIZE];
    char run[LOG_RUN_SIZE];
    char text[LOG_TEXT_SIZE];
};

/* Where lines go: one thread's. */
struct log_outlet {
    bool journal;                       /* stderr is the journal's */
    int socket;                         /* of the journal; -1: lines go to stderr */
    const _Atomic uint64_t *give_up_ns; /* monotonic: from then on nobody waits for a reader */
};

/* Looks what stderr is. `journal_socket` is where the journal listens. */
void log_outlet_open(struct log_outlet *outlet, const char *journal_socket,
                     const _Atomic uint64_t *give_up_ns);
void log_outlet_close(struct log_outlet *outlet);

/* false: the line is lost, for nobody takes it. */
bool log_outlet_write(const struct log_outlet *outlet, const struct log_line *line);
