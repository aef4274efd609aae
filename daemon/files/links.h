#pragma once

#include "common/error.h"

/*
 * Links beside a recorded file, NAME.hspy and NAME.nxs, by which programs open it that go by the
 * ending of a name. They lead to the file by its name alone, so that the folder can be moved.
 * `stem` is the name without ".h5".
 */

/* Makes them in the folder; one that is there already and leads to the file is left. Nothing is
 * overwritten: -EEXIST, or another negative errno, with a sentence; the other one is made all the
 * same. */
int links_make(int folder, const char *stem, struct error *error);

/* The file was moved or got another name: so do those links that lead to it. One whose new name is
 * taken is removed. */
void links_move(int from, const char *old, int to, const char *stem);
