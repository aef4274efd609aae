#include "daemon/files/trash.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/log.h"
#include "daemon/files/folder.h"
#include "daemon/files/links.h"
#include "daemon/json_time.h"

#define SUFFIX ".h5"
#define NUMBERS 10000
/* Of folders in the trash; a name has not so many parts. */
#define DEPTH_MAX 40

/* ---- moving ---- */

struct move {
    int top, from, to;            /* descriptors, -1: none */
    char folder[TRASH_PATH_SIZE]; /* relative, of the file without the trash */
    char stem[256];               /* its name without ".h5" */
};

static void finish(const struct move *move)
{
    const int all[] = {move->top, move->from, move->to};
    for (size_t i = 0; i < 3; i++) {
        if (all[i] >= 0)
            close(all[i]);
    }
}

/* What of `path` is below `directory`, NULL: it is not. */
static const char *below(const char *directory, const char *path)
{
    const size_t n = strlen(directory);
    return strncmp(path, directory, n) == 0 && path[n] == '/' ? path + n + 1 : NULL;
}

static bool split_name(struct move *move, const char *relative)
{
    const char *const slash = strrchr(relative, '/');
    const char *const base = slash ? slash + 1 : relative;
    const size_t length = strlen(base), end = sizeof SUFFIX - 1;
    if (length <= end || length - end >= sizeof move->stem ||
        strcmp(base + length - end, SUFFIX) != 0)
        return false;
    snprintf(move->folder, sizeof move->folder, "%.*s", slash ? (int)(slash - relative) : 0,
             relative);
    snprintf(move->stem, sizeof move->stem, "%.*s", (int)(length - end), base);
    return true;
}

static int open_folders(struct move *move, const char *directory, bool out)
{
    char trash[TRASH_PATH_SIZE + sizeof TRASH_FOLDER + 1];
    snprintf(trash, sizeof trash, "%s%s%s", TRASH_FOLDER, *move->folder ? "/" : "", move->folder);
    move->top = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (move->top < 0)
        return -errno;
    move->from = folder_open(move->top, out ? trash : move->folder, false);
    move->to = folder_open(move->top, out ? move->folder : trash, true);
    return move->from < 0 ? move->from : move->to < 0 ? move->to : 0;
}

/* Sets `stem` to the new one. */
static int move_file(const struct move *move, char stem[280])
{
    char old[sizeof move->stem + 8], new[300];
    int r = -EEXIST;
    snprintf(old, sizeof old, "%s" SUFFIX, move->stem);
    snprintf(stem, 280, "%s", move->stem);
    for (unsigned number = 2; r == -EEXIST && number < NUMBERS; number++) {
        snprintf(new, sizeof new, "%s" SUFFIX, stem);
        r = folder_rename(move->from, old, move->to, new);
        if (r == -EEXIST)
            snprintf(stem, 280, "%s_%u", move->stem, number);
    }
    if (r == 0)
        links_move(move->from, move->stem, move->to, stem);
    return r;
}

static int move_it(const char *directory, const char *path, bool out, char now[TRASH_PATH_SIZE],
                   struct error *error)
{
    struct move move = {-1, -1, -1, "", ""};
    char top[PATH_MAX], stem[280];
    int r = realpath(directory, top) ? 0 : -errno;
    const char *relative = r == 0 ? below(top, path) : NULL;
    if (relative && out)
        relative = below(TRASH_FOLDER, relative);
    if (r == 0 && (!relative || !split_name(&move, relative)))
        r = -EINVAL;
    if (r == 0)
        r = open_folders(&move, top, out);
    if (r == 0)
        r = move_file(&move, stem);
    finish(&move);
    if (r < 0)
        return error_set(error, r, "cannot move %.250s %s the trash: %s", path,
                         out ? "out of" : "to", strerror(-r));
    snprintf(now, TRASH_PATH_SIZE, "%.500s/%s%.300s%s%.270s" SUFFIX, top,
             out ? "" : TRASH_FOLDER "/", move.folder, *move.folder ? "/" : "", stem);
    return 0;
}

