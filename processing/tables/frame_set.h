#pragma once

#include <stdbool.h>
#include <stdint.h>

/* Which frame indices have come: a bit each, growing with the highest one. Belongs to one thread.
 */
struct frame_set {
    uint64_t *words;
    uint64_t n_words;
};

void frame_set_finish(struct frame_set *set);

/* Forgets all frames and keeps the memory. */
void frame_set_clear(struct frame_set *set);

bool frame_set_has(const struct frame_set *set, uint64_t index);

/* Returns 0 or -ENOMEM. */
int frame_set_add(struct frame_set *set, uint64_t index);
