#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "clients/ctl/npy.h"

/* The header is a Python dictionary as text, in the form that numpy itself writes
 * (numpy.lib.format); of other texts that Python would take it is enough to say no. */
#define HEADER_MAX 4096
#define PREAMBLE_SIZE 8 /* magic and version */

static const char *value_of(const char *header, const char *key)
{
    const char *const found = strstr(header, key);
    return found ? found + strlen(key) + strspn(found + strlen(key), " :") : "";
}

static bool read_type(struct npy_file *file, const char *text)
{
    if (*text++ != '\'' || !strchr("<|", *text) || !*text || !text[1] || !strchr("uif", text[1]) ||
        !text[2] || !strchr("1248", text[2]) || text[3] != '\'')
        return false;
    file->kind = text[1];
    file->item_size = (size_t)(text[2] - '0');
    return true;
}

static bool read_shape(struct npy_file *file, const char *text)
{
    if (*text++ != '(')
        return false;
    for (file->n_dims = 0; *text != ')'; file->n_dims++) {
        char *end;
        if (file->n_dims == ARRAY_MAX_DIMS || *text < '0' || *text > '9')
            return false;
        file->shape[file->n_dims] = strtoull(text, &end, 10);
        text = end + strspn(end, ", ");
    }
    return true;
}

/* The header's text with a zero behind it; false: there is none. */
static bool read_text(char text[HEADER_MAX + 1], FILE *in)
{
    uint8_t preamble[PREAMBLE_SIZE], length[4] = {0};
    if (fread(preamble, 1, sizeof preamble, in) != sizeof preamble ||
        memcmp(preamble, "\x93NUMPY", 6) != 0 || preamble[6] < 1 || preamble[6] > 3)
        return false;
    const size_t length_size = preamble[6] == 1 ? 2 : 4;
    if (fread(length, 1, length_size, in) != length_size)
        return false;
    const size_t size =
        length[0] | (size_t)length[1] << 8 | (size_t)length[2] << 16 | (size_t)length[3] << 24;
    if (size > HEADER_MAX || fread(text, 1, size, in) != size)
        return false;
    text[size] = '\0';
    return true;
}

int npy_read_header(struct npy_file *file, FILE *in, const char *path, struct error *error)
{
    char text[HEADER_MAX + 1];
    *file = (struct npy_file){0};
    if (!read_text(text, in))
        return error_set(error, -EINVAL, "%s is no .npy file", path);
    const char *const order = value_of(text, "'fortran_order'");
    file->fortran_order = strncmp(order, "True", 4) == 0;
    if (!read_type(file, value_of(text, "'descr'")) || !read_shape(file, value_of(text, "'shape'")))
        return error_set(error, -EINVAL,
                         "%s holds no array of plain little-endian numbers (numpy.asarray(x, int))",
                         path);
    return 0;
}
