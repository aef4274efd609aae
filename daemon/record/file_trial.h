#pragma once

#include <stdbool.h>
#include <stddef.h>

/*
 * Work on a file on which the library may crash, in a process of its own. Before each step the work
 * says what it is at; when the process dies there, the work begins anew in another process and
 * leaves that step out. So one bad object costs itself and not the file.
 */
#define FILE_TRIAL_PATH 1024
#define FILE_TRIAL_MAX 64 /* steps that are left out before it is given up */

struct file_trial {
    char *at; /* FILE_TRIAL_PATH bytes that both processes see; "": nothing in particular */
    char *skipped[FILE_TRIAL_MAX];
    size_t n_skipped;
};

/* Returns the exit status, which `work` returned in its last process. */
typedef int (*file_trial_fn)(void *data, const struct file_trial *trial);
int file_trial(file_trial_fn work, void *data);

/* The work is at this step now; false: it is to be left out. */
bool file_trial_enter(const struct file_trial *trial, const char *step);
/* It is back at this one, which was entered before ("": at none). */
void file_trial_back(const struct file_trial *trial, const char *step);
