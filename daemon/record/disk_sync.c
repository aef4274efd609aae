#include "daemon/record/disk_sync.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/log.h"
#include "daemon/record/file_name.h"

/* A disk that takes longer is worth a word. */
#define SLOW_NS (UINT64_C(5) * NS_PER_S)

struct disk_sync {
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    pthread_t thread;
    int descriptor; /* to be synced, -1: none */
    bool stop;
    struct stage_times *times; /* may be NULL; set for good */
    int failure;               /* errno of the newest one, 0: none that was not taken */
    char path[FILE_PATH_MAX];
    char failed_path[FILE_PATH_MAX];
};

/* Returns 0 or an errno. */
static int bring_to_disk(int descriptor, const char *path)
{
    const uint64_t began = clock_monotonic_ns();
    const int failure = fdatasync(descriptor) < 0 ? errno : 0;
    const uint64_t took = clock_monotonic_ns() - began;
    if (took > SLOW_NS)
        log_warning("record", "bringing %.300s to the disk took %.1f s: the disk is slow", path,
                    (double)took / (double)NS_PER_S);
    close(descriptor);
    return failure;
}

static void *sync_all(void *data)
{
    struct disk_sync *const sync = data;
    pthread_setname_np(pthread_self(), "disk-sync");
    pthread_mutex_lock(&sync->mutex);
    while (!sync->stop) {
        if (sync->descriptor < 0) {
            pthread_cond_wait(&sync->changed, &sync->mutex);
            continue;
        }
        /* `path` changes only while there is no descriptor. */
        pthread_mutex_unlock(&sync->mutex);
        const uint64_t began = clock_monotonic_ns();
        const int failure = bring_to_disk(sync->descriptor, sync->path);
        stage_times_add(sync->times, STAGE_SYNC, began);
        pthread_mutex_lock(&sync->mutex);
        if (failure) {
            sync->failure = failure;
            memcpy(sync->failed_path, sync->path, sizeof sync->failed_path);
        }
        sync->descriptor = -1;
        pthread_cond_broadcast(&sync->changed);
    }
    pthread_mutex_unlock(&sync->mutex);
    return NULL;
}

int disk_sync_create(struct disk_sync **out, struct stage_times *times, struct error *error)
{
    struct disk_sync *const sync = calloc(1, sizeof *sync);
    sigset_t all, before;
    if (!sync)
        return error_set(error, -ENOMEM, "no memory for the thread that syncs recordings");
    sync->descriptor = -1;
    sync->times = times;
    pthread_mutex_init(&sync->mutex, NULL);
    pthread_cond_init(&sync->changed, NULL);
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    const int r = pthread_create(&sync->thread, NULL, sync_all, sync);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (r != 0) {
        pthread_cond_destroy(&sync->changed);
        pthread_mutex_destroy(&sync->mutex);
        free(sync);
        return error_set(error, -r, "cannot start the thread that syncs recordings: %s",
                         strerror(r));
    }
    *out = sync;
    return 0;
}

void disk_sync_destroy(struct disk_sync *sync)
{
    if (!sync)
        return;
    pthread_mutex_lock(&sync->mutex);
    sync->stop = true;
    pthread_cond_broadcast(&sync->changed);
    pthread_mutex_unlock(&sync->mutex);
    pthread_join(sync->thread, NULL);
    if (sync->descriptor >= 0)
        close(sync->descriptor);
    pthread_cond_destroy(&sync->changed);
    pthread_mutex_destroy(&sync->mutex);
    free(sync);
}

void disk_sync_ask(struct disk_sync *sync, int descriptor, const char *path)
{
    pthread_mutex_lock(&sync->mutex);
    if (sync->descriptor < 0) {
        sync->descriptor = fcntl(descriptor, F_DUPFD_CLOEXEC, 0);
        snprintf(sync->path, sizeof sync->path, "%s", path);
        pthread_cond_broadcast(&sync->changed);
    }
    pthread_mutex_unlock(&sync->mutex);
}

void disk_sync_wait(struct disk_sync *sync)
{
    pthread_mutex_lock(&sync->mutex);
    while (sync->descriptor >= 0)
        pthread_cond_wait(&sync->changed, &sync->mutex);
    pthread_mutex_unlock(&sync->mutex);
}

int disk_sync_take_failure(struct disk_sync *sync, const char *path)
{
    int failure = 0;
    pthread_mutex_lock(&sync->mutex);
    if (sync->failure && strcmp(sync->failed_path, path) == 0) {
        failure = sync->failure;
        sync->failure = 0;
    }
    pthread_mutex_unlock(&sync->mutex);
    return failure;
}
