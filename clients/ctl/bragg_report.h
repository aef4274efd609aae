#pragma once

#include <jansson.h>
#include <stdio.h>

/* What the commands about Bragg reflections beside the table answer, for a person. Each takes the
 * result of the command that its name has. */
void bragg_report_references(FILE *out, const json_t *result);
void bragg_report_measured(FILE *out, const json_t *result);
void bragg_report_settings(FILE *out, const json_t *result);
void bragg_report_removed(FILE *out, const json_t *result);
void bragg_report_proposal(FILE *out, const json_t *result);
void bragg_report_injection(FILE *out, const json_t *result);
void bragg_report_null_test(FILE *out, const json_t *result);
void bragg_report_excluded(FILE *out, const json_t *result);
void bragg_report_labels(FILE *out, const json_t *result);
