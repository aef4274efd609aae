#pragma once

#include <jansson.h>
#include <stdint.h>

/* The cards (run_card.h) of files that were read before, as long as they are as they were then.
 * Service thread. */
#define RUN_CARDS_MAX 512

struct run_cards {
    struct run_card_entry {
        char *file; /* NULL: free */
        uint64_t bytes, modified_ns, used;
        json_t *card;
    } entries[RUN_CARDS_MAX];
    uint64_t uses;
};

/* Borrowed; NULL: it is not there, or the file has changed. */
json_t *run_cards_find(struct run_cards *cards, const char *file, uint64_t bytes,
                       uint64_t modified_ns);

/* Takes over the card; the one that was not looked at for longest makes room. */
void run_cards_put(struct run_cards *cards, const char *file, uint64_t bytes, uint64_t modified_ns,
                   json_t *card);

void run_cards_finish(struct run_cards *cards);
