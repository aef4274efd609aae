#pragma once

#include "common/error.h"

/*
 * An error that threads set and others read at any time. The mutex inside guards it; nobody holds
 * it for longer than a copy takes.
 */
struct shared_error;

/* With code 0. NULL: no memory. */
struct shared_error *shared_error_create(void);
void shared_error_destroy(struct shared_error *shared);

void shared_error_set(struct shared_error *shared, const struct error *error);
void shared_error_get(struct shared_error *shared, struct error *error);
