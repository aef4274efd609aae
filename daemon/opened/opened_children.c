#include "daemon/opened/opened_children.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "daemon/acquisition/run_directory.h"
#include "daemon/opened/helper.h"
#include "daemon/opened/opened_sockets.h"

#define CHILDREN_MAX 8
/* Requests that wait for the same recording. */
#define WAITING_MAX 32

struct waiting {
    acquisition_answer_fn answer;
    void *data;
};

/* `ready` and `viewers` are guarded by the mutex of all children, as is which of them there are. */
struct child {
    struct opened_children *children;
    struct child *next; /* opened later */
    char file[1024];
    struct opened_endpoints endpoints;
    struct helper *helper;
    bool ready, ending;
    unsigned viewers;
    char refusal[500];
    struct waiting waiting[WAITING_MAX];
    unsigned n_waiting;
};

struct opened_children {
    uv_loop_t *loop;
    const struct config *config;
    struct opened_observer observer;
    struct opened_sockets sockets;
    pthread_mutex_t mutex;
    struct child *first;
};

/* ---- the list ---- */

static struct child *find(const struct opened_children *children, const char *file)
{
    struct child *child = children->first;
    while (child && strcmp(child->file, file) != 0)
        child = child->next;
    return child;
}

static void put_last(struct opened_children *children, struct child *child)
{
    pthread_mutex_lock(&children->mutex);
    struct child **at = &children->first;
    while (*at)
        at = &(*at)->next;
    *at = child;
    pthread_mutex_unlock(&children->mutex);
}

static void take_out(struct opened_children *children, struct child *child)
{
    pthread_mutex_lock(&children->mutex);
    struct child **at = &children->first;
    while (*at != child)
        at = &(*at)->next;
    *at = child->next;
    pthread_mutex_unlock(&children->mutex);
}

static unsigned count(const struct opened_children *children)
{
    unsigned n = 0;
    for (const struct child *child = children->first; child; child = child->next)
        n += !child->ending;
    return n;
}

bool opened_children_find(struct opened_children *children, const char *file,
                          struct opened_endpoints *endpoints)
{
    pthread_mutex_lock(&children->mutex);
    const struct child *const child = find(children, file);
    const bool there = child && child->ready && !child->ending;
    if (there)
        *endpoints = child->endpoints;
    pthread_mutex_unlock(&children->mutex);
    return there;
}

void opened_children_look(struct opened_children *children, const char *file, int change)
{
    pthread_mutex_lock(&children->mutex);
    struct child *const child = find(children, file);
    /* Who leaves may have looked at one before it, whose process is gone. */
    if (child && (change > 0 || child->viewers > 0))
        child->viewers += (unsigned)change;
    pthread_mutex_unlock(&children->mutex);
}

static unsigned viewers_of(struct opened_children *children, const struct child *child)
{
    pthread_mutex_lock(&children->mutex);
    const unsigned viewers = child->viewers;
    pthread_mutex_unlock(&children->mutex);
    return viewers;
}

/* ---- answers ---- */

static json_t *child_json(const struct child *child)
{
    return json_pack("{s:s, s:s, s:s, s:i}", "file", child->file, "control",
                     child->endpoints.control, "results", child->endpoints.results, "pid",
                     helper_pid(child->helper));
}

json_t *opened_children_json(struct opened_children *children)
{
    json_t *const list = json_array();
    for (const struct child *child = children->first; child; child = child->next) {
        if (!child->ready || child->ending)
            continue;
        json_t *const json = child_json(child);
        json_object_set_new(json, "viewers", json_integer(viewers_of(children, child)));
        json_array_append_new(list, json);
    }
    return list;
}

static void answer_all(struct child *child, const char *code, const struct error *error)
{
    const unsigned n = child->n_waiting;
    child->n_waiting = 0;
    for (unsigned i = 0; i < n; i++)
        child->waiting[i].answer(child->waiting[i].data, code ? NULL : child_json(child), code,
                                 code ? "args.file" : NULL, error);
}

static void tell(const struct child *child, const char *state, const char *text)
{
    const struct opened_observer *const observer = &child->children->observer;
    observer->event(observer->data, "old_run",
                    json_pack("{s:s, s:n, s:s, s:{s:s, s:s}}", "event", "old_run", "run", "text",
                              text, "old_run", "file", child->file, "state", state));
}

/* ---- one process ---- */

static void on_line(void *data, char *line)
{
    struct child *const child = data;
    if (strncmp(line, HELPER_REFUSED, strlen(HELPER_REFUSED)) == 0) {
        snprintf(child->refusal, sizeof child->refusal, "%s", line + strlen(HELPER_REFUSED));
        return;
    }
    if (child->ready || strncmp(line, "ready ", 6) != 0)
        return;
    pthread_mutex_lock(&child->children->mutex);
    child->ready = true;
    pthread_mutex_unlock(&child->children->mutex);
    log_notice("opened", "%s is open (process %d)", child->file, helper_pid(child->helper));
    tell(child, "open", "the recording is open");
    answer_all(child, NULL, NULL);
}

/* What is to be said of the end of a process that nobody asked to end. */
static void describe_end(const struct child *child, int64_t status, int signal, struct error *error)
{
    if (child->refusal[0])
        error_set(error, -EBADMSG, "%s", child->refusal);
    else if (signal)
        error_set(error, -EIO, "the process that showed %.300s was killed (%s)", child->file,
                  strsignal(signal));
    else
        error_set(error, -EIO, "the process that showed %.300s has ended (exit code %d)",
                  child->file, (int)status);
}

