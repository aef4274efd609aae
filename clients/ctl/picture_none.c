#include "clients/ctl/picture.h"

#include <errno.h>

/* In the place of picture.c where libpng was not there to build with. */
int picture_write(const char *path, const struct array *array, const struct array *measured,
                  const struct array_statistics *statistics, struct error *error)
{
    return error_set(error, -ENOTSUP,
                     "%s: this merlinctl was built without libpng: write a .npy file, or install "
                     "libpng-dev and build again",
                     path);
}
