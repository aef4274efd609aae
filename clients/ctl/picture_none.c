#include "clients/ctl/picture.h"

#include <errno.h>

/* In the place of picture.c where libpng was not there to build with. */
static int missing(const char *path, struct error *error)
{
    return error_set(error, -ENOTSUP,
                     "%s: this merlinctl was built without libpng: write a .npy file, or install "
                     "libpng-dev and build again",
                     path);
}

int picture_write(const char *path, const struct array *array, const struct array *measured,
                  const struct array_statistics *statistics, struct error *error)
{
    return missing(path, error);
}

int picture_write_colours(const char *path, const uint8_t *pixels, uint32_t height, uint32_t width,
                          const uint8_t *palette, unsigned n_colours, struct error *error)
{
    return missing(path, error);
}
