#include "daemon/record/disk_watch.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <time.h>

#include "common/clock.h"

#define ASK_NS (250 * NS_PER_MS)
#define FIRST_ANSWER_NS (100 * NS_PER_MS)

/* Who owns what: all is under the mutex, which nobody holds while the disk is asked. */
struct disk_watch {
    pthread_mutex_t mutex;
    pthread_cond_t changed; /* on CLOCK_MONOTONIC */
    pthread_t thread;
    bool stop;
    bool asked_again;  /* another directory: do not wait for the next turn */
    uint64_t asked_ns; /* monotonic, 0: no question is open */
    uint64_t bytes_free;
    int error_number;
    char directory[DISK_WATCH_PATH_SIZE];
};

static void wait_changed(struct disk_watch *watch, uint64_t ns)
{
    const uint64_t until = clock_monotonic_ns() + ns;
    const struct timespec time = {(time_t)(until / NS_PER_S), (long)(until % NS_PER_S)};
    pthread_cond_timedwait(&watch->changed, &watch->mutex, &time);
}

/* With the mutex, which it gives away while it asks. */
static void ask(struct disk_watch *watch)
{
    char directory[sizeof watch->directory];
    struct statvfs system = {0};
    memcpy(directory, watch->directory, sizeof directory);
    watch->asked_again = false;
    watch->asked_ns = clock_monotonic_ns();
    pthread_mutex_unlock(&watch->mutex);
    const int error_number = statvfs(directory, &system) < 0 ? errno : 0;
    pthread_mutex_lock(&watch->mutex);
    watch->asked_ns = 0;
    watch->error_number = error_number;
    watch->bytes_free = error_number ? 0 : (uint64_t)system.f_bavail * system.f_frsize;
    pthread_cond_broadcast(&watch->changed);
}

static void *ask_all(void *data)
{
    struct disk_watch *const watch = data;
    pthread_setname_np(pthread_self(), "disk-watch");
    pthread_mutex_lock(&watch->mutex);
    while (!watch->stop) {
        ask(watch);
        if (!watch->stop && !watch->asked_again)
            wait_changed(watch, ASK_NS);
    }
    pthread_mutex_unlock(&watch->mutex);
    return NULL;
}

static void init_condition(pthread_cond_t *condition)
{
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(condition, &attributes);
    pthread_condattr_destroy(&attributes);
}

static void release(struct disk_watch *watch)
{
    pthread_cond_destroy(&watch->changed);
    pthread_mutex_destroy(&watch->mutex);
    free(watch);
}

int disk_watch_create(struct disk_watch **out, const char *directory, struct error *error)
{
    struct disk_watch *const watch = calloc(1, sizeof *watch);
    sigset_t all, before;
    if (!watch)
        return error_set(error, -ENOMEM, "no memory for the thread that watches the disk");
    pthread_mutex_init(&watch->mutex, NULL);
    init_condition(&watch->changed);
    snprintf(watch->directory, sizeof watch->directory, "%s", directory);
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    const int r = pthread_create(&watch->thread, NULL, ask_all, watch);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (r != 0) {
        release(watch);
        return error_set(error, -r, "cannot start the thread that watches the disk: %s",
                         strerror(r));
    }
    *out = watch;
    return 0;
}

void disk_watch_destroy(struct disk_watch *watch)
{
    if (!watch)
        return;
    pthread_mutex_lock(&watch->mutex);
    watch->stop = true;
    pthread_cond_broadcast(&watch->changed);
    pthread_mutex_unlock(&watch->mutex);
    pthread_join(watch->thread, NULL);
    release(watch);
}

void disk_watch_follow(struct disk_watch *watch, const char *directory)
{
    pthread_mutex_lock(&watch->mutex);
    if (strcmp(watch->directory, directory) != 0) {
        snprintf(watch->directory, sizeof watch->directory, "%s", directory);
        watch->asked_again = true;
        pthread_cond_broadcast(&watch->changed);
        wait_changed(watch, FIRST_ANSWER_NS);
    }
    pthread_mutex_unlock(&watch->mutex);
}

void disk_watch_look(struct disk_watch *watch, struct disk_view *view)
{
    pthread_mutex_lock(&watch->mutex);
    const uint64_t asked_ns = watch->asked_ns, now = clock_monotonic_ns();
    *view = (struct disk_view){
        .bytes_free = watch->bytes_free,
        .error_number = watch->error_number,
        .silent_s = asked_ns && now > asked_ns ? (double)(now - asked_ns) / (double)NS_PER_S : 0,
    };
    pthread_mutex_unlock(&watch->mutex);
}
