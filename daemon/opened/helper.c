#include "daemon/opened/helper.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define PATIENCE_MS 2000
/* A line that has no end is cut here. */
#define LINE_MAX_SIZE ((size_t)1 << 22)
#define ARGUMENTS_MAX 160
enum { N_HANDLES = 3 };

struct helper {
    uv_process_t process;
    uv_pipe_t out;
    uv_timer_t patience;
    struct helper_events events;
    char *text; /* of a line that has not ended */
    size_t size, room;
    int64_t status;
    int signal;
    bool exited, silent, destroyed;
    int closed; /* handles */
};

/* ---- what it is given ---- */

/* The configuration in force, to be read as a file. */
static int configuration(const struct config *config)
{
    const int file = memfd_create("merlind.yaml", MFD_CLOEXEC);
    const int copy = file < 0 ? -1 : dup(file);
    FILE *const out = copy < 0 ? NULL : fdopen(copy, "w");
    if (out)
        config_print(config, out);
    if (!out || fclose(out) != 0 || lseek(file, 0, SEEK_SET) != 0) {
        const int r = -errno;
        if (file >= 0)
            close(file);
        return r;
    }
    return file;
}

static bool is_for_systemd(const char *variable)
{
    return strncmp(variable, "NOTIFY_SOCKET=", 14) == 0 || strncmp(variable, "WATCHDOG_", 9) == 0;
}

/* Ours, but for what systemd told us. Strings are borrowed. NULL: no memory. */
static char **environment(char *parent)
{
    size_t n = 0, kept = 0;
    while (environ[n])
        n++;
    char **const list = calloc(n + 2, sizeof *list);
    if (!list)
        return NULL;
    for (size_t i = 0; i < n; i++) {
        if (!is_for_systemd(environ[i]))
            list[kept++] = environ[i];
    }
    list[kept] = parent;
    return list;
}

/* ---- what it says ---- */

static void close_handles(struct helper *helper);

static bool keep(struct helper *helper, const char *bytes, size_t size)
{
    const size_t needed = helper->size + size + 1;
    if (needed > LINE_MAX_SIZE)
        return false;
    if (needed > helper->room) {
        char *const more = realloc(helper->text, 2 * needed);
        if (!more)
            return false;
        helper->text = more;
        helper->room = 2 * needed;
    }
    memcpy(helper->text + helper->size, bytes, size);
    helper->size += size;
    helper->text[helper->size] = '\0';
    return true;
}

static void take(struct helper *helper, const char *bytes, size_t size)
{
    while (size > 0 && !helper->destroyed) {
        const char *const end = memchr(bytes, '\n', size);
        const size_t n = end ? (size_t)(end - bytes) : size;
        const bool kept = keep(helper, bytes, n);
        if (!kept)
            helper->size = 0;
        if (end && kept)
            helper->events.line(helper->events.data, helper->text);
        if (end)
            helper->size = 0;
        bytes += n + (end != NULL);
        size -= n + (end != NULL);
    }
}

static void on_room(uv_handle_t *handle, size_t suggested, uv_buf_t *buffer)
{
    (void)handle;
    buffer->base = malloc(suggested);
    buffer->len = buffer->base ? suggested : 0;
}

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buffer)
{
    struct helper *const helper = stream->data;
    if (n > 0)
        take(helper, buffer->base, (size_t)n);
    free(buffer->base);
    if (n >= 0)
        return;
    uv_read_stop(stream);
    helper->silent = true;
    if (helper->exited)
        close_handles(helper);
}

/* ---- its end ---- */

static void on_closed(uv_handle_t *handle)
{
    struct helper *const helper = handle->data;
    if (++helper->closed < N_HANDLES)
        return;
    if (!helper->destroyed)
        helper->events.ended(helper->events.data, helper->status, helper->signal);
    free(helper->text);
    free(helper);
}

static void close_one(uv_handle_t *handle)
{
    if (!uv_is_closing(handle))
        uv_close(handle, on_closed);
}

