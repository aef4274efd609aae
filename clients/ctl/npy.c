#include "clients/ctl/npy.h"

#include <stdio.h>
#include <string.h>

#include "clients/ctl/output_file.h"

#define NPY_PREAMBLE 10 /* magic, version and length of the header */
#define NPY_ALIGNMENT 64

/* Layout as numpy documents it (numpy.lib.format): the header is padded so that the data begin at a
 * multiple of 64. */
static void write_header(FILE *out, const struct array *array)
{
    char header[256];
    int length =
        snprintf(header, sizeof header, "{'descr': '%c%c%zu', 'fortran_order': False, 'shape': (",
                 array->item_size == 1 ? '|' : '<', array->kind, array->item_size);
    for (size_t i = 0; i < array->n_dims; i++)
        length +=
            snprintf(header + length, sizeof header - (size_t)length, "%zu, ", array->shape[i]);
    length += snprintf(header + length, sizeof header - (size_t)length, "), }");

    const size_t used = NPY_PREAMBLE + (size_t)length + 1;
    const size_t total = (used + NPY_ALIGNMENT - 1) / NPY_ALIGNMENT * NPY_ALIGNMENT;
    const size_t header_size = total - NPY_PREAMBLE;
    const unsigned char preamble[NPY_PREAMBLE] = {0x93,
                                                  'N',
                                                  'U',
                                                  'M',
                                                  'P',
                                                  'Y',
                                                  1,
                                                  0,
                                                  (unsigned char)header_size,
                                                  (unsigned char)(header_size >> 8)};
    fwrite(preamble, 1, sizeof preamble, out);
    fprintf(out, "%-*s\n", (int)header_size - 1, header);
}

int npy_write(const char *path, const struct array *array, struct error *error)
{
    struct output_file file;
    const int result = output_file_open(&file, path, error);
    if (result)
        return result;
    write_header(file.stream, array);
    fwrite(array->data, array->item_size, array->count, file.stream);
    return output_file_commit(&file, error);
}
