#pragma once

#include <jansson.h>

#include "common/error.h"
#include "daemon/results/put_map.h"

/*
 * maps_put with args.image: an image in pixels of its own is brought onto the positions of the scan
 * (scan_image.h), shifted by args.image.shift or as far as args.image.register, a map of the run,
 * tells.
 */
struct put_image {
    double *values; /* what is put: owned, [ny][nx] */
    json_t *told;   /* {shape, shift, error, register}: owned, for the reply and the provenance */
};

/*
 * Puts what is to be put into *map in the place of the image that it has; put_image_finish frees
 * it. A negative errno with a sentence and the member at fault in *field: -EINVAL, -ERANGE;
 * -ENODATA: the image is not found in the map, or there is no such map; -ENOMEM.
 */
int put_image_init(struct put_image *image, struct put_map *map, const json_t *args,
                   const struct run *run, const char **field, struct error *error);
/* Also of a zeroed one. */
void put_image_finish(struct put_image *image);
