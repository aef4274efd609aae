#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <zmq.h>

#include "clients/ctl/commands.h"
#include "clients/ctl/output.h"
#include "common/key_file.h"

/* keygen: a pair of keys in a file that only its owner may read. */

static int cannot_write(const struct options *options, const char *path)
{
    struct error error = {0};
    error_set(&error, -errno, "cannot write %s: %s", path, strerror(errno));
    fprintf(stderr, "merlinctl: %s\n", error.text);
    output_error(options, "output", error.text, NULL);
    return EXIT_NO_OUTPUT;
}

/* A file that is there is a key that somebody may need. */
static int write_pair(const struct key_pair *pair, const char *path)
{
    const int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    FILE *const file = fd >= 0 ? fdopen(fd, "w") : NULL;
    if (!file) {
        if (fd >= 0)
            close(fd);
        return -1;
    }
    fprintf(file,
            "# A key of merlind (merlinctl keygen). The secret one is for its owner alone.\n"
            "public %s\nsecret %s\n",
            pair->public_key, pair->secret_key);
    const bool written = fflush(file) == 0 && fsync(fd) == 0;
    return fclose(file) == 0 && written ? 0 : -1;
}

int command_keygen(const struct options *options, struct client *client)
{
    (void)client;
    const char *const path = options->words[0];
    struct key_pair pair;
    struct error error = {0};
    if (zmq_curve_keypair(pair.public_key, pair.secret_key) != 0) {
        error_set(&error, -EOPNOTSUPP, "this ZeroMQ was built without CURVE: it makes no keys");
        return command_failed(options, &(struct reply){0}, error.code, &error);
    }
    if (write_pair(&pair, path) != 0)
        return cannot_write(options, path);
    if (options->json) {
        json_t *const result = json_pack("{s:s, s:s}", "file", path, "public", pair.public_key);
        output_json(result);
        json_decref(result);
        return 0;
    }
    printf("%s\n", pair.public_key);
    return 0;
}
