#include "daemon/web/gate.h"

#include <arpa/inet.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#define NAME_SIZE 256

/* Nothing, or : and digits. */
static bool is_port(const char *text, size_t length)
{
    if (length > 0 && text[0] != ':')
        return false;
    for (size_t i = 1; i < length; i++) {
        if (text[i] < '0' || text[i] > '9')
            return false;
    }
    return true;
}

/* The host of HOST, HOST:PORT or [IPv6]:PORT, without brackets; false when it is none. */
static bool split_host(const char *text, size_t length, char host[NAME_SIZE])
{
    const bool bracketed = length > 0 && text[0] == '[';
    const char *const end = memchr(text, bracketed ? ']' : ':', length);
    const size_t whole = end ? (size_t)(end - text) + bracketed : length;
    const size_t n = whole - 2 * (size_t)(bracketed && end);
    if ((bracketed && !end) || n == 0 || n >= NAME_SIZE || !is_port(text + whole, length - whole))
        return false;
    memcpy(host, text + bracketed, n);
    host[n] = '\0';
    return true;
}

static bool is_address(const char *host)
{
    unsigned char address[sizeof(struct in6_addr)];
    return inet_pton(AF_INET, host, address) == 1 || inet_pton(AF_INET6, host, address) == 1;
}

static bool is_this_computer(const char *host)
{
    char name[NAME_SIZE] = "";
    if (strcasecmp(host, "localhost") == 0)
        return true;
    return gethostname(name, sizeof name - 1) == 0 && *name && strcasecmp(host, name) == 0;
}

/* The next word of a list separated by blanks; NULL: no more. */
static const char *next_word(const char *list, size_t *length)
{
    list += strspn(list, " ");
    *length = strcspn(list, " ");
    return *length > 0 ? list : NULL;
}

/* What follows http:// or https://; NULL: it is neither. */
static const char *after_scheme(const char *origin)
{
    if (strncasecmp(origin, "http://", 7) == 0)
        return origin + 7;
    if (strncasecmp(origin, "https://", 8) == 0)
        return origin + 8;
    return NULL;
}

static bool is_host_of_list(const char *host, const char *origins)
{
    size_t length;
    for (const char *word = origins; (word = next_word(word, &length)); word += length) {
        const char *const rest = after_scheme(word);
        char listed[NAME_SIZE];
        if (rest && split_host(rest, length - (size_t)(rest - word), listed) &&
            strcasecmp(listed, host) == 0)
            return true;
    }
    return false;
}

bool gate_host_allowed(const char *host, const char *origins)
{
    char name[NAME_SIZE];
    return split_host(host, strlen(host), name) &&
           (is_address(name) || is_this_computer(name) || is_host_of_list(name, origins));
}

bool gate_origin_allowed(const char *origin, const char *host, const char *origins)
{
    if (!*origin)
        return true;
    const char *const own = after_scheme(origin);
    if (own && strcasecmp(own, host) == 0)
        return true;
    size_t length;
    for (const char *word = origins; (word = next_word(word, &length)); word += length) {
        if (strlen(origin) == length && strncasecmp(origin, word, length) == 0)
            return true;
    }
    return false;
}

bool gate_token_fits(const char *given, const char *token)
{
    const size_t given_length = strlen(given), length = strlen(token);
    unsigned char differs = given_length != length || length == 0;
    for (size_t i = 0; i < length; i++)
        differs |= (unsigned char)(token[i] ^ (given_length > 0 ? given[i % given_length] : 0));
    return !differs;
}
