#pragma once

#include "common/error.h"
#include "detector/sim/frame_source.h"

/*
 * Frames of a .mib file, kept in the page cache and sent from there, byte for byte. `path` names
 * the .mib or its .hdr; the other one is looked for beside it, and without a .hdr one is made.
 * `repeat` is the number of passes, 0 without end.
 *
 * Returns 0, -ENOENT and the like when a file cannot be read, or -EBADMSG when it is no Merlin
 * file, with the offset.
 */
int replay_create(struct frame_source **source, const char *path, uint64_t repeat,
                  struct error *error);
