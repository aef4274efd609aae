#pragma once

#include <stdbool.h>

/* Letters of 5 x 7 pixels and two more below the line, for legends of pictures: small letters,
 * digits and " -().,%". Others are blank. */
#define FONT_WIDTH 5
#define FONT_HEIGHT 9
#define FONT_BASELINE 7

bool small_font_pixel(char letter, unsigned y, unsigned x);
