#pragma once

#include <stdatomic.h>
#include <stdint.h>

/*
 * Sleeping on a 32-bit word. futex_wait returns when the word no longer holds `expected`, when
 * somebody woke it, when `timeout_ns` have passed (UINT64_MAX: never), or for no reason at all: the
 * caller looks at its condition again.
 */
void futex_wait(_Atomic uint32_t *word, uint32_t expected, uint64_t timeout_ns);
void futex_wake_one(_Atomic uint32_t *word);
void futex_wake_all(_Atomic uint32_t *word);