static void on_ended(void *data, int64_t status, int signal)
{
    struct child *const child = data;
    struct opened_children *const children = child->children;
    struct error error = {0};
    take_out(children, child);
    opened_sockets_remove(&child->endpoints);
    if (child->ending) {
        error_set(&error, -ECANCELED, "%.300s was closed", child->file);
    } else {
        describe_end(child, status, signal, &error);
        log_error("opened", "%s", error.text);
    }
    if (child->ready)
        tell(child, child->ending ? "closed" : "lost", error.text);
    answer_all(child, "recording", &error);
    free(child);
}

static void end(struct child *child)
{
    pthread_mutex_lock(&child->children->mutex);
    child->ending = true;
    pthread_mutex_unlock(&child->children->mutex);
    helper_end(child->helper);
}

/* ---- opening ---- */

static int start(struct child *child, struct error *error)
{
    struct opened_children *const children = child->children;
    char option[] = "-o", open[] = "--open", no_page[] = "web.enabled=false";
    char quiet[] = "log.level=warning";
    char control[OPENED_ENDPOINT_SIZE + 20], results[OPENED_ENDPOINT_SIZE + 20];
    snprintf(control, sizeof control, "control.endpoint=%s", child->endpoints.control);
    snprintf(results, sizeof results, "results.endpoint=%s", child->endpoints.results);
    char *const arguments[] = {option, control, option, results,     option, no_page,
                               option, quiet,   open,   child->file, NULL};
    const struct helper_events events = {.data = child, .line = on_line, .ended = on_ended};
    return helper_start(&child->helper, children->loop, children->config, arguments, &events,
                        error);
}

static struct child *open_child(struct opened_children *children, const char *file,
                                struct error *error)
{
    struct child *const child = calloc(1, sizeof *child);
    if (!child) {
        error_set(error, -ENOMEM, "no memory to open %.300s", file);
        return NULL;
    }
    child->children = children;
    snprintf(child->file, sizeof child->file, "%s", file);
    int r = opened_sockets_name(&children->sockets, &child->endpoints, error);
    if (r == 0)
        r = start(child, error);
    if (r < 0) {
        free(child);
        return NULL;
    }
    put_last(children, child);
    return child;
}

/* The first one that nobody looks at makes room. */
static bool make_room(struct opened_children *children, struct error *error)
{
    const unsigned most = children->config->recording_opened;
    if (most == 0) {
        error_set(error, -EBUSY, "no old run may be opened here (recording.opened is 0)");
        return false;
    }
    if (count(children) < most)
        return true;
    for (struct child *child = children->first; child; child = child->next) {
        if (child->ready && !child->ending && viewers_of(children, child) == 0) {
            end(child);
            return true;
        }
    }
    error_set(error, -EBUSY,
              "%u old runs are open and looked at, which is as many as may be (recording.opened): "
              "close one of them",
              most);
    return false;
}

static const char *code_of(const struct error *error)
{
    switch (error->code) {
    case -EACCES:
        return "forbidden";
    case -ENOENT:
        return "no_data";
    case -EINVAL:
        return "bad_value";
    case -EBUSY:
        return "busy";
    default:
        return "recording";
    }
}

/* The one that shows it, or is about to. NULL: error says why there is none. */
static struct child *find_or_open(struct opened_children *children, const char *file,
                                  struct error *error)
{
    char path[1024];
    if (run_file_resolve(children->config, file, path, error) < 0)
        return NULL;
    struct child *const child = find(children, path);
    if (!child)
        return make_room(children, error) ? open_child(children, path, error) : NULL;
    if (!child->ending && child->n_waiting < WAITING_MAX)
        return child;
    error_set(error, -EBUSY, "%.300s is being %s: try again in a second", file,
              child->ending ? "closed" : "opened for many");
    return NULL;
}

void opened_children_open(struct opened_children *children, const char *file,
                          acquisition_answer_fn answer, void *data)
{
    struct error error = {0};
    struct child *const child = find_or_open(children, file, &error);
    if (!child) {
        answer(data, NULL, code_of(&error), "args.file", &error);
        return;
    }
    child->waiting[child->n_waiting++] = (struct waiting){answer, data};
    if (child->ready)
        answer_all(child, NULL, NULL);
}

void opened_children_close(struct opened_children *children, const char *file,
                           acquisition_answer_fn answer, void *data)
{
    char path[1024];
    struct error error = {0};
    /* The file may be gone meanwhile. */
    const bool resolved = run_file_resolve(children->config, file, path, &error) == 0;
    struct child *const child = find(children, resolved ? path : file);
    if (!child || child->ending) {
        error_set(&error, -ENOENT, "%.300s is not open", file);
        answer(data, NULL, "no_data", "args.file", &error);
        return;
    }
    end(child);
    answer(data, json_pack("{s:s}", "file", child->file), NULL, NULL, NULL);
}

/* ---- life ---- */

int opened_children_create(struct opened_children **out, uv_loop_t *loop,
                           const struct config *config, const struct opened_observer *observer,
                           struct error *error)
{
    struct opened_children *const children = calloc(1, sizeof *children);
    if (!children)
        return error_set(error, -ENOMEM, "no memory");
    children->loop = loop;
    children->config = config;
    children->observer = *observer;
    pthread_mutex_init(&children->mutex, NULL);
    *out = children;
    return 0;
}

void opened_children_destroy(struct opened_children *children)
{
    if (!children)
        return;
    while (children->first) {
        struct child *const child = children->first;
        const struct error error = {.code = -ESHUTDOWN, .text = "merlind is stopping"};
        take_out(children, child);
        helper_destroy(child->helper);
        answer_all(child, "busy", &error);
        opened_sockets_remove(&child->endpoints);
        free(child);
    }
    opened_sockets_finish(&children->sockets);
    pthread_mutex_destroy(&children->mutex);
    free(children);
}
