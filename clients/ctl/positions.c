#include "clients/ctl/positions.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clients/ctl/npy.h"
#include "clients/ctl/output_file.h"

/* As schemas/request.json says; the daemon looks at the rest. */
#define POSITIONS_MAX (1 << 22)
#define COORDINATE_MAX 65535

static int add(json_t *positions, long long y, long long x)
{
    json_t *const pair = json_pack("[I, I]", (json_int_t)y, (json_int_t)x);
    return pair && json_array_append_new(positions, pair) == 0 ? 0 : -ENOMEM;
}

static bool is_coordinate(long long value)
{
    return value >= 0 && value <= COORDINATE_MAX;
}

/* ---- .csv ---- */

/* "y, x" and nothing else. */
static bool parse_line(const char *line, long long *y, long long *x)
{
    char *end;
    *y = strtoll(line, &end, 10);
    if (end == line)
        return false;
    const char *const second = end + strspn(end, " \t,;");
    *x = strtoll(second, &end, 10);
    return second > line && end != second && end[strspn(end, " \t\r\n,;")] == '\0' &&
           is_coordinate(*y) && is_coordinate(*x);
}

static int take_line(json_t *positions, const char *line, size_t number, const char *path,
                     struct error *error)
{
    long long y, x;
    line += strspn(line, " \t");
    if (*line == '#' || line[strspn(line, "\r\n")] == '\0')
        return 0;
    if (parse_line(line, &y, &x))
        return add(positions, y, x);
    if (number == 1 && !strpbrk(line, "0123456789")) /* the names of the columns */
        return 0;
    return error_set(
        error, -EINVAL,
        "%s:%zu: \"%.*s\" is no position: y and x are needed, whole numbers from 0 to %d", path,
        number, (int)(strcspn(line, "\r\n") < 60 ? strcspn(line, "\r\n") : 60), line,
        COORDINATE_MAX);
}

static int read_csv(json_t *positions, FILE *in, const char *path, struct error *error)
{
    char *line = NULL;
    size_t size = 0, number = 0;
    int result = 0;
    while (result == 0 && json_array_size(positions) <= POSITIONS_MAX &&
           getline(&line, &size, in) >= 0)
        result = take_line(positions, line, ++number, path, error);
    free(line);
    return result;
}

/* ---- .npy ---- */

static long long integer_at(const struct npy_file *file, const uint8_t *at)
{
    uint64_t bits = 0;
    memcpy(&bits, at, file->item_size);
    const unsigned unused = 64 - 8 * (unsigned)file->item_size;
    if (file->kind == 'i')
        return (int64_t)(bits << unused) >> unused;
    return bits > COORDINATE_MAX ? -1 : (long long)bits;
}

static int read_rows(json_t *positions, FILE *in, const struct npy_file *file, const char *path,
                     struct error *error)
{
    uint8_t row[16];
    int result = 0;
    for (size_t i = 0; i < file->shape[0] && result == 0; i++) {
        if (fread(row, file->item_size, 2, in) != 2)
            return error_set(error, -EINVAL, "%s ends after %zu of %zu positions", path, i,
                             file->shape[0]);
        const long long y = integer_at(file, row), x = integer_at(file, row + file->item_size);
        result = is_coordinate(y) && is_coordinate(x)
                     ? add(positions, y, x)
                     : error_set(error, -EINVAL,
                                 "%s: position %zu does not have coordinates from 0 to %d", path, i,
                                 COORDINATE_MAX);
    }
    return result;
}

static int read_npy(json_t *positions, FILE *in, const char *path, struct error *error)
{
    struct npy_file file;
    const int result = npy_read_header(&file, in, path, error);
    if (result)
        return result;
    if (file.kind == 'f' || file.fortran_order || file.n_dims != 2 || file.shape[1] != 2)
        return error_set(
            error, -EINVAL,
            "%s does not hold positions: integers in the shape [n, 2] are needed, y and x "
            "of each, in C order (numpy.ascontiguousarray(positions, int))",
            path);
    if (file.shape[0] > POSITIONS_MAX)
        return error_set(error, -EINVAL, "%s holds more than %d positions", path, POSITIONS_MAX);
    return read_rows(positions, in, &file, path, error);
}

/* ---- both ---- */

int positions_read(json_t **positions, const char *path, struct error *error)
{
    FILE *const in = fopen(path, "rb");
    if (!in)
        return error_set(error, -EINVAL, "cannot read %s: %s", path, strerror(errno));
    json_t *const list = json_array();
    int result = output_file_kind(path) == OUTPUT_FILE_NPY ? read_npy(list, in, path, error)
                                                           : read_csv(list, in, path, error);
    if (result == -ENOMEM)
        error_set(error, result, "no memory for the positions of %s", path);
    if (result == 0 && ferror(in))
        result = error_set(error, -EINVAL, "cannot read %s: %s", path, strerror(errno));
    if (result == 0 && json_array_size(list) == 0)
        result = error_set(error, -EINVAL, "%s holds no position", path);
    if (result == 0 && json_array_size(list) > POSITIONS_MAX)
        result = error_set(error, -EINVAL, "%s holds more than %d positions", path, POSITIONS_MAX);
    fclose(in);
    if (result == 0)
        *positions = list;
    else
        json_decref(list);
    return result;
}
