#include "daemon/bind_error.h"

#include <errno.h>
#include <zmq.h>

static const char *remedy(int error_number)
{
    switch (error_number) {
    case EADDRINUSE:
        return "is another merlind running? choose another port";
    case EADDRNOTAVAIL:
    case ENODEV:
        return "no interface of this computer has this address: choose one that \"ip address\" "
               "lists, or 127.0.0.1";
    case EACCES:
    case EPERM:
        return "choose a port from 1024 on, or a directory that merlind's user may write";
    case ENOENT:
    case ENOTDIR:
        return "choose a path in a directory that is there";
    default:
        return "choose another endpoint";
    }
}

int bind_error_set(struct error *error, const char *key, const char *endpoint, int error_number)
{
    return error_set(error, -error_number, "%s %s: %s: %s (%s of the configuration, or -o %s=...)",
                     key, endpoint, zmq_strerror(error_number), remedy(error_number), key, key);
}
