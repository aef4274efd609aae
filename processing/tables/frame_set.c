#include "processing/tables/frame_set.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

void frame_set_finish(struct frame_set *set)
{
    free(set->words);
    *set = (struct frame_set){0};
}

void frame_set_clear(struct frame_set *set)
{
    if (set->words)
        memset(set->words, 0, set->n_words * sizeof *set->words);
}

static int grow(struct frame_set *set, uint64_t n_words)
{
    uint64_t n = set->n_words ? set->n_words : 1024;
    while (n < n_words)
        n *= 2;
    uint64_t *const words = realloc(set->words, n * sizeof *words);
    if (!words)
        return -ENOMEM;
    memset(words + set->n_words, 0, (n - set->n_words) * sizeof *words);
    set->words = words;
    set->n_words = n;
    return 0;
}

bool frame_set_has(const struct frame_set *set, uint64_t index)
{
    const uint64_t word = index / 64;
    return word < set->n_words && (set->words[word] >> index % 64) & 1;
}

int frame_set_add(struct frame_set *set, uint64_t index)
{
    const uint64_t word = index / 64;
    if (word >= set->n_words && grow(set, word + 1) < 0)
        return -ENOMEM;
    set->words[word] |= UINT64_C(1) << index % 64;
    return 0;
}
