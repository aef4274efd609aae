#pragma once

/*
 * Ctrl-C (SIGINT) and SIGTERM while the program waits for a run: remembered instead of deadly, so
 * that a last word can be said.
 */
void interrupt_watch(void);

/* The signal that came since interrupt_watch, or 0. */
int interrupt_caught(void);
