#pragma once

#include <sys/types.h>

/*
 * A process that helps the daemon and must not cost it anything: it runs only where nobody else
 * wants the CPU or the disk (SCHED_IDLE, nice 19, idle I/O class), is the first to go when memory
 * runs out, and dies with its parent.
 */

/* Before anything is opened: closes what the daemon had open, from descriptor `first` on. Its files
 * may be locked, and their locks must not outlive them here. */
void low_priority_close_inherited(int first);

/* For the process and all threads that it makes from now on. What cannot be had (a kernel without
 * it, a filter of system calls) is told in the log. -ECHILD: the parent is gone already. */
int low_priority_become(pid_t parent);
