/* pwrite and pwrite64 are two functions here. */
#undef _FILE_OFFSET_BITS
/*
 * A disk that fails on demand, for programs that are started with this library preloaded, or are
 * linked with it: calls on files below $FAULTY_DISK_UNDER fail or wait as the file $FAULTY_DISK
 * says, which is looked at before each call:
 *
 *     KINDS ERRNO [AFTER]
 *
 * KINDS are letters: w writing, s syncing, o making files, r renaming. ERRNO is a number, or 0: the
 * call waits until the file says something else. The first AFTER such calls go well. An empty file,
 * or none: nothing fails.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

#pragma GCC visibility push(default)

static _Atomic unsigned calls;

struct fault {
    char kinds[8];
    int error_number;
    unsigned after;
};

/* By bare system calls: those of the C library are ours. */
static bool read_fault(struct fault *fault)
{
    const char *const path = getenv("FAULTY_DISK");
    char text[64];
    const int descriptor =
        path ? (int)syscall(SYS_openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC) : -1;
    if (descriptor < 0)
        return false;
    const long n = syscall(SYS_read, descriptor, text, sizeof text - 1);
    syscall(SYS_close, descriptor);
    text[n > 0 ? n : 0] = '\0';
    fault->after = 0;
    return sscanf(text, "%7s %d %u", fault->kinds, &fault->error_number, &fault->after) >= 2;
}

static bool lies_under(const char *path)
{
    const char *const under = getenv("FAULTY_DISK_UNDER");
    return under && strncmp(path, under, strlen(under)) == 0;
}

static bool is_ours(int descriptor)
{
    char link[40], path[1024];
    snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
    const long n = syscall(SYS_readlinkat, AT_FDCWD, link, path, sizeof path - 1);
    path[n > 0 ? n : 0] = '\0';
    return lies_under(path);
}

/* Waits, or returns whether the call is to fail, with errno. */
static bool fails(char kind)
{
    struct fault fault;
    while (read_fault(&fault) && strchr(fault.kinds, kind)) {
        if (fault.after > 0 && atomic_fetch_add(&calls, 1) < fault.after)
            return false;
        errno = fault.error_number;
        if (fault.error_number != 0)
            return true;
        usleep(10000);
    }
    return false;
}

static bool call_fails(int descriptor, char kind)
{
    const int saved = errno;
    const bool failed = is_ours(descriptor) && fails(kind);
    if (!failed)
        errno = saved;
    return failed;
}

ssize_t pwrite64(int descriptor, const void *bytes, size_t size, off64_t offset)
{
    return call_fails(descriptor, 'w') ? -1
                                       : syscall(SYS_pwrite64, descriptor, bytes, size, offset);
}

ssize_t pwrite(int descriptor, const void *bytes, size_t size, off_t offset)
{
    return pwrite64(descriptor, bytes, size, offset);
}

ssize_t write(int descriptor, const void *bytes, size_t size)
{
    return call_fails(descriptor, 'w') ? -1 : syscall(SYS_write, descriptor, bytes, size);
}

int fsync(int descriptor)
{
    return call_fails(descriptor, 's') ? -1 : (int)syscall(SYS_fsync, descriptor);
}

int fdatasync(int descriptor)
{
    return call_fails(descriptor, 's') ? -1 : (int)syscall(SYS_fdatasync, descriptor);
}

int openat64(int folder, const char *path, int flags, ...)
{
    va_list arguments;
    va_start(arguments, flags);
    const int mode = flags & O_CREAT ? va_arg(arguments, int) : 0;
    va_end(arguments);
    if ((flags & O_CREAT) && call_fails(folder, 'o'))
        return -1;
    return (int)syscall(SYS_openat, folder, path, flags, mode);
}

int openat(int folder, const char *path, int flags, ...)
{
    va_list arguments;
    va_start(arguments, flags);
    const int mode = flags & O_CREAT ? va_arg(arguments, int) : 0;
    va_end(arguments);
    return openat64(folder, path, flags, mode);
}

int renameat2(int from, const char *old, int to, const char *new, unsigned flags)
{
    return call_fails(to, 'r') ? -1 : (int)syscall(SYS_renameat2, from, old, to, new, flags);
}
