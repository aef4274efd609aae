#pragma once

#include <stdint.h>

/*
 * What was refused, by reason: all of it counted, and logged at most once in 5 s for each reason,
 * so that nobody can fill the journal. Belongs to the web thread.
 */
enum refusal {
    REFUSAL_HOST,
    REFUSAL_ORIGIN,
    REFUSAL_TOKEN,
    REFUSAL_REQUEST, /* HTTP that is not served: method, body */
    REFUSAL_PATH,    /* there is nothing */
    REFUSAL_MESSAGE, /* of a viewer: no JSON, too large, binary */
    REFUSAL_FORBIDDEN,
    REFUSAL_FULL,   /* more viewers or connections than there may be */
    REFUSAL_SILENT, /* a viewer that does not read or answer */
    REFUSAL_HALF,   /* a connection that has said nothing, half a request, or nonsense */
    N_REFUSALS
};

struct refusals {
    uint64_t counts[N_REFUSALS];
    uint64_t logged_ns[N_REFUSALS];
    uint64_t unlogged[N_REFUSALS];
};

/* As metrics name it. */
const char *refusal_name(enum refusal refusal);

__attribute__((format(printf, 3, 4))) void refuse(struct refusals *refusals, enum refusal refusal,
                                                  const char *format, ...);
