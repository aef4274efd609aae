#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/*
 * The epochs of a run: stretches of frame numbers after which what was learned from its frames may
 * be used. They end at fixed frame numbers, each as long as all before it together, and what is
 * learned in an epoch is used from the next but one on; so what a frame is compared with depends on
 * its number alone, and a reader of epoch e need not wait while epoch e - 1 is being worked on.
 *
 *     epoch 0: frames [0, EPOCH_FRAMES)      epoch e: [2^(e-1), 2^e) EPOCH_FRAMES
 *
 * A chunk belongs to the epoch of its first frame, with all its frames.
 *
 * Who owns what: the ingest thread counts a chunk before it can be claimed, whoever has analysed it
 * counts it as settled (store-release of all that was learned from it). The ingest thread opens
 * chunks in the order of frame numbers, so whoever holds a chunk of epoch e sees every chunk of the
 * epochs before it counted; when as many are settled, all that was learned in them is there.
 */
#define EPOCH_FRAMES 128
#define EPOCHS_MAX 40

struct epochs {
    _Atomic uint64_t opened[EPOCHS_MAX], settled[EPOCHS_MAX]; /* chunks */
};

unsigned epoch_of_exposure(uint64_t exposure);

/* A chunk is about to be published, or (below) was not after all. Ingest thread. */
void epochs_open(struct epochs *epochs, uint64_t first_exposure);
void epochs_open_failed(struct epochs *epochs, uint64_t first_exposure);

void epochs_settle(struct epochs *epochs, uint64_t first_exposure);

/* Whether all chunks of the epochs before `end` are settled. */
bool epochs_over(const struct epochs *epochs, unsigned end);
