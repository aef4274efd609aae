#include "daemon/web/token.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#define RANDOM_BYTES 16

static int make_random(char *token, size_t size, struct error *error)
{
    unsigned char bytes[RANDOM_BYTES];
    if (getrandom(bytes, sizeof bytes, 0) != (ssize_t)sizeof bytes)
        return error_set(error, -EIO, "no random numbers for the page's token: set web.token");
    for (size_t i = 0; i < sizeof bytes && 2 * i + 2 < size; i++)
        snprintf(token + 2 * i, 3, "%02x", bytes[i]);
    return 0;
}

/* systemd names several directories with colons between them. */
static bool name_file(char *file, size_t size)
{
    static const char *const variables[] = {"RUNTIME_DIRECTORY", "STATE_DIRECTORY"};
    for (size_t i = 0; i < sizeof variables / sizeof variables[0]; i++) {
        const char *const directory = getenv(variables[i]);
        if (directory && *directory) {
            snprintf(file, size, "%.*s/page-token", (int)strcspn(directory, ":"), directory);
            return true;
        }
    }
    return false;
}

static int write_file(const char *file, const char *token, struct error *error)
{
    unlink(file); /* of an earlier start; its mode may be another */
    const int fd = open(file, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    int r = fd < 0 ? -errno : 0;
    if (r == 0 && dprintf(fd, "%s\n", token) < 0)
        r = -errno;
    if (fd >= 0)
        close(fd);
    return r < 0
               ? error_set(error, r, "cannot write the page's token to %s: %s", file, strerror(-r))
               : 0;
}

int token_make(char *token, size_t size, char *file, size_t file_size, const struct config *config,
               struct error *error)
{
    *file = '\0';
    if (*config->web.token) {
        snprintf(token, size, "%s", config->web.token);
        return 0;
    }
    int r = make_random(token, size, error);
    if (r == 0 && name_file(file, file_size))
        r = write_file(file, token, error);
    if (r < 0)
        *file = '\0';
    return r;
}

void token_remove(const char *file)
{
    if (*file)
        unlink(file);
}
