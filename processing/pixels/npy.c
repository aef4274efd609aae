#include "processing/pixels/npy.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <string.h>

#define MAGIC "\x93NUMPY"
#define MAGIC_SIZE 6

/* No array of two axes needs more; numpy itself stops at 10,000. */
#define HEADER_MAX 10000

static const struct npy_type_name {
    const char *descr;
    size_t size;
} types[] = {
    [NPY_BOOL] = {"|b1", 1}, [NPY_U1] = {"|u1", 1}, [NPY_I1] = {"|i1", 1},
    [NPY_F4] = {"<f4", 4},   [NPY_F8] = {"<f8", 8},
};
#define N_TYPES (sizeof types / sizeof types[0])

/* What is left of the header's text. */
struct text {
    const char *at, *end;
};

static void skip_spaces(struct text *text)
{
    while (text->at < text->end && (*text->at == ' ' || *text->at == '\n'))
        text->at++;
}

static bool take(struct text *text, char wanted)
{
    skip_spaces(text);
    if (text->at == text->end || *text->at != wanted)
        return false;
    text->at++;
    return true;
}

static bool take_word(struct text *text, const char *word)
{
    const size_t length = strlen(word);
    skip_spaces(text);
    if ((size_t)(text->end - text->at) < length || memcmp(text->at, word, length) != 0)
        return false;
    text->at += length;
    return true;
}

/* A string in single or double quotes, without escapes. */
static bool take_string(struct text *text, char *string, size_t size)
{
    skip_spaces(text);
    if (text->at == text->end || (*text->at != '\'' && *text->at != '"'))
        return false;
    const char *const first = text->at + 1;
    const char *const last = memchr(first, *text->at, (size_t)(text->end - first));
    if (!last || (size_t)(last - first) >= size)
        return false;
    memcpy(string, first, (size_t)(last - first));
    string[last - first] = '\0';
    text->at = last + 1;
    return true;
}

static bool take_number(struct text *text, uint64_t *number)
{
    skip_spaces(text);
    const char *const first = text->at;
    *number = 0;
    for (; text->at < text->end && *text->at >= '0' && *text->at <= '9'; text->at++) {
        if (text->at - first >= 18)
            return false;
        *number = 10 * *number + (uint64_t)(*text->at - '0');
    }
    return text->at > first;
}

/* What the dictionary says. */
struct header {
    bool has_descr, has_order, has_shape;
    char descr[64];
    bool fortran_order;
    unsigned n_axes; /* 3: more than two */
    uint64_t shape[2];
};

/* "(256, 256)", "(256,)", "()", a comma after the last. */
static bool take_shape(struct text *text, struct header *header)
{
    if (!take(text, '('))
        return false;
    while (!take(text, ')')) {
        uint64_t length;
        if (!take_number(text, &length))
            return false;
        if (header->n_axes < 2)
            header->shape[header->n_axes] = length;
        header->n_axes += header->n_axes < 3;
        if (!take(text, ',')) {
            /* "(256)" is a number in Python. */
            return header->n_axes > 1 && take(text, ')');
        }
    }
    return true;
}

static bool take_order(struct text *text, struct header *header)
{
    header->fortran_order = take_word(text, "True");
    return header->fortran_order || take_word(text, "False");
}

static bool take_entry(struct text *text, struct header *header)
{
    char key[16];
    if (!take_string(text, key, sizeof key) || !take(text, ':'))
        return false;
    bool *const seen = strcmp(key, "descr") == 0           ? &header->has_descr
                       : strcmp(key, "fortran_order") == 0 ? &header->has_order
                       : strcmp(key, "shape") == 0         ? &header->has_shape
                                                           : NULL;
    if (!seen || *seen)
        return false;
    *seen = true;
    if (seen == &header->has_descr)
        return take_string(text, header->descr, sizeof header->descr);
    return seen == &header->has_order ? take_order(text, header) : take_shape(text, header);
}

static bool take_dictionary(struct text text, struct header *header)
{
    if (!take(&text, '{'))
        return false;
    while (!take(&text, '}')) {
        if (!take_entry(&text, header))
            return false;
        if (!take(&text, ',')) {
            if (!take(&text, '}'))
                return false;
            break;
        }
    }
    skip_spaces(&text);
    return text.at == text.end && header->has_descr && header->has_order && header->has_shape;
}

