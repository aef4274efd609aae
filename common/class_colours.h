#pragma once

#include <stdint.h>

/* How a map of classes is drawn, the same in every picture: a class's number in the map, its
 * colour, and what a person calls it. The page has the same colours. */
#define CLASS_COLOURS 7
/* The first ones are of classes that count; then come excluded and not analysed. */
#define CLASSES_THAT_COUNT 5

extern const uint8_t class_colours[CLASS_COLOURS][3]; /* red, green, blue */
extern const char *const class_words[CLASS_COLOURS];

/* Which of them a value of the map has. */
unsigned class_colour_of(double value);