static void close_handles(struct helper *helper)
{
    close_one((uv_handle_t *)&helper->process);
    close_one((uv_handle_t *)&helper->out);
    close_one((uv_handle_t *)&helper->patience);
}

static void on_process_exit(uv_process_t *process, int64_t status, int signal)
{
    struct helper *const helper = process->data;
    helper->exited = true;
    helper->status = status;
    helper->signal = signal;
    if (helper->silent || helper->destroyed)
        close_handles(helper);
}

static void on_patience(uv_timer_t *timer)
{
    struct helper *const helper = timer->data;
    if (!helper->exited)
        uv_process_kill(&helper->process, SIGKILL);
}

void helper_end(struct helper *helper)
{
    if (helper->exited)
        return;
    uv_process_kill(&helper->process, SIGTERM);
    uv_timer_start(&helper->patience, on_patience, PATIENCE_MS, 0);
}

void helper_destroy(struct helper *helper)
{
    if (!helper)
        return;
    helper->destroyed = true;
    if (helper->exited)
        close_handles(helper);
    else
        uv_process_kill(&helper->process, SIGKILL);
}

int helper_pid(const struct helper *helper)
{
    return helper->process.pid;
}

/* ---- its beginning ---- */

static int spawn(struct helper *helper, uv_loop_t *loop, char *const *arguments, int config,
                 char **variables)
{
    char name[] = "merlind", option[] = "-c", file[] = "/proc/self/fd/3";
    char *list[ARGUMENTS_MAX + 4] = {name, option, file};
    for (size_t i = 0; i < ARGUMENTS_MAX && arguments[i]; i++)
        list[3 + i] = arguments[i];
    uv_stdio_container_t streams[HELPER_FIRST_UNUSED] = {
        {.flags = UV_IGNORE},
        {.flags = UV_CREATE_PIPE | UV_WRITABLE_PIPE, .data.stream = (uv_stream_t *)&helper->out},
        {.flags = UV_INHERIT_FD, .data.fd = STDERR_FILENO},
        {.flags = UV_INHERIT_FD, .data.fd = config},
    };
    const uv_process_options_t options = {
        .file = "/proc/self/exe",
        .args = list,
        .env = variables,
        .exit_cb = on_process_exit,
        .stdio = streams,
        .stdio_count = HELPER_FIRST_UNUSED,
    };
    return uv_spawn(loop, &helper->process, &options);
}

static int start(struct helper *helper, uv_loop_t *loop, const struct config *config,
                 char *const *arguments)
{
    char parent[40];
    snprintf(parent, sizeof parent, HELPER_PARENT "=%d", (int)getpid());
    char **const variables = environment(parent);
    const int file = variables ? configuration(config) : -ENOMEM;
    int r = file;
    if (file >= 0) {
        r = spawn(helper, loop, arguments, file, variables);
        close(file);
    }
    free(variables);
    return r;
}

int helper_start(struct helper **out, uv_loop_t *loop, const struct config *config,
                 char *const *arguments, const struct helper_events *events, struct error *error)
{
    struct helper *const helper = calloc(1, sizeof *helper);
    if (!helper)
        return error_set(error, -ENOMEM, "no memory for another process");
    helper->events = *events;
    uv_pipe_init(loop, &helper->out, 0);
    uv_timer_init(loop, &helper->patience);
    helper->process.data = helper->out.data = helper->patience.data = helper;
    int r = start(helper, loop, config, arguments);
    if (r == 0)
        r = uv_read_start((uv_stream_t *)&helper->out, on_room, on_read);
    if (r < 0) {
        /* uv_spawn leaves a handle that is to be closed also where it failed. */
        helper->destroyed = true;
        if (helper->process.pid > 0)
            helper_destroy(helper);
        else
            close_handles(helper);
        return error_set(error, r, "cannot start a process of /proc/self/exe: %s", uv_strerror(r));
    }
    *out = helper;
    return 0;
}
