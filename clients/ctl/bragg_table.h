#pragma once

#include <jansson.h>
#include <stdio.h>

/* The statistics of Bragg reflections (schemas/bragg.json) as a paper would print them. What a
 * daemon does not tell is left out. */

/* For a person. */
void bragg_table_print(FILE *out, const json_t *statistics);

/* A series alone, with its warnings. */
void bragg_table_print_series(FILE *out, const json_t *series);
void bragg_table_print_warnings(FILE *out, const json_t *warnings);

/*
 * One line for the scan, each drawn area, tile, row of a series and its scans, after one of names:
 * what, name, n, none, two_beam, three_beam, on_axis, multiple, fraction, low, high, interval,
 * design_effect. `interval` tells how [low, high] was found; empty is what is not known. Texts
 * are quoted as in RFC 4180.
 */
void bragg_table_csv(FILE *out, const json_t *statistics);

/* The rows and scans of a series alone. */
void bragg_table_csv_series(FILE *out, const json_t *series);
