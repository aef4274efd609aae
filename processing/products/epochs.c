#include "processing/products/epochs.h"

unsigned epoch_of_exposure(uint64_t exposure)
{
    const uint64_t lengths = exposure / EPOCH_FRAMES;
    unsigned epoch = 0;
    while (epoch + 1 < EPOCHS_MAX && lengths >> epoch)
        epoch++;
    return epoch;
}

void epochs_open(struct epochs *epochs, uint64_t first_exposure)
{
    atomic_fetch_add_explicit(&epochs->opened[epoch_of_exposure(first_exposure)], 1,
                              memory_order_relaxed);
}

void epochs_open_failed(struct epochs *epochs, uint64_t first_exposure)
{
    atomic_fetch_sub_explicit(&epochs->opened[epoch_of_exposure(first_exposure)], 1,
                              memory_order_relaxed);
}

void epochs_settle(struct epochs *epochs, uint64_t first_exposure)
{
    atomic_fetch_add_explicit(&epochs->settled[epoch_of_exposure(first_exposure)], 1,
                              memory_order_release);
}

bool epochs_over(const struct epochs *epochs, unsigned end)
{
    for (unsigned epoch = 0; epoch < end; epoch++) {
        const uint64_t settled =
            atomic_load_explicit(&epochs->settled[epoch], memory_order_acquire);
        if (settled != atomic_load_explicit(&epochs->opened[epoch], memory_order_relaxed))
            return false;
    }
    return true;
}
