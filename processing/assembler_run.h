#pragma once

#include "processing/assembler.h"

/*
 * The runs that an assembler's frames make: how they begin and end, and how an unending scan goes
 * from one to the next. For assembler.c, which finds out what the messages are.
 *
 * A run is in one of three states: none goes on (`run` NULL), one takes frames, or one takes frames
 * and ends once the link is quiet (`quiet_end`), for the detector tells nobody that it is done. The
 * plan of the next run (`next_plan`) can be asked to end in the same way before a frame of it came.
 */

/* What frames do not tell is in the plan of the run that they belong to or would begin. */
const struct acquisition_plan *assembler_plan(const struct assembler *assembler);

/* Under the plan that is expected, else a copy of the default one. There is none going on. */
int assembler_begin_run(struct assembler *assembler, const struct run_frames *frames,
                        struct error *error);

/* The run that is going on ends once the link has been quiet for so long. */
void assembler_end_run_when_quiet(struct assembler *assembler, enum run_end end, uint64_t quiet_ns);

/* The link has been quiet for as long as somebody asked: ends the run, or drops the next plan. */
void assembler_end_as_asked(struct assembler *assembler);

/* The last frame of the run is in, or will not come. */
void assembler_end_at_last(struct assembler *assembler);

/* At the border of a pass the frame of this exposure of the run may belong to another run than the
 * one before. false: to none. */
bool assembler_change_run_at_pass(struct assembler *assembler, uint64_t index);
