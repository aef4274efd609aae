#include "daemon/record/file_trial.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#include "daemon/record/file_command.h"
#include "daemon/record/file_crash.h"

static bool is_skipped(const struct file_trial *trial, const char *step)
{
    for (size_t i = 0; i < trial->n_skipped; i++) {
        if (strcmp(trial->skipped[i], step) == 0)
            return true;
    }
    return false;
}

bool file_trial_enter(const struct file_trial *trial, const char *step)
{
    if (is_skipped(trial, step))
        return false;
    file_trial_back(trial, step);
    return true;
}

void file_trial_back(const struct file_trial *trial, const char *step)
{
    snprintf(trial->at, FILE_TRIAL_PATH, "%s", step);
}

/* ---- Ctrl-C ---- */

/* Global, for a signal handler has nothing else; 0: there is none. */
static volatile sig_atomic_t child;

/* Ctrl-C at a terminal reaches both processes; what somebody sends to this one is passed on. */
static void pass_on(int signal_number, siginfo_t *info, void *context)
{
    if (child > 0 && info->si_code <= 0)
        kill(child, signal_number);
}

static void set_handlers(bool passing)
{
    struct sigaction action = {.sa_flags = SA_RESTART};
    sigemptyset(&action.sa_mask);
    if (passing) {
        action.sa_flags |= SA_SIGINFO;
        action.sa_sigaction = pass_on;
    } else {
        action.sa_handler = SIG_DFL;
    }
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
}

/* ---- processes ---- */

__attribute__((noreturn)) static void be_child(file_trial_fn work, void *data,
                                               const struct file_trial *trial)
{
    const struct rlimit no_core = {0};
    set_handlers(false);
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    setrlimit(RLIMIT_CORE, &no_core);
    file_crash_ends_by_signal();
    exit(file_command_flush(work(data, trial)));
}

/* The status of waitpid; negative: there was no process. */
static int run_child(file_trial_fn work, void *data, const struct file_trial *trial)
{
    int status;
    file_trial_back(trial, "");
    const pid_t pid = fork();
    if (pid == 0)
        be_child(work, data, trial);
    if (pid < 0)
        return -1;
    child = pid;
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        continue;
    child = 0;
    return status;
}

static bool is_crash(int status)
{
    if (!WIFSIGNALED(status))
        return false;
    const int number = WTERMSIG(status);
    return number == SIGSEGV || number == SIGBUS || number == SIGABRT || number == SIGFPE ||
           number == SIGILL;
}

/* false: it cannot be told what to leave out, or that did not help. */
static bool skip_next(struct file_trial *trial)
{
    if (trial->at[0] == '\0' || trial->n_skipped == FILE_TRIAL_MAX || is_skipped(trial, trial->at))
        return false;
    char *const step = strdup(trial->at);
    if (step)
        trial->skipped[trial->n_skipped++] = step;
    return step;
}

static int failed(const char *what)
{
    fprintf(stderr, "merlin-file: %s\n", what);
    return EX_OSERR;
}

int file_trial(file_trial_fn work, void *data)
{
    struct file_trial trial = {0};
    void *const shared =
        mmap(NULL, FILE_TRIAL_PATH, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (shared == MAP_FAILED)
        return failed("no memory");
    trial.at = shared;
    set_handlers(true);
    int status = run_child(work, data, &trial);
    while (status >= 0 && is_crash(status) && skip_next(&trial))
        status = run_child(work, data, &trial);
    set_handlers(false);
    while (trial.n_skipped > 0)
        free(trial.skipped[--trial.n_skipped]);
    munmap(shared, FILE_TRIAL_PATH);
    if (status < 0)
        return failed("no process can be started for it");
    if (is_crash(status))
        return file_crash_told();
    return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}
