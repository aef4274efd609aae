#include "processing/pixels/calibration_reference.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

struct calibration_reference *calibration_reference_create(const struct calibration_reference *head,
                                                           const char *text)
{
    const size_t size = strlen(text) + 1;
    struct calibration_reference *const made = malloc(sizeof *made + size);
    if (!made)
        return NULL;
    *made = *head;
    atomic_init(&made->owners, 1);
    memcpy(made->text, text, size);
    return made;
}

struct calibration_reference *calibration_reference_ref(struct calibration_reference *reference)
{
    if (reference)
        atomic_fetch_add_explicit(&reference->owners, 1, memory_order_relaxed);
    return reference;
}

void calibration_reference_unref(struct calibration_reference *reference)
{
    if (reference && atomic_fetch_sub_explicit(&reference->owners, 1, memory_order_acq_rel) == 1)
        free(reference);
}
