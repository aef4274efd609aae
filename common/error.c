#include "common/error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

int error_set(struct error *error, int code, const char *format, ...)
{
    if (error) {
        va_list arguments;
        va_start(arguments, format);
        error->code = code;
        vsnprintf(error->text, sizeof error->text, format, arguments);
        va_end(arguments);
    }
    return code;
}

void error_prefix(struct error *error, const char *format, ...)
{
    if (!error)
        return;
    char previous[sizeof error->text];
    memcpy(previous, error->text, sizeof previous);
    va_list arguments;
    va_start(arguments, format);
    const int length = vsnprintf(error->text, sizeof error->text, format, arguments);
    va_end(arguments);
    const size_t used = length < 0 ? 0 : strnlen(error->text, sizeof error->text - 1);
    snprintf(error->text + used, sizeof error->text - used, ": %.*s",
             (int)(sizeof error->text - used), previous);
}
