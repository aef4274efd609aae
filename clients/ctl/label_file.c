#include "clients/ctl/label_file.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clients/ctl/bragg_names.h"

/* NULL: there is no such class. */
static const char *class_of(const char *word)
{
    for (size_t i = 0; i < CLASSES_THAT_COUNT; i++)
        if (strcmp(word, bragg_class_members[i]) == 0 || strcmp(word, class_words[i]) == 0)
            return bragg_class_members[i];
    return NULL;
}

static int take_line(json_t *labels, const char *line, size_t number, const char *path,
                     struct error *error)
{
    long long y, x;
    char word[32];
    line += strspn(line, " \t");
    if (*line == '#' || line[strspn(line, "\r\n")] == '\0')
        return 0;
    const bool whole = sscanf(line, "%lld %*[,;] %lld %*[,;] %31[a-z_-]", &y, &x, word) == 3;
    const char *const class = whole ? class_of(word) : NULL;
    if (class) {
        json_t *const label = json_pack("[I, I, s]", (json_int_t)y, (json_int_t)x, class);
        return label && json_array_append_new(labels, label) == 0
                   ? 0
                   : error_set(error, -ENOMEM, "no memory for the labels");
    }
    if (number == 1 && !strpbrk(line, "0123456789"))
        return 0;
    return error_set(error, -EINVAL,
                     "%s:%zu: y, x and a class are needed: none, two-beam, three-beam, on-axis or "
                     "multiple",
                     path, number);
}

int label_file_read(json_t **labels, const char *path, struct error *error)
{
    FILE *const in = fopen(path, "r");
    if (!in)
        return error_set(error, -EINVAL, "%s: %s", path, strerror(errno));
    json_t *const made = json_array();
    char *line = NULL;
    size_t size = 0, number = 0;
    int r = made ? 0 : error_set(error, -ENOMEM, "no memory for the labels");
    while (r == 0 && getline(&line, &size, in) >= 0)
        r = take_line(made, line, ++number, path, error);
    if (r == 0 && json_array_size(made) == 0)
        r = error_set(error, -EINVAL, "%s has no label", path);
    free(line);
    fclose(in);
    if (r < 0)
        json_decref(made);
    else
        *labels = made;
    return r;
}
