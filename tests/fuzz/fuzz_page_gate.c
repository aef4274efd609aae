#include <strings.h>

#include "daemon/web/gate.h"
#include "fuzz_target.h"

/* Host, Origin and the list of origins, each a line: whatever they are, an Origin that is let in
 * without a list is the Host's own, and a Host without a list is no stranger's name. */

static char *next_line(const uint8_t **bytes, size_t *size)
{
    const uint8_t *const end = *size > 0 ? memchr(*bytes, '\n', *size) : NULL;
    const size_t length = end ? (size_t)(end - *bytes) : *size;
    char *const line = malloc(length + 1);
    fuzz_require(line != NULL);
    if (length > 0)
        memcpy(line, *bytes, length);
    line[length] = '\0';
    *bytes += length + (end != NULL);
    *size -= length + (end != NULL);
    return line;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    char *const host = next_line(&bytes, &size);
    char *const origin = next_line(&bytes, &size);
    char *const origins = next_line(&bytes, &size);
    (void)gate_host_allowed(host, origins);
    (void)gate_origin_allowed(origin, host, origins);
    if (*origin && gate_origin_allowed(origin, host, "")) {
        const char *const place = strstr(origin, "://");
        fuzz_require(place && strcasecmp(place + 3, host) == 0);
    }
    if (gate_host_allowed(host, ""))
        fuzz_require(*host && !strstr(host, "evil"));
    fuzz_require(gate_token_fits(host, origin) == (*host && strcmp(host, origin) == 0));
    free(origins);
    free(origin);
    free(host);
    return 0;
}
