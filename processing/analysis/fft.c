#include "processing/analysis/fft.h"

#include <pthread.h>

static pthread_mutex_t planner = PTHREAD_MUTEX_INITIALIZER;

void fft_planner_lock(void)
{
    pthread_mutex_lock(&planner);
}

void fft_planner_unlock(void)
{
    pthread_mutex_unlock(&planner);
}

void fft_plan_destroy(fftw_plan plan)
{
    if (!plan)
        return;
    fft_planner_lock();
    fftw_destroy_plan(plan);
    fft_planner_unlock();
}
