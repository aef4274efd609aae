#pragma once

#include <stdint.h>

/*
 * Calendar text of frame headers, kept per second: the calendar is worked out 1 time a second and
 * not 60,000 times. Owned by one thread. Zero-initialise it.
 */
struct clock_text {
    int64_t second;
    char local[20]; /* "2021-04-15 14:43:00" */
    char utc[20];   /* "2021-04-15T13:43:00" */
};

#define CLOCK_TEXT_SIZE 19

/* Makes `clock` hold the text of this UNIX second. */
void clock_text_set(struct clock_text *clock, int64_t second);
