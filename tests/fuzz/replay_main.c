#include <dirent.h>
#include <stdio.h>

#include "fuzz_target.h"

/* Runs a fuzz target over the files of a folder, so that the kept corpus is an ordinary test with
 * any compiler. */

static int replay_file(const char *path)
{
    FILE *const file = fopen(path, "rb");
    uint8_t *const bytes = malloc(1 << 20);
    if (!file || !bytes) {
        perror(path);
        free(bytes);
        if (file)
            fclose(file);
        return -1;
    }
    const size_t size = fread(bytes, 1, 1 << 20, file);
    fclose(file);
    uint8_t *const exact = fuzz_copy(bytes, size);
    LLVMFuzzerTestOneInput(exact, size);
    free(exact);
    free(bytes);
    return 0;
}

static int replay_folder(const char *folder)
{
    DIR *const entries = opendir(folder);
    const struct dirent *entry;
    unsigned n = 0;
    int result = 0;
    if (!entries) {
        perror(folder);
        return 1;
    }
    while ((entry = readdir(entries))) {
        char path[4096];
        if (entry->d_name[0] == '.')
            continue;
        snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
        result |= replay_file(path);
        n++;
    }
    closedir(entries);
    printf("%u files of %s\n", n, folder);
    return result < 0 || n == 0;
}

int main(int argc, char **argv)
{
    if (argc != 2) {
        fprintf(stderr, "usage: %s FOLDER\n", argv[0]);
        return 2;
    }
    return replay_folder(argv[1]);
}
