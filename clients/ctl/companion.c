#include "clients/ctl/companion.h"

#include <errno.h>
#include <spawn.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

int companion_start(struct companion *companion, const struct options *options, struct error *error)
{
    *companion = (struct companion){0};
    if (!options->has_program || options->n_words == 0)
        return 0;
    char *words[OPTIONS_MAX_WORDS + 1] = {NULL};
    for (unsigned i = 0; i < options->n_words; i++)
        words[i] = options->words[i];
    const int code = posix_spawnp(&companion->pid, words[0], NULL, NULL, words, environ);
    if (code == 0)
        return 0;
    companion->pid = 0;
    return error_set(error, -code, "cannot run %s: %s", words[0], strerror(code));
}

int companion_finish(struct companion *companion, const struct options *options,
                     struct error *error)
{
    int status = 0;
    if (companion->pid == 0)
        return 0;
    while (waitpid(companion->pid, &status, 0) < 0 && errno == EINTR)
        ;
    companion->pid = 0;
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
        return 0;
    return error_set(error, -ECHILD, "%s has failed: %s %d", options->words[0],
                     WIFEXITED(status) ? "exit status" : "signal",
                     WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status));
}
