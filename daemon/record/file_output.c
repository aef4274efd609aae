#include "daemon/record/file_output.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/record/file_crash.h"
#include "daemon/record/hdf5_error.h"

/* ---- names ---- */

static int open_folder(struct file_name *name, const char *base, struct error *error)
{
    const int n = snprintf(name->base, sizeof name->base, "%s", base);
    if (n < 1 || (size_t)n >= sizeof name->base)
        return error_set(error, -ENAMETOOLONG, "\"%.250s\" is no name for a file", base);
    name->folder = open(name->directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (name->folder < 0)
        return error_set(error, -errno, "cannot create %.250s: %s", name->partial, strerror(errno));
    return 0;
}

static int spell(struct file_name *name, const char *path, struct error *error)
{
    char *const slash = strrchr(path, '/');
    const int directory = slash ? (int)(slash - path) + 1 : 1;
    const int a = snprintf(name->final, sizeof name->final, "%s", path);
    const int b = snprintf(name->partial, sizeof name->partial, "%s.partial", path);
    snprintf(name->directory, sizeof name->directory, "%.*s", directory, slash ? path : ".");
    if (a < 1 || b < 0 || (size_t)b >= sizeof name->partial)
        return error_set(error, -ENAMETOOLONG, "\"%.250s\" is no name for a file", path);
    return open_folder(name, slash ? slash + 1 : path, error);
}

static int check_new(const struct file_output *output, const char *original, struct error *error)
{
    struct stat old, new;
    const char *const path = output->name.final;
    if (stat(path, &new) < 0)
        return 0;
    if (stat(original, &old) == 0 && old.st_dev == new.st_dev && old.st_ino == new.st_ino)
        return error_set(error, -EEXIST, "%.250s is the original: give the new file another name",
                         path);
    if (!S_ISREG(new.st_mode))
        return error_set(error, -EEXIST, "%.250s is there and is no file", path);
    if (!output->replace)
        return error_set(error, -EEXIST,
                         "%.250s is there already: give another name, or --force to replace it",
                         path);
    return 0;
}

/* ---- the partial file ---- */

static int claim(struct file_output *output, struct error *error)
{
    const char *const partial = output->name.partial;
    if (output->replace)
        unlink(partial);
    output->descriptor = open(partial, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (output->descriptor >= 0) {
        file_name_hold(output->descriptor);
        file_crash_takes_away(partial);
        return 0;
    }
    if (errno == EEXIST)
        return error_set(error, -EEXIST,
                         "%.250s is there: another merlin-file writes it, or was killed; when none "
                         "does, --force writes it anew",
                         partial);
    return error_set(error, -errno, "cannot create %.250s: %s", partial, strerror(errno));
}

/* The format of merlind's own files, so that whatever may be in one has a place here. */
static hid_t create_hdf5(const char *path)
{
    const hid_t access = H5Pcreate(H5P_FILE_ACCESS);
    hid_t file = -1;
    if (access >= 0 && H5Pset_libver_bounds(access, H5F_LIBVER_V110, H5F_LIBVER_V110) >= 0 &&
        H5Pset_fclose_degree(access, H5F_CLOSE_STRONG) >= 0)
        file = H5Fcreate(path, H5F_ACC_TRUNC, H5P_DEFAULT, access);
    if (access >= 0)
        H5Pclose(access);
    return file;
}

int file_output_create(struct file_output *output, const char *path, const char *original,
                       bool replace, struct error *error)
{
    *output = (struct file_output){.file = -1, .descriptor = -1, .replace = replace};
    output->name.folder = -1;
    int r = spell(&output->name, path, error);
    if (r == 0)
        r = check_new(output, original, error);
    if (r == 0)
        r = claim(output, error);
    if (r < 0) {
        file_name_finish(&output->name);
        return r;
    }
    output->file = create_hdf5(output->name.partial);
    if (output->file >= 0)
        return 0;
    r = file_output_error(output, original, error);
    file_output_abandon(output);
    return r;
}

static int replace_file(const struct file_output *output, struct error *error)
{
    if (fsync(output->descriptor) == 0 && rename(output->name.partial, output->name.final) == 0)
        return 0;
    return error_set(error, -errno, "cannot give %.250s its name: %s", output->name.partial,
                     strerror(errno));
}

int file_output_commit(struct file_output *output, const char *original, struct error *error)
{
    const hid_t file = output->file;
    output->file = -1;
    if (H5Fclose(file) < 0)
        return file_output_error(output, original, error);
    file_crash_takes_away(NULL);
    const int r = output->replace ? replace_file(output, error)
                                  : file_name_settle(&output->name, output->descriptor, error);
    if (r < 0)
        return r;
    close(output->descriptor);
    output->descriptor = -1;
    file_name_finish(&output->name);
    return 0;
}

void file_output_abandon(struct file_output *output)
{
    if (output->file >= 0)
        H5Fclose(output->file);
    hdf5_error_forget();
    output->file = -1;
    if (output->descriptor < 0)
        return;
    unlink(output->name.partial);
    file_crash_takes_away(NULL);
    close(output->descriptor);
    output->descriptor = -1;
    file_name_finish(&output->name);
}

int file_output_error(const struct file_output *output, const char *original, struct error *error)
{
    struct error reason = {0};
    const int code = hdf5_error_take(&reason, "make", output->name.final);
    if (code == -ENOSPC || code == -EDQUOT || code == -EFBIG)
        return error_set(error, code,
                         "no room for %.200s: %s; %.200s is as it was; free space there, or write "
                         "the new file to another disk",
                         output->name.final, strerror(-code), original);
    return error_set(error, code, "%.300s; %.150s is as it was", reason.text, original);
}

/* ---- Ctrl-C ---- */

static volatile sig_atomic_t caught;

static void remember(int signal_number)
{
    caught = signal_number;
}

void file_interrupt_watch(void)
{
    struct sigaction action = {.sa_handler = remember, .sa_flags = (int)SA_RESETHAND | SA_RESTART};
    sigemptyset(&action.sa_mask);
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
}

int file_interrupted(void)
{
    return caught;
}
