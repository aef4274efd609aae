#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* A piece of somebody else's bytes read as text: not terminated, any byte may occur in it. */
struct text {
    const uint8_t *at;
    size_t size;
};

static inline bool text_is_blank(uint8_t byte)
{
    return byte == ' ' || byte == '\t' || byte == '\r' || byte == '\n' || byte == '\0';
}

/* Without blanks, line ends and NULs at both ends. */
static inline struct text text_trim(struct text text)
{
    while (text.size > 0 && text_is_blank(text.at[0]))
        text = (struct text){text.at + 1, text.size - 1};
    while (text.size > 0 && text_is_blank(text.at[text.size - 1]))
        text.size--;
    return text;
}

/* `literal` is a string constant of the program. */
static inline bool text_equals(struct text text, const char *literal)
{
    return text.size == strlen(literal) && memcmp(text.at, literal, text.size) == 0;
}

static inline bool text_begins(struct text text, const char *literal)
{
    return text.size >= strlen(literal) && memcmp(text.at, literal, strlen(literal)) == 0;
}

static inline bool text_is_digit(uint8_t byte)
{
    return byte >= '0' && byte <= '9';
}

/*
 * Reads the decimal digits that the text begins with and returns how many there are; 0 when there
 * is none or they are more than 19, which is as many as a uint64_t surely holds.
 */
static inline size_t text_leading_number(struct text text, uint64_t *number)
{
    uint64_t value = 0;
    size_t n = 0;
    while (n < text.size && text_is_digit(text.at[n])) {
        if (n == 19)
            return 0;
        value = value * 10 + (uint64_t)(text.at[n] - '0');
        n++;
    }
    if (n > 0)
        *number = value;
    return n;
}

/* The whole text is one decimal number. */
static inline bool text_number(struct text text, uint64_t *number)
{
    uint64_t value;
    if (text.size == 0 || text_leading_number(text, &value) != text.size)
        return false;
    *number = value;
    return true;
}

/* For "%.*s" in error messages: how much of a text to print, lest garbage fill the sentence. */
static inline int text_shown(struct text text)
{
    return text.size > 40 ? 40 : (int)text.size;
}
