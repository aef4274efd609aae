#pragma once

#include <fftw3.h>

/*
 * FFTW's planner has a state of its own and must not run in two threads at once (executing a plan
 * may). Whoever makes or destroys a plan holds this lock meanwhile.
 */
void fft_planner_lock(void);
void fft_planner_unlock(void);

/* Takes NULL. */
void fft_plan_destroy(fftw_plan plan);
