#include "processing/stored/catch_up.h"

#include <stdatomic.h>
#include <stdlib.h>

void catch_up_init(struct catch_up *catch_up)
{
    *catch_up = (struct catch_up){0};
    pthread_mutex_init(&catch_up->mutex, NULL);
}

void catch_up_finish(struct catch_up *catch_up)
{
    free(catch_up->chunks);
    pthread_mutex_destroy(&catch_up->mutex);
}

/* Where the chunk is that n others come before. */
static size_t place(const struct catch_up *catch_up, size_t n)
{
    const size_t at = catch_up->first + n;
    return at < catch_up->capacity ? at : at - catch_up->capacity;
}

/* Those that are in hand keep their room, so that they can always be put back. */
static bool make_room(struct catch_up *catch_up)
{
    if (catch_up->n + catch_up->in_hand < catch_up->capacity)
        return true;
    const size_t capacity = catch_up->capacity ? 2 * catch_up->capacity : 64;
    struct deferred_chunk *const more = malloc(capacity * sizeof *more);
    if (!more)
        return false;
    for (size_t i = 0; i < catch_up->n; i++)
        more[i] = catch_up->chunks[place(catch_up, i)];
    free(catch_up->chunks);
    catch_up->chunks = more;
    catch_up->first = 0;
    catch_up->capacity = capacity;
    return true;
}

static void append(struct catch_up *catch_up, const struct deferred_chunk *chunk)
{
    catch_up->chunks[place(catch_up, catch_up->n++)] = *chunk;
    atomic_store_explicit(&catch_up->waiting, catch_up->n, memory_order_relaxed);
}

bool catch_up_add(struct catch_up *catch_up, const struct deferred_chunk *chunk)
{
    pthread_mutex_lock(&catch_up->mutex);
    const bool room = make_room(catch_up);
    if (room)
        append(catch_up, chunk);
    pthread_mutex_unlock(&catch_up->mutex);
    return room;
}

bool catch_up_take(struct catch_up *catch_up, struct deferred_chunk *chunk)
{
    pthread_mutex_lock(&catch_up->mutex);
    const bool there = catch_up->n > 0;
    if (there) {
        *chunk = catch_up->chunks[catch_up->first];
        catch_up->first = place(catch_up, 1);
        catch_up->n--;
        catch_up->in_hand++;
        atomic_store_explicit(&catch_up->waiting, catch_up->n, memory_order_relaxed);
    }
    pthread_mutex_unlock(&catch_up->mutex);
    return there;
}

void catch_up_put_back(struct catch_up *catch_up, const struct deferred_chunk *chunk)
{
    pthread_mutex_lock(&catch_up->mutex);
    catch_up->in_hand--;
    append(catch_up, chunk);
    pthread_mutex_unlock(&catch_up->mutex);
}

void catch_up_done(struct catch_up *catch_up)
{
    pthread_mutex_lock(&catch_up->mutex);
    catch_up->in_hand--;
    pthread_mutex_unlock(&catch_up->mutex);
}

bool catch_up_is_empty(const struct catch_up *catch_up)
{
    return atomic_load_explicit(&catch_up->waiting, memory_order_relaxed) == 0;
}
