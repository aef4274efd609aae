#include <errno.h>

#include "clients/ctl/image_file.h"

/* Built without libtiff. */
int image_tiff_read(struct image_file *file, const char *path, const struct image_choice *choice,
                    struct error *error)
{
    (void)file;
    (void)choice;
    return error_set(error, -EINVAL,
                     "%s: this merlinctl was built without libtiff and reads no TIFF images: save "
                     "it as .npy",
                     path);
}
