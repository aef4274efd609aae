#include "daemon/opened/opened_sockets.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SCHEME "ipc://"

/* In the service's own directory where it has one. A socket's name must not be long. */
static int make_directory(struct opened_sockets *sockets, struct error *error)
{
    const char *const runtime = getenv("RUNTIME_DIRECTORY");
    const bool good = runtime && runtime[0] == '/' && !strchr(runtime, ':') &&
                      strlen(runtime) + sizeof "/merlind-XXXXXX" <= OPENED_DIRECTORY_SIZE;
    if (sockets->directory[0])
        return 0;
    snprintf(sockets->directory, sizeof sockets->directory, "%s/merlind-XXXXXX",
             good ? runtime : "/tmp");
    if (mkdtemp(sockets->directory))
        return 0;
    const int r = error_set(error, -errno, "cannot make %s for sockets: %s", sockets->directory,
                            strerror(errno));
    sockets->directory[0] = '\0';
    return r;
}

int opened_sockets_name(struct opened_sockets *sockets, struct opened_endpoints *endpoints,
                        struct error *error)
{
    const int r = make_directory(sockets, error);
    if (r < 0)
        return r;
    const unsigned long long number = ++sockets->n_named;
    snprintf(endpoints->control, OPENED_ENDPOINT_SIZE, SCHEME "%s/%llu.control", sockets->directory,
             number);
    snprintf(endpoints->results, OPENED_ENDPOINT_SIZE, SCHEME "%s/%llu.results", sockets->directory,
             number);
    return 0;
}

void opened_sockets_remove(const struct opened_endpoints *endpoints)
{
    unlink(endpoints->control + strlen(SCHEME));
    unlink(endpoints->results + strlen(SCHEME));
}

void opened_sockets_finish(struct opened_sockets *sockets)
{
    if (sockets->directory[0])
        rmdir(sockets->directory);
}
