#include "daemon/opened/run_cards.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

json_t *run_cards_find(struct run_cards *cards, const char *file, uint64_t bytes,
                       uint64_t modified_ns)
{
    for (size_t i = 0; i < RUN_CARDS_MAX; i++) {
        struct run_card_entry *const entry = &cards->entries[i];
        if (!entry->file || strcmp(entry->file, file) != 0)
            continue;
        entry->used = ++cards->uses;
        return entry->bytes == bytes && entry->modified_ns == modified_ns ? entry->card : NULL;
    }
    return NULL;
}

static void forget(struct run_card_entry *entry)
{
    free(entry->file);
    json_decref(entry->card);
    *entry = (struct run_card_entry){0};
}

/* That of the file, else a free one, else the oldest. */
static struct run_card_entry *choose(struct run_cards *cards, const char *file)
{
    struct run_card_entry *chosen = &cards->entries[0];
    for (size_t i = 0; i < RUN_CARDS_MAX; i++) {
        struct run_card_entry *const entry = &cards->entries[i];
        if (entry->file && strcmp(entry->file, file) == 0)
            return entry;
        if (entry->used < chosen->used)
            chosen = entry;
    }
    return chosen;
}

void run_cards_put(struct run_cards *cards, const char *file, uint64_t bytes, uint64_t modified_ns,
                   json_t *card)
{
    struct run_card_entry *const entry = choose(cards, file);
    char *const name = strdup(file);
    if (!name) {
        json_decref(card);
        return;
    }
    forget(entry);
    *entry = (struct run_card_entry){name, bytes, modified_ns, ++cards->uses, card};
}

void run_cards_finish(struct run_cards *cards)
{
    for (size_t i = 0; i < RUN_CARDS_MAX; i++)
        forget(&cards->entries[i]);
}
