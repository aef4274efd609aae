#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "common/error.h"

#define FILE_PATH_MAX 1100

/*
 * Where the file of a run is: `partial` while it is written, `final` afterwards. Absolute paths.
 * The folder is held by a descriptor, so that the file gets its name also where the folder was
 * moved, or unmounted, meanwhile.
 */
struct file_name {
    int folder;     /* -1: none */
    bool settled;   /* it has its final name */
    char base[256]; /* of the final name, in the folder */
    char directory[FILE_PATH_MAX];
    char partial[FILE_PATH_MAX];
    char final[FILE_PATH_MAX];
};

/*
 * Finds a free name as the settings' template (name_template.h) says, in their directory, and makes
 * its .partial, empty, with the folders that lead to it. Never touches a file that is there: the
 * number of {run} is one more than the highest that is taken, also of discarded files; names
 * without it get "_2", "_3" behind them. Returns a descriptor of the file or a negative errno with
 * a sentence.
 */
struct recording_settings;
struct name_facts;
int file_name_claim(struct file_name *name, const struct recording_settings *settings,
                    const struct name_facts *facts, struct error *error);

/* Leaves room for the longest name behind it. */
#define FILE_NAME_DIRECTORY_MAX 800
#define FILE_NAME_PARTIAL_SIZE (sizeof((struct file_name *)0)->base + 16)

/* Sets all paths; takes over the folder in any case. -ENAMETOOLONG. */
int file_name_place(struct file_name *name, int folder, const char *directory, const char *base);
void file_name_spell_partial(const struct file_name *name, char partial[FILE_NAME_PARTIAL_SIZE]);

/*
 * A lock on a file that is being written, for as long as the descriptor is open, and whether
 * somebody holds one. Not flock(2), which HDF5 uses itself and lets go of while readers may follow.
 */
void file_name_hold(int descriptor);
bool file_name_is_held(const char *path);

/*
 * Gives a file that was written to the disk, and only then, its final name, unless that has been
 * taken meanwhile. -ENOENT: somebody has deleted it, and it is only there as long as the descriptor
 * is open (file_rescue.h). Where the folder was moved, the paths are those of its new place.
 */
int file_name_settle(struct file_name *name, int descriptor, struct error *error);

/* Whether the file is still where it was made: -ENOENT, deleted, or -ESTALE, its folder was moved,
 * with a sentence. */
int file_name_check(const struct file_name *name, int descriptor, struct error *error);

/* Lets go of the folder. */
void file_name_finish(struct file_name *name);
