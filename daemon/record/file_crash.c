#include "daemon/record/file_crash.h"

#include <signal.h>
#include <stddef.h>
#include <sysexits.h>
#include <unistd.h>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#    define SANITIZED 1
#elif defined(__has_feature)
#    if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#        define SANITIZED 1
#    endif
#endif

/* Global, for a signal handler has nothing else. */
static const char *volatile partial;
static volatile sig_atomic_t ends_by_signal;

void file_crash_takes_away(const char *path)
{
    partial = path;
}

void file_crash_ends_by_signal(void)
{
    ends_by_signal = 1;
}

/* Only what is safe in a handler. */
int file_crash_told(void)
{
    static const char words[] =
        "merlin-file: the HDF5 library crashed on this file: it is damaged\n";
    return write(STDERR_FILENO, words, sizeof words - 1) < 0 ? EX_SOFTWARE : EX_DATAERR;
}

#ifdef SANITIZED

void file_crash_watch(void) {}

#else

/* Only what is safe in a handler. */
static void give_up(int signal_number)
{
    const char *const path = partial;
    if (path)
        unlink(path);
    if (!ends_by_signal)
        _exit(file_crash_told());
    raise(signal_number); /* which it is ended by when this returns: the handler is gone */
}

void file_crash_watch(void)
{
    /* A stack of its own: the crash may be that the usual one is full. */
    static char stack[1 << 16];
    const stack_t alternative = {.ss_sp = stack, .ss_size = sizeof stack};
    struct sigaction action = {.sa_handler = give_up, .sa_flags = (int)SA_RESETHAND | SA_ONSTACK};
    sigemptyset(&action.sa_mask);
    sigaltstack(&alternative, NULL);
    sigaction(SIGSEGV, &action, NULL);
    sigaction(SIGBUS, &action, NULL);
    sigaction(SIGFPE, &action, NULL);
    sigaction(SIGABRT, &action, NULL); /* what the library freed was not its own */
}

#endif
