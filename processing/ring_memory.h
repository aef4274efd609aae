#pragma once

#include <stdint.h>

#include "common/error.h"

/*
 * The ring's memory: zeroed, every page in place, in huge pages where the kernel gives them, and in
 * no core dump. `size` is a multiple of 2 MiB. Returns when the last page was touched, which takes
 * seconds where the host of a virtual machine has to find each page first; all processors of the
 * process take part. Errors: -ENOMEM with a sentence, and nothing is left mapped.
 */
int ring_memory_map(uint8_t **base, uint64_t size, struct error *error);

/* NULL does nothing. */
void ring_memory_unmap(uint8_t *base, uint64_t size);
