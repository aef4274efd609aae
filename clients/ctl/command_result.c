#include <errno.h>
#include <stdio.h>

#include "clients/ctl/array.h"
#include "clients/ctl/commands.h"
#include "clients/ctl/npy.h"
#include "clients/ctl/output.h"
#include "clients/ctl/output_file.h"
#include "clients/ctl/picture.h"

/* What becomes of results that are trees of numbers, and of the arrays that come with them. */

static int write_array(const char *path, const struct array *array, struct error *error)
{
    struct array_statistics statistics;
    if (output_file_kind(path) == OUTPUT_FILE_NPY)
        return npy_write(path, array, error);
    if (array_statistics(&statistics, array, NULL) != 0)
        return error_set(error, -ENOMEM, "no memory for the picture");
    return picture_write(path, array, NULL, &statistics, error);
}

int command_save_part(const struct options *options, struct reply *reply, const char *part)
{
    struct array array;
    struct error error = {0};
    const int r = array_from_reply(&array, reply, part, &error);
    if (r < 0)
        return command_failed(options, reply, r == -ENOENT ? -EINVAL : r, &error);
    if (write_array(options->output, &array, &error) == 0)
        return 0;
    fprintf(stderr, "merlinctl: %s\n", error.text);
    output_error(options, "output", error.text, NULL);
    return EXIT_NO_OUTPUT;
}

void command_print_tree(const struct options *options, json_t *result)
{
    if (options->json) {
        output_json(result);
        return;
    }
    json_object_del(result, "parts");
    json_dumpf(result, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(9) | JSON_PRESERVE_ORDER);
    printf("\n");
}
