#pragma once

#include "processing/run/run.h"

/* Notes in the run a sentence for people: of what was asked for, what cannot be had of its frames,
 * and why. The same one counts once. Before anybody else knows the run. -ENOMEM: RUN_MAX_REMARKS
 * are there, or no memory; the log has it then. */
__attribute__((format(printf, 2, 3))) int run_remark(struct run *run, const char *format, ...);

void run_remarks_finish(struct run *run);
