#pragma once

#include <stdbool.h>

/* Letters of 5 x 7 pixels, for legends of pictures: small letters, digits and " -().,%". Others are
 * blank. */
#define FONT_WIDTH 5
#define FONT_HEIGHT 7

bool small_font_pixel(char letter, unsigned y, unsigned x);
