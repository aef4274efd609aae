#include "clients/ctl/output.h"

#include <math.h>
#include <string.h>
#include <time.h>

struct text text_of_count(uint64_t count)
{
    char digits[24];
    const int length = snprintf(digits, sizeof digits, "%llu", (unsigned long long)count);
    struct text result;
    char *to = result.text;
    for (int i = 0; i < length; i++) {
        if (i > 0 && (length - i) % 3 == 0)
            *to++ = ',';
        *to++ = digits[i];
    }
    *to = '\0';
    return result;
}

struct text text_of_bytes(double bytes)
{
    static const char *const units[] = {"B", "kB", "MB", "GB", "TB", "PB"};
    size_t unit = 0;
    while (bytes >= 999.5 && unit + 1 < sizeof units / sizeof *units) {
        bytes /= 1000;
        unit++;
    }
    struct text result;
    const int decimals = unit == 0 || bytes >= 99.95 ? 0 : bytes >= 9.995 ? 1 : 2;
    snprintf(result.text, sizeof result.text, "%.*f %s", decimals, bytes, units[unit]);
    return result;
}

struct text text_of_duration(double seconds)
{
    struct text result;
    if (!(seconds >= 0) || seconds > 1e9) {
        snprintf(result.text, sizeof result.text, "?");
    } else if (seconds < 59.95) {
        snprintf(result.text, sizeof result.text, "%.1f s", seconds);
    } else {
        const long long s = llround(seconds);
        if (s < 3600)
            snprintf(result.text, sizeof result.text, "%lld min %02lld s", s / 60, s % 60);
        else
            snprintf(result.text, sizeof result.text, "%lld h %02lld min", s / 3600, s % 3600 / 60);
    }
    return result;
}

struct text text_of_time(const json_t *time)
{
    struct text result = {""};
    const json_t *const seconds = json_array_get(time, 0);
    if (!json_is_integer(seconds))
        return result;
    const time_t when = (time_t)json_integer_value(seconds);
    struct tm local;
    if (localtime_r(&when, &local))
        strftime(result.text, sizeof result.text, "%Y-%m-%d %H:%M:%S", &local);
    return result;
}

void output_names(FILE *out, const json_t *names)
{
    size_t i;
    const json_t *name;
    json_array_foreach(names, i, name) fprintf(
        out, "%s%s", i > 0 ? ", " : "", json_is_string(name) ? json_string_value(name) : "?");
}

void output_json(const json_t *object)
{
    json_dumpf(object, stdout, JSON_COMPACT | JSON_REAL_PRECISION(12));
    putchar('\n');
}

void output_error(const struct options *options, const char *code, const char *message,
                  json_t *refusal)
{
    if (!options->json)
        return;
    json_t *const object =
        refusal ? json_pack("{s:O}", "error", refusal)
                : json_pack("{s:{s:s, s:s}}", "error", "code", code, "message", message);
    output_json(object);
    json_decref(object);
}

const char *member_text(const json_t *object, const char *name)
{
    const char *const text = json_string_value(json_object_get(object, name));
    return text ? text : "";
}

uint64_t member_count(const json_t *object, const char *name)
{
    const json_int_t value = json_integer_value(json_object_get(object, name));
    return value > 0 ? (uint64_t)value : 0;
}

double member_number(const json_t *object, const char *name)
{
    return json_number_value(json_object_get(object, name));
}

double number_or_nan(const json_t *json)
{
    return json_is_number(json) ? json_number_value(json) : NAN;
}

double member_or_nan(const json_t *object, const char *name)
{
    return number_or_nan(json_object_get(object, name));
}
