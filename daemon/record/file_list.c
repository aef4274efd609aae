#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "daemon/record/file_geometry.h"
#include "daemon/record/file_read.h"
#include "daemon/record/hdf5_error.h"
#include "daemon/record/nexus.h"

/* More positions than a detector makes frames in a day. */
#define LIST_MAX ((uint64_t)1 << 28)

typedef uint32_t position_pair[2];

/* The map that a list needs. */
static int make_list(struct scan_list **list, uint32_t ny, uint32_t nx, position_pair *pairs,
                     uint64_t n, struct error *error)
{
    uint32_t last_y = 0, last_x = 0;
    if (!pairs)
        return error_set(error, -EINVAL, "the list of positions is empty");
    for (uint64_t i = 0; i < n; i++) {
        last_y = pairs[i][0] > last_y ? pairs[i][0] : last_y;
        last_x = pairs[i][1] > last_x ? pairs[i][1] : last_x;
    }
    if (ny == 0 && (last_y == UINT32_MAX || last_x == UINT32_MAX))
        return error_set(error, -EINVAL, "a position of the list is beyond any map");
    return scan_list_create(list, ny ? ny : last_y + 1, nx ? nx : last_x + 1,
                            (const uint32_t(*)[2])pairs, n, error);
}

/* ---- from a recording ---- */

static int read_pairs(hid_t dataset, position_pair **pairs, uint64_t *n)
{
    unsigned rank;
    hsize_t extent[FILE_RANK_MAX];
    if (!file_extent(dataset, &rank, extent) || rank != 2 || extent[1] != 2 || extent[0] == 0 ||
        extent[0] > LIST_MAX)
        return -EBADMSG;
    *n = extent[0];
    *pairs = malloc(*n * sizeof **pairs);
    if (!*pairs)
        return -ENOMEM;
    if (H5Dread(dataset, H5T_NATIVE_UINT32, H5S_ALL, H5S_ALL, H5P_DEFAULT, *pairs) >= 0)
        return 0;
    free(*pairs);
    return -EBADMSG;
}

int file_list_read(struct scan_list **list, hid_t file, const char *path, uint32_t ny, uint32_t nx,
                   struct error *error)
{
    position_pair *pairs = NULL;
    uint64_t n = 0;
    const hid_t dataset =
        file_has(file, path) ? H5Dopen2(file, path, H5P_DEFAULT) : H5I_INVALID_HID;
    int r = dataset < 0 ? -EBADMSG : read_pairs(dataset, &pairs, &n);
    if (dataset >= 0)
        H5Dclose(dataset);
    hdf5_error_forget();
    if (r == -ENOMEM)
        return error_set(error, r, "no memory for the list of positions /%s", path);
    if (r < 0)
        return error_set(error, r, "the list of positions, /%s, is not there or cannot be read",
                         path);
    r = make_list(list, ny, nx, pairs, n, error);
    free(pairs);
    return r;
}

/* ---- from a .npy file ---- */

struct npy {
    char kind; /* i, u, f */
    bool big_endian, fortran;
    unsigned size; /* of an element */
    uint64_t n;    /* rows of two */
};

/* "'descr': '<i8'" and so on: the text behind a key of the header's dictionary. */
static const char *behind_key(const char *header, const char *key)
{
    const char *at = strstr(header, key);
    if (!at)
        return NULL;
    at += strlen(key);
    at += strspn(at, " :");
    return at;
}

static bool parse_type(struct npy *npy, const char *header)
{
    const char *const at = behind_key(header, "'descr'");
    char order = 0, quote = 0;
    if (!at || sscanf(at, "'%c%c%1u%c", &order, &npy->kind, &npy->size, &quote) != 4 ||
        quote != '\'' || !strchr("<>|=", order))
        return false;
    npy->big_endian = order == '>';
    const bool is_power = npy->size == 1 || npy->size == 2 || npy->size == 4 || npy->size == 8;
    if (npy->kind == 'f')
        return npy->size == 4 || npy->size == 8;
    return is_power && (npy->kind == 'i' || npy->kind == 'u');
}

static bool parse_header(struct npy *npy, const char *header)
{
    const char *const shape = behind_key(header, "'shape'");
    const char *const order = behind_key(header, "'fortran_order'");
    char bracket = 0;
    if (!parse_type(npy, header) || !shape || !order ||
        sscanf(shape, "(%" SCNu64 ", 2%c", &npy->n, &bracket) != 2 ||
        (bracket != ')' && bracket != ','))
        return false;
    npy->fortran = strncmp(order, "True", 4) == 0;
    return npy->n > 0 && npy->n <= LIST_MAX;
}

