#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/error.h"

/*
 * What files of recordings are called: a text with fields, which may have slashes for folders
 * below the directory of recordings and has no ".h5".
 *
 *     {date}      20261129, local time of the run's first frame
 *     {time}      142359, the same
 *     {run}       number of the file among those whose names are alike but for it; {run:04} with
 *                 leading zeros
 *     {id}        the first 8 digits of the run's UUID
 *     {sample} or any other word: the label of that name which the run was started with; without
 *                 one "no-sample"
 *
 * Whatever a label says, it cannot leave its place: of its characters only letters, digits, "-",
 * "_", "+" and "." (not as the first one) and those beyond ASCII stay, others become "_".
 */
#define NAME_TEMPLATE_SIZE 200
#define NAME_PATH_SIZE 512

/* Stands in a name for the number that is still looked for. */
#define NAME_NUMBER_MARK '\1'

/* -EINVAL with a sentence: it is no such text, or would lead out of the directory. */
int name_template_check(const char *text, struct error *error);

/* What a name is made of. */
struct name_facts {
    uint64_t started_ns; /* UNIX time */
    const char *run_id;
    const char *labels; /* JSON object, "": none */
};

/* The relative path; `number` 0 puts NAME_NUMBER_MARK in its place. -ENAMETOOLONG with a sentence:
 * a part of it is longer than file systems take. */
int name_template_expand(const char *text, const struct name_facts *facts, uint64_t number,
                         char path[NAME_PATH_SIZE], struct error *error);
