#include "daemon/opened/low_priority.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "common/log.h"

#define NICEST 19
/* ioprio_set(2), which glibc has no function for. */
#define IOPRIO_WHO_PROCESS 1
#define IOPRIO_CLASS_IDLE 3
#define IOPRIO_CLASS_SHIFT 13

void low_priority_close_inherited(int first)
{
    (void)close_range((unsigned)first, ~0U, 0);
}

static void tell(const char *what, int result)
{
    if (result < 0)
        log_warning("opened", "this process has no %s: %s", what, strerror(errno));
}

static void be_first_to_go(void)
{
    static const char most[] = "1000";
    const int file = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
    const ssize_t n = file < 0 ? -1 : write(file, most, sizeof most - 1);
    tell("higher score with the kernel's out-of-memory killer", n < 0 ? -1 : 0);
    if (file >= 0)
        close(file);
}

int low_priority_become(pid_t parent)
{
    const struct sched_param none = {0};
    tell("signal when its parent ends", prctl(PR_SET_PDEATHSIG, SIGKILL));
    /* It may have ended before it could be asked for. */
    if (getppid() != parent)
        return -ECHILD;
    tell("lower priority", setpriority(PRIO_PROCESS, 0, NICEST));
    tell("idle scheduling", sched_setscheduler(0, SCHED_IDLE, &none));
    tell("idle disk priority", (int)syscall(SYS_ioprio_set, IOPRIO_WHO_PROCESS, 0,
                                            IOPRIO_CLASS_IDLE << IOPRIO_CLASS_SHIFT));
    be_first_to_go();
    return 0;
}
