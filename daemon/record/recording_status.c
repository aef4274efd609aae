#include "daemon/record/recording_status.h"

#include <string.h>

#include "common/log.h"
#include "common/message_id.h"

static void set_path(struct run *run, const char *path)
{
    const size_t length = strnlen(path, sizeof run->recording->path - 1);
    memcpy(run->recording->path, path, length);
    run->recording->path[length] = '\0';
}

void recording_set_state(struct run *run, enum recording_state state, const char *path)
{
    pthread_mutex_lock(&run->recording->mutex);
    run->recording->state = state;
    if (path)
        set_path(run, path);
    pthread_mutex_unlock(&run->recording->mutex);
}

void recording_set_path(struct run *run, const char *path)
{
    pthread_mutex_lock(&run->recording->mutex);
    set_path(run, path);
    pthread_mutex_unlock(&run->recording->mutex);
}

bool recording_mark(struct run *run, const struct error *error)
{
    pthread_mutex_lock(&run->recording->mutex);
    const bool first = run->recording->error[0] == '\0';
    if (first)
        memcpy(run->recording->error, error->text, sizeof run->recording->error);
    pthread_mutex_unlock(&run->recording->mutex);
    if (first)
        log_write(LOG_ABOUT(ERROR, .message_id = MESSAGE_RECORDING_FAILED, .run = run->plan->id),
                  "record", "recording of run %s: %s", run->plan->id, error->text);
    return first;
}

void recording_set_failed(struct run *run, const struct error *error)
{
    pthread_mutex_lock(&run->recording->mutex);
    run->recording->state = RECORDING_FAILED;
    memcpy(run->recording->error, error->text, sizeof run->recording->error);
    pthread_mutex_unlock(&run->recording->mutex);
    atomic_store_explicit(&run->recording_wanted, false, memory_order_relaxed);
    log_write(LOG_ABOUT(ERROR, .message_id = MESSAGE_RECORDING_FAILED, .run = run->plan->id),
              "record", "recording of run %s failed: %s", run->plan->id, error->text);
}

void recording_add_bytes(struct run *run, uint64_t raw, uint64_t written)
{
    pthread_mutex_lock(&run->recording->mutex);
    run->recording->bytes_raw += raw;
    run->recording->bytes_written += written;
    pthread_mutex_unlock(&run->recording->mutex);
}
