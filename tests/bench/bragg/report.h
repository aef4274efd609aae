#pragma once

#include <stdio.h>

#include "tests/bench/bragg/fractions.h"
#include "tests/bench/bragg/speed.h"
#include "tests/bench/bragg/trial.h"

/* What bench_bragg prints of each cell. */

void report_table_head(FILE *file);
void report_table_row(FILE *file, const struct cell *cell, const struct trial *trial);

/*
 * Whether the cell keeps what is promised: upper bound of false alarms (in each phase) at most
 * twice alpha, upper bound on what should be found with 90 % not below that, every class right in
 * 95 %, places within 1.3 times the formula. Prints a sentence for each that it does not keep.
 */
bool report_promises(FILE *file, const struct cell *cell, const struct trial *trial);

void report_speeds(FILE *file, const struct speed *speeds);

/* One JSON object: keys fpr, tpr, confusion, centroid_rms, coverage, us_per_frame, fractions and
 * peers, each an object by name of cell. `trials` of the cells that could be tried. */
void report_json(FILE *file, const struct cell *cells, const struct trial *trials, unsigned n,
                 const struct trial_size *size, const struct speed *speeds,
                 const struct fractions *fractions);
