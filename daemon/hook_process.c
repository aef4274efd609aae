#include "daemon/hook_process.h"

#include <errno.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <unistd.h>

#define ENVIRONMENT_MAX 32

/* A program of the site's own knows where it is by these; the rest is systemd's word to us. */
static const char *const passed_on[] = {"PATH",   "HOME", "USER",   "LANG",
                                        "LC_ALL", "TZ",   "TMPDIR", "STATE_DIRECTORY"};

/* Memory that reads like a file: nobody has to write while the program reads. */
static int make_input(const char *text)
{
    const size_t size = strlen(text);
    const int fd = memfd_create("hook-input", MFD_CLOEXEC);
    if (fd < 0)
        return -errno;
    const ssize_t n = write(fd, text, size);
    if (n == (ssize_t)size && lseek(fd, 0, SEEK_SET) == 0)
        return fd;
    const int r = n < 0 ? -errno : -ENOSPC;
    close(fd);
    return r;
}

/* argv, pointing into the command. NULL: no memory. */
static char **make_arguments(struct command_words *command)
{
    char **const arguments = calloc(command->n + 1, sizeof *arguments);
    char *word = command->text;
    for (size_t i = 0; arguments && i < command->n; i++, word += strlen(word) + 1)
        arguments[i] = word;
    return arguments;
}

/* Names and values that are borrowed, but for those of our own environment, which live as long. */
static void make_environment(char *const *more, char *all[ENVIRONMENT_MAX])
{
    size_t n = 0;
    for (; more[n] && n < ENVIRONMENT_MAX - 1; n++)
        all[n] = more[n];
    for (char **own = environ; *own && n < ENVIRONMENT_MAX - 1; own++) {
        for (size_t i = 0; i < sizeof passed_on / sizeof *passed_on; i++) {
            const size_t length = strlen(passed_on[i]);
            if (strncmp(*own, passed_on[i], length) == 0 && (*own)[length] == '=') {
                all[n++] = *own;
                break;
            }
        }
    }
    all[n] = NULL;
}

static int set_attributes(posix_spawnattr_t *attributes)
{
    sigset_t none, usual;
    sigemptyset(&none);
    sigfillset(&usual);
    const short flags = POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF;
    int r = posix_spawnattr_setflags(attributes, flags);
    r = r ? r : posix_spawnattr_setpgroup(attributes, 0);
    r = r ? r : posix_spawnattr_setsigmask(attributes, &none);
    return r ? r : posix_spawnattr_setsigdefault(attributes, &usual);
}

/* HDF5 opens its files without O_CLOEXEC. */
static int set_files(posix_spawn_file_actions_t *files, int input)
{
    int r = posix_spawn_file_actions_adddup2(files, input, STDIN_FILENO);
    r = r ? r : posix_spawn_file_actions_adddup2(files, STDERR_FILENO, STDOUT_FILENO);
    return r ? r : posix_spawn_file_actions_addclosefrom_np(files, STDERR_FILENO + 1);
}

/* posix_spawn does not copy our address space, with gigabytes of results, as fork would. */
static int spawn(const char *program, char *const *arguments, char *const *environment, int input,
                 pid_t *process)
{
    posix_spawnattr_t attributes;
    posix_spawn_file_actions_t files;
    if (posix_spawnattr_init(&attributes) != 0)
        return -ENOMEM;
    int r = posix_spawn_file_actions_init(&files);
    if (r == 0) {
        r = set_attributes(&attributes);
        r = r ? r : set_files(&files, input);
        r = r ? r : posix_spawn(process, program, &files, &attributes, arguments, environment);
        posix_spawn_file_actions_destroy(&files);
    }
    posix_spawnattr_destroy(&attributes);
    return -r;
}

static int watch(pid_t process, int *descriptor)
{
    *descriptor = pidfd_open(process, 0);
    if (*descriptor >= 0)
        return 0;
    const int r = -errno;
    kill(-process, SIGKILL);
    waitpid(process, NULL, 0);
    return r;
}

int hook_process_start(const struct command_words *command, const char *input,
                       char *const *environment, pid_t *process, int *descriptor,
                       struct error *error)
{
    char *all[ENVIRONMENT_MAX];
    struct command_words words = *command;
    char **const arguments = make_arguments(&words);
    const int file = make_input(input);
    int r = !arguments ? -ENOMEM : file < 0 ? file : 0;
    make_environment(environment, all);
    if (r == 0)
        r = spawn(command->text, arguments, all, file, process);
    if (r == 0)
        r = watch(*process, descriptor);
    if (r < 0)
        error_set(error, r, "%s cannot be started: %s", command->text, strerror(-r));
    if (file >= 0)
        close(file);
    free(arguments);
    return r;
}
