#include "clients/ctl/interrupt.h"

#include <signal.h>
#include <stddef.h>

static volatile sig_atomic_t caught;

static void remember(int signal_number)
{
    caught = signal_number;
}

void interrupt_watch(void)
{
    /* Once only: who presses Ctrl-C again wants out at once. No SA_RESTART: waits shall end. */
    struct sigaction action = {.sa_handler = remember, .sa_flags = (int)SA_RESETHAND};
    sigemptyset(&action.sa_mask);
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
}

int interrupt_caught(void)
{
    return caught;
}