/* Where the text of the header lies, by the version's own way to tell its length. */
static int find_text(struct text *text, const uint8_t *bytes, size_t size, struct error *error)
{
    if (size < MAGIC_SIZE + 4 || memcmp(bytes, MAGIC, MAGIC_SIZE) != 0)
        return error_set(error, -EBADMSG,
                         "this is no .npy file: it does not begin with \\x93NUMPY; save the array "
                         "with numpy.save");
    const uint8_t *const version = bytes + MAGIC_SIZE;
    if (version[0] < 1 || version[0] > 3 || version[1] != 0)
        return error_set(error, -ENOTSUP, ".npy version %d.%d is not known, 1.0 to 3.0 are",
                         version[0], version[1]);
    const size_t length_size = version[0] == 1 ? 2 : 4, first = MAGIC_SIZE + 2 + length_size;
    size_t length = 0;
    if (size < first)
        return error_set(error, -EBADMSG, "the file ends in its .npy header, after %zu bytes",
                         size);
    for (size_t i = 0; i < length_size; i++)
        length |= (size_t)bytes[MAGIC_SIZE + 2 + i] << 8 * i;
    if (length > HEADER_MAX || length > size - first)
        return error_set(
            error, -EBADMSG,
            "the .npy header says that it is %zu bytes long, the file has %zu after it", length,
            size - first);
    *text = (struct text){(const char *)bytes + first, (const char *)bytes + first + length};
    return 0;
}

static int find_type(struct npy_array *array, const char *descr, struct error *error)
{
    for (size_t i = 0; i < N_TYPES; i++) {
        if (strcmp(descr, types[i].descr) == 0) {
            array->type = (enum npy_type)i;
            return 0;
        }
    }
    char shown[sizeof((struct header *)0)->descr];
    size_t n = 0;
    for (; descr[n]; n++)
        shown[n] = descr[n] >= ' ' && descr[n] <= '~' ? descr[n] : '?';
    shown[n] = '\0';
    return error_set(error, -ENOTSUP,
                     "values of type '%s' are not taken, but '|b1', '|u1', '|i1', '<f4' and '<f8' "
                     "are; convert them with array.astype('<f4')",
                     shown);
}

static int check_shape(struct npy_array *array, const struct header *header, size_t n_bytes,
                       struct error *error)
{
    if (header->n_axes != 2)
        return error_set(error, -ENOTSUP, "the array has %s; a mask has two axes, [height, width]",
                         header->n_axes == 0   ? "no axes"
                         : header->n_axes == 1 ? "one axis"
                                               : "more than two axes");
    if (header->fortran_order)
        return error_set(error, -ENOTSUP,
                         "the array is in Fortran order; save numpy.ascontiguousarray(array)");
    const uint64_t height = header->shape[0], width = header->shape[1];
    if (height == 0 || width == 0 || height > UINT32_MAX || width > UINT32_MAX)
        return error_set(error, -ENOTSUP,
                         "an array of %" PRIu64 " x %" PRIu64 " values is no mask of a frame",
                         height, width);
    uint64_t wanted;
    if (__builtin_mul_overflow(height * width, types[array->type].size, &wanted) ||
        wanted != n_bytes)
        return error_set(error, -EBADMSG,
                         "%zu bytes follow the header, which promises %" PRIu64 " x %" PRIu64
                         " values of %zu bytes; is the file complete?",
                         n_bytes, height, width, types[array->type].size);
    array->height = (uint32_t)height;
    array->width = (uint32_t)width;
    return 0;
}

int npy_parse(struct npy_array *array, const void *bytes, size_t size, struct error *error)
{
    struct text text = {0};
    struct header header = {0};
    int status = find_text(&text, bytes, size, error);
    if (status)
        return status;
    if (!take_dictionary(text, &header))
        return error_set(error, -EBADMSG,
                         "the .npy header is not {'descr': ..., 'fortran_order': ..., 'shape': "
                         "...}; save the array again with numpy.save");
    status = find_type(array, header.descr, error);
    if (status)
        return status;
    array->values = (const uint8_t *)text.end;
    return check_shape(array, &header, size - (size_t)(array->values - (const uint8_t *)bytes),
                       error);
}

static uint64_t load_le(const uint8_t *bytes, size_t size)
{
    uint64_t value = 0;
    for (size_t i = 0; i < size; i++)
        value |= (uint64_t)bytes[i] << 8 * i;
    return value;
}

double npy_value(const struct npy_array *array, size_t i)
{
    const uint8_t *const at = array->values + i * types[array->type].size;
    switch (array->type) {
    case NPY_BOOL:
        return at[0] != 0;
    case NPY_U1:
        return at[0];
    case NPY_I1:
        return (int8_t)at[0];
    case NPY_F4: {
        const uint32_t bits = (uint32_t)load_le(at, 4);
        float value;
        memcpy(&value, &bits, sizeof value);
        return value;
    }
    default: {
        const uint64_t bits = load_le(at, 8);
        double value;
        memcpy(&value, &bits, sizeof value);
        return value;
    }
    }
}

const char *npy_descr(enum npy_type type)
{
    return types[type].descr;
}

size_t npy_value_size(enum npy_type type)
{
    return types[type].size;
}