static bool read_header(struct npy *npy, FILE *file)
{
    uint8_t start[12];
    if (fread(start, 1, 10, file) != 10 || memcmp(start, "\x93NUMPY", 6) != 0 || start[6] < 1 ||
        start[6] > 3)
        return false;
    size_t size = start[8] | (size_t)start[9] << 8;
    if (start[6] > 1) {
        if (fread(start + 10, 1, 2, file) != 2)
            return false;
        size |= (size_t)start[10] << 16 | (size_t)start[11] << 24;
    }
    char header[1024];
    if (size >= sizeof header || fread(header, 1, size, file) != size)
        return false;
    header[size] = '\0';
    return parse_header(npy, header);
}

/* An element as a number; floats must be whole. false: no position. */
static bool decode(const struct npy *npy, const uint8_t *at, uint32_t *value)
{
    uint64_t bits = 0;
    for (unsigned i = 0; i < npy->size; i++)
        bits |= (uint64_t)at[npy->big_endian ? npy->size - 1 - i : i] << (8 * i);
    if (npy->kind == 'f') {
        double number;
        float single;
        const uint32_t low = (uint32_t)bits;
        memcpy(&number, &bits, sizeof number);
        memcpy(&single, &low, sizeof single);
        if (npy->size == 4)
            number = (double)single;
        if (!(number >= 0 && number < UINT32_MAX) || floor(number) < number)
            return false;
        *value = (uint32_t)number;
        return true;
    }
    /* A negative number reads as one that is far too large. */
    *value = (uint32_t)bits;
    const bool negative = npy->kind == 'i' && bits >> (8 * npy->size - 1);
    return !negative && bits < UINT32_MAX;
}

static int decode_all(position_pair *pairs, const struct npy *npy, const uint8_t *bytes,
                      const char *path, struct error *error)
{
    for (uint64_t i = 0; i < npy->n; i++) {
        for (uint64_t j = 0; j < 2; j++) {
            const uint64_t element = npy->fortran ? j * npy->n + i : i * 2 + j;
            if (!decode(npy, bytes + element * npy->size, &pairs[i][j]))
                return error_set(error, -EINVAL,
                                 "%.250s: row %" PRIu64 " is no position: y and x are to be whole "
                                 "numbers from 0",
                                 path, i);
        }
    }
    return 0;
}

/* Nothing is believed that the file has no room for. */
static bool is_all_there(FILE *file, const struct npy *npy)
{
    struct stat facts;
    return fstat(fileno(file), &facts) == 0 && (uint64_t)facts.st_size >= npy->n * 2 * npy->size;
}

static int read_npy_pairs(FILE *file, const struct npy *npy, position_pair *pairs, const char *path,
                          struct error *error)
{
    const size_t size = (size_t)npy->n * 2 * npy->size;
    uint8_t *const bytes = malloc(size);
    if (!bytes)
        return error_set(error, -ENOMEM, "no memory for the positions in %.250s", path);
    const int r = fread(bytes, 1, size, file) == size
                      ? decode_all(pairs, npy, bytes, path, error)
                      : error_set(error, -EINVAL, "%.250s ends before its last position", path);
    free(bytes);
    return r;
}

/* Reads the header, and takes memory for the positions behind it. */
static int begin_npy(FILE *file, struct npy *npy, position_pair **pairs, const char *path,
                     struct error *error)
{
    if (!read_header(npy, file))
        return error_set(error, -EINVAL,
                         "%.250s is no .npy file of positions: that is an array [n, 2] of y and x, "
                         "as numpy.save writes it",
                         path);
    if (!is_all_there(file, npy))
        return error_set(error, -EINVAL, "%.250s ends before its last position", path);
    *pairs = calloc(npy->n, sizeof **pairs);
    return *pairs ? 0 : error_set(error, -ENOMEM, "no memory for the positions in %.250s", path);
}

int file_list_from_npy(struct scan_list **list, const char *path, uint32_t ny, uint32_t nx,
                       struct error *error)
{
    struct npy npy = {0};
    position_pair *pairs = NULL;
    FILE *const file = fopen(path, "rbe");
    if (!file)
        return error_set(error, -errno, "cannot read %.250s: %s", path, strerror(errno));
    int r = begin_npy(file, &npy, &pairs, path, error);
    if (pairs)
        r = read_npy_pairs(file, &npy, pairs, path, error);
    fclose(file);
    if (r == 0)
        r = make_list(list, ny, nx, pairs, npy.n, error);
    free(pairs);
    return r;
}