int trash_put(const char *directory, const char *path, char now[TRASH_PATH_SIZE],
              struct error *error)
{
    return move_it(directory, path, false, now, error);
}

int trash_take_out(const char *directory, const char *path, char now[TRASH_PATH_SIZE],
                   struct error *error)
{
    return move_it(directory, path, true, now, error);
}

/* ---- what is there ---- */

struct visit {
    double hours;
    json_t *files; /* to list them; NULL: to remove what is too old */
    unsigned removed;
    uint64_t now_ns;
};

static uint64_t discarded_ns(const struct stat *facts)
{
    return (uint64_t)facts->st_ctim.tv_sec * NS_PER_S + (uint64_t)facts->st_ctim.tv_nsec;
}

static void visit_file(struct visit *visit, int folder, const char *name, const char *path,
                       const struct stat *facts)
{
    const uint64_t since = discarded_ns(facts);
    const uint64_t until = since + (uint64_t)(visit->hours * 3600 * (double)NS_PER_S);
    const size_t length = strlen(name);
    if (visit->files) {
        if (length > 3 && strcmp(name + length - 3, SUFFIX) == 0)
            json_array_append_new(visit->files,
                                  json_pack("{s:s, s:I, s:o, s:o}", "file", path, "bytes",
                                            (json_int_t)facts->st_size, "discarded",
                                            json_time(since), "kept_until", json_time(until)));
        return;
    }
    if (visit->now_ns >= until && unlinkat(folder, name, 0) == 0 && S_ISREG(facts->st_mode)) {
        visit->removed++;
        log_info("record", "%s was discarded %.3g hours ago and is removed", path, visit->hours);
    }
}

static void visit_folder(struct visit *visit, int folder, const char *path, int depth);

static void visit_entry(struct visit *visit, int folder, const char *name, const char *folder_path,
                        int depth)
{
    char path[TRASH_PATH_SIZE + 300];
    struct stat facts;
    snprintf(path, sizeof path, "%.1050s/%.255s", folder_path, name);
    if (fstatat(folder, name, &facts, AT_SYMLINK_NOFOLLOW) < 0)
        return;
    if (S_ISDIR(facts.st_mode) && depth < DEPTH_MAX) {
        visit_folder(visit, openat(folder, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC),
                     path, depth + 1);
        if (!visit->files)
            (void)unlinkat(folder, name, AT_REMOVEDIR); /* when it is empty by now */
    } else if (S_ISREG(facts.st_mode) || S_ISLNK(facts.st_mode)) {
        visit_file(visit, folder, name, path, &facts);
    }
}

/* Takes over the descriptor, which may be -1. */
static void visit_folder(struct visit *visit, int folder, const char *path, int depth)
{
    DIR *const entries = folder < 0 ? NULL : fdopendir(folder);
    if (!entries && folder >= 0)
        close(folder);
    for (const struct dirent *entry; entries && (entry = readdir(entries));) {
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            visit_entry(visit, dirfd(entries), entry->d_name, path, depth);
    }
    if (entries)
        closedir(entries);
}

static void visit_trash(struct visit *visit, const char *directory)
{
    char top[PATH_MAX], path[PATH_MAX + sizeof TRASH_FOLDER + 1];
    if (!realpath(directory, top))
        return;
    snprintf(path, sizeof path, "%s/%s", top, TRASH_FOLDER);
    visit_folder(visit, open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC), path, 0);
}

void trash_list(const char *directory, double hours, json_t *files)
{
    struct visit visit = {.hours = hours, .files = files};
    visit_trash(&visit, directory);
}

unsigned trash_empty(const char *directory, double hours)
{
    struct visit visit = {.hours = hours, .now_ns = clock_realtime_ns()};
    visit_trash(&visit, directory);
    return visit.removed;
}
