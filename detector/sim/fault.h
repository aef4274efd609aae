#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "common/error.h"

/*
 * Trouble on demand: what --fault asks for. Which frames are hit is a pure function of the seed,
 * the acquisition and the frame number.
 */
enum fault_kind {
    FAULT_DROP,
    FAULT_DUPLICATE,
    FAULT_REORDER,
    FAULT_CUT,
    FAULT_CLOSE,
    FAULT_GARBAGE,
    FAULT_WRONG_LENGTH,
    FAULT_SECOND_HDR,
    FAULT_MID_HDR,
    FAULT_RESTART,
    FAULT_LATE_HDR,
    FAULT_NO_HDR,
    FAULT_SLOW,
    FAULT_STALL,
    FAULT_NUMBER_WRAP,
    FAULT_EARLY_END,
    FAULT_STATUS3,
    FAULT_REFUSE,
    FAULT_SHORT_REPLY,
    FAULT_TRAILING,
    FAULT_KINDS,
};

#define FAULTS_MAX 16
#define FAULT_FRAMES_MAX 32

struct fault {
    enum fault_kind kind;
    uint64_t run; /* only in this acquisition, from 1; 0: in each */
    uint64_t frames[FAULT_FRAMES_MAX];
    unsigned frame_count;
    double probability; /* of every frame */
    double amount;      /* by, bytes, ms, mb, digits or code: each kind has one of them */
    uint64_t times;     /* refuse: so often; 0: always */
    uint64_t first;     /* number-wrap: the first number */
    char name[40];      /* refuse: of the parameter or command */
};

struct fault_set {
    struct fault faults[FAULTS_MAX];
    unsigned count;
    uint64_t seed;
};

/* Adds KIND[:ARGUMENT[,ARGUMENT]...][@RUN]. -EINVAL and a sentence when that means nothing. */
int fault_set_add(struct fault_set *set, const char *text, struct error *error);

/* The fault of this kind that is in force in acquisition `run` (from 1), or NULL. */
const struct fault *fault_find(const struct fault_set *set, enum fault_kind kind, uint64_t run);

/* The fault of this kind that hits frame `number` (from 1) of acquisition `run`, or NULL. */
const struct fault *fault_hits(const struct fault_set *set, enum fault_kind kind, uint64_t run,
                               uint64_t number);

/* Does any fault in force in `run` change what goes through the data socket? */
bool fault_set_disturbs_data(const struct fault_set *set, uint64_t run);

/* What --list-faults prints. */
void fault_print_list(void);
