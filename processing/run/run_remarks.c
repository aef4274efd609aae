#include "processing/run/run_remarks.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/log.h"

int run_remark(struct run *run, const char *format, ...)
{
    char text[500];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    for (unsigned i = 0; i < run->n_remarks; i++) {
        if (strcmp(run->remarks[i], text) == 0)
            return 0;
    }
    char *const copy = run->n_remarks < RUN_MAX_REMARKS ? strdup(text) : NULL;
    if (!copy) {
        log_warning("run", "run %s: %s", run->plan->id, text);
        return -ENOMEM;
    }
    run->remarks[run->n_remarks++] = copy;
    return 0;
}

void run_remarks_finish(struct run *run)
{
    for (unsigned i = 0; i < run->n_remarks; i++)
        free(run->remarks[i]);
    run->n_remarks = 0;
}
