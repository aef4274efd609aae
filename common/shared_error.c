#include "common/shared_error.h"

#include <pthread.h>
#include <stdlib.h>

struct shared_error {
    pthread_mutex_t mutex;
    struct error error;
};

struct shared_error *shared_error_create(void)
{
    struct shared_error *const shared = calloc(1, sizeof *shared);
    if (shared)
        pthread_mutex_init(&shared->mutex, NULL);
    return shared;
}

void shared_error_destroy(struct shared_error *shared)
{
    if (!shared)
        return;
    pthread_mutex_destroy(&shared->mutex);
    free(shared);
}

void shared_error_set(struct shared_error *shared, const struct error *error)
{
    pthread_mutex_lock(&shared->mutex);
    shared->error = *error;
    pthread_mutex_unlock(&shared->mutex);
}

void shared_error_get(struct shared_error *shared, struct error *error)
{
    pthread_mutex_lock(&shared->mutex);
    *error = shared->error;
    pthread_mutex_unlock(&shared->mutex);
}
