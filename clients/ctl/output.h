#pragma once

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "clients/ctl/options.h"

/* Room for any of the numbers below in words. */
struct text {
    char text[48];
};

/* "16,384" */
struct text text_of_count(uint64_t count);

/* "1.07 GB": powers of 1000, as data rates and disks are counted */
struct text text_of_bytes(double bytes);

/* "3.3 s", "2 min 05 s", "1 h 02 min" */
struct text text_of_duration(double seconds);

/* "2026-11-21 08:15:36" in local time of a JSON [s, ns]; "" of null */
struct text text_of_time(const json_t *time);

/* An array of names as "a, b, c" */
void output_names(FILE *out, const json_t *names);

/* One JSON object and a newline on stdout. */
void output_json(const json_t *object);

/*
 * With --json: {"error": ...} on stdout, so that a script finds an object there whatever happens.
 * `refusal` is the daemon's own, or NULL: then it is made of `code` and `message`.
 */
void output_error(const struct options *options, const char *code, const char *message,
                  json_t *refusal);

/* Members of JSON objects that may be missing or of another type: "", 0. */
const char *member_text(const json_t *object, const char *name);
uint64_t member_count(const json_t *object, const char *name);
double member_number(const json_t *object, const char *name);

/* A number, or NAN: null where there is none. */
double number_or_nan(const json_t *json);
double member_or_nan(const json_t *object, const char *name);
